"""How a real browser lays a page out: widths, and what it prints."""

import html
import re
import shutil
import subprocess

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no chromium or google-chrome on PATH to lay the page out with"
)
DESKTOP, PHONE = 1280, 360
# Chromium has no window as narrow as a phone: frames are.
_MEASURE = """
<script>
addEventListener("load", () => {
  document.title = [...document.querySelectorAll("iframe")].map((frame) => {
    const root = frame.contentDocument.documentElement;
    return `${root.scrollWidth}/${root.clientWidth}/${root.querySelectorAll("h2").length}`;
  }).join(" ");
});
</script>
"""


def assert_fits(page, folder):
    """Nothing of a page sticks out at desktop and at phone width, and both show all sections."""
    frames = "".join(
        f'<iframe style="width:{width}px;height:800px;border:0" srcdoc="{html.escape(page)}">'
        "</iframe>"
        for width in (DESKTOP, PHONE)
    )
    dom = _browse(folder, f"<!doctype html><title></title>{_MEASURE}{frames}", "--dump-dom")
    said = re.search(r"<title>(.*?)</title>", dom).group(1).split()
    wide, narrow = ([int(part) for part in each.split("/")] for each in said)
    assert wide[0] <= wide[1] <= DESKTOP
    assert narrow[0] <= narrow[1] <= PHONE
    assert wide[2] == narrow[2] == page.count("<h2")


def printed_pages(page, folder):
    """The number of sheets that a page prints to."""
    target = folder / "page.pdf"
    _browse(folder, page, f"--print-to-pdf={target}", "--no-pdf-header-footer")
    data = target.read_bytes()
    assert data.startswith(b"%PDF-")
    return len(re.findall(rb"/Type /Page\b", data))


def _browse(folder, page, *options):
    (folder / "page.html").write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            BROWSER,
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-sync", "--virtual-time-budget=5000"),
            f"--user-data-dir={folder / 'profile'}",
            *options,
            (folder / "page.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout

"""Take the screenshots of the README: coverage, and MLflow's pages on this project's store.

Needs a store with at least one evaluation in it and Chromium on PATH. Starts `seclab ui` on a free
port, waits until that very process answers, takes the pictures, and stops it.

    python docs/screenshots.py
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).resolve().parent / "images"
SECLAB = str(Path(sys.executable).parent / "seclab")
_WIDTH = 1420
_ASSISTANT = 490  # pixels on the right that MLflow's assistant panel takes


def main() -> None:
    """Take all pictures."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is needed: on Debian, apt-get install chromium")
    runs = json.loads(
        subprocess.run(
            [SECLAB, "runs", "--json"], capture_output=True, text=True, check=True
        ).stdout
    )
    judged = [run for run in runs if run["verdict"] and run["kind"] == "model"]
    shown = next(
        (run for run in judged if run["verdict"] == "BLOCK"), judged[0] if judged else None
    )
    if shown is None:
        sys.exit("no evaluation in the store: run `seclab evaluate` first")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "coverage.html"
        subprocess.run(
            [SECLAB, "coverage", "--html", str(page)], stdout=subprocess.DEVNULL, check=True
        )
        # Of the page only what follows the gaps: a picture has no place to scroll to.
        rest = "body :has(~ #tactics) { display: none }</style>"
        page.write_text(page.read_text(encoding="utf-8").replace("</style>", rest, 1), "utf-8")
        _picture(browser, page.as_uri(), IMAGES / "coverage.png", height=1200, cut=0)
    server = subprocess.Popen([SECLAB, "ui", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None  # noqa: S101 - a pipe was asked for
        runs_page = server.stdout.readline().split()[1]
        _wait(server, runs_page.partition("#")[0])
        run_page = runs_page.replace("/runs?", f"/runs/{shown['run_id']}?")
        _picture(browser, runs_page, IMAGES / "runs.png", height=760)
        _picture(browser, run_page, IMAGES / "run.png", height=1180)
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen[str], address: str) -> None:
    for _ in range(120):
        if server.poll() is not None:
            sys.exit("seclab ui ended before it answered")
        try:
            urllib.request.urlopen(f"{address}health", timeout=5).close()  # noqa: S310 - loopback
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
        else:
            return
    sys.exit("seclab ui did not answer within a minute")


def _picture(browser: str, address: str, path: Path, *, height: int, cut: int = _ASSISTANT) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser,
                *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--disable-background-networking", "--no-first-run", "--disable-sync"),
                f"--user-data-dir={profile}",
                f"--window-size={_WIDTH + cut},{height}",
                "--virtual-time-budget=30000",
                f"--screenshot={path}",
                address,
            ],
            check=True,
            capture_output=True,
        )
    with Image.open(path) as image:
        cropped = image.crop((0, 0, _WIDTH, height)).convert("P", palette=Image.Palette.ADAPTIVE)
    cropped.save(path, optimize=True)


if __name__ == "__main__":
    main()

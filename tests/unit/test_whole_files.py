"""Files of a user: whole or not at all, at the place that was meant, with nothing left beside."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from seclab.errors import Misconfigured
from seclab.whole_files import make_folder, read_file, write_new, write_whole


def test_files_are_replaced_and_keep_their_permissions(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"before")
    one.chmod(0o640)

    write_whole({one: b"after", other: b"new"})

    assert (one.read_bytes(), other.read_bytes()) == (b"after", b"new")
    assert stat.S_IMODE(one.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one", "other"]


def test_a_new_file_is_as_private_as_the_user_asks(tmp_path):
    before = os.umask(0o077)
    try:
        write_whole({tmp_path / "new": b"x"})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_link_is_followed_and_stays(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"before")
    link.symlink_to(target)

    write_whole({link: b"after"})

    assert link.is_symlink()
    assert target.read_bytes() == b"after"


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()

    write_whole({pipe: b"content"})
    reader.join(timeout=10)

    assert read == [b"content"]
    assert pipe.is_fifo()


def test_when_one_cannot_be_written_none_is_changed(tmp_path):
    kept = tmp_path / "kept"
    kept.write_bytes(b"before")

    with pytest.raises(Misconfigured, match="missing/x cannot be written: No such file"):
        write_whole({kept: b"after", tmp_path / "missing" / "x": b"y"})

    assert kept.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [kept]


def test_a_write_that_breaks_off_leaves_what_was_there(tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    kept.write_bytes(b"before")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Misconfigured, match="No space left"):
        write_whole({kept: b"after"})

    assert kept.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [kept]


def test_what_is_there_is_not_written_as_new(tmp_path):
    write_new(tmp_path / "a", b"first")

    with pytest.raises(Misconfigured, match="is there already and is not overwritten"):
        write_new(tmp_path / "a", b"second")

    assert (tmp_path / "a").read_bytes() == b"first"


@pytest.mark.parametrize(
    "use", [lambda path: write_new(path, b""), lambda path: write_whole({path: b""}), make_folder]
)
def test_a_name_that_is_too_long_is_told(tmp_path, use):
    with pytest.raises(Misconfigured, match="File name too long"):
        use(tmp_path / ("a" * 300))


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(Misconfigured, match=r"cannot be read: Is a directory"):
        read_file(tmp_path)
    with pytest.raises(Misconfigured, match=r"cannot be read: No such file"):
        read_file(Path(tmp_path / "x"))

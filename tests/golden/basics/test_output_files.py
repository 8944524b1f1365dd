"""Files and folders are written whole or not at all, devices and links stay what they are."""

import errno
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from rheobase.golden.basics.output_files import (
    check_folder,
    check_writable,
    folder_beside,
    put_in_place,
    write_whole,
)
from rheobase.golden.errors import MachineError, RheobaseError


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "file"
    write_whole(path, b"old")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o600)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_link_points_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    link, real = tmp_path / "link", tmp_path / "there" / "real"
    link.symlink_to("there/real")
    for content in (b"first", b"second"):
        check_writable(link)
        write_whole(link, content)
        assert link.is_symlink() and real.read_bytes() == content
    assert [path.name for path in real.parent.iterdir()] == ["real"]
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(RheobaseError, match="Too many levels"):
        write_whole(link, b"")


def test_a_device_stays_a_device(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("mknod needs root")
    check_writable(device)
    write_whole(device, b"text")
    assert stat.S_ISCHR(device.stat().st_mode) and list(tmp_path.iterdir()) == [device]


def test_a_full_device_is_no_bad_input():
    with pytest.raises(MachineError, match=r"^/dev/full: cannot be written .No space left"):
        write_whole(Path("/dev/full"), b"text")


def test_a_fifo_stays_a_fifo(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(MachineError, match=r"fifo: cannot be written .nobody reads it"):
        write_whole(fifo, b"nobody reads")
    found = []
    reader = threading.Thread(target=lambda: found.append(fifo.read_bytes()))
    content = bytes(range(256)) * 1024  # more than the pipe holds
    reader.start()
    while not found:
        try:
            write_whole(fifo, content)
            break
        except MachineError:  # the reader has not opened it yet
            continue
    reader.join(10)
    assert found == [content] and stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_folder_is_no_file(tmp_path):
    for write in (check_writable, lambda path: write_whole(path, b"")):
        with pytest.raises(RheobaseError, match="is a folder, must be the name of a file"):
            write(tmp_path)
        with pytest.raises(RheobaseError, match=r"no/file: .*(No such file|no folder)") as error:
            write(tmp_path / "no" / "file")
        assert error.value.status == 2
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(full_disk):
    before = sorted(full_disk.iterdir())
    for write in (check_writable, lambda path: write_whole(path, b"text")):
        with pytest.raises(MachineError, match="No space left") as error:
            write(full_disk / "ballast")
        assert error.value.status == 3
    with pytest.raises(MachineError, match="No space left"):
        check_folder(full_disk / "new" / "folder")
    with pytest.raises(MachineError, match="No space left"), folder_beside(full_disk / "new") as at:
        (at / "file").write_bytes(b"text")
    assert sorted(full_disk.iterdir()) == before
    assert (full_disk / "ballast").stat().st_size == 64 * 1024


def test_a_read_only_disk(full_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    for check in (check_writable, check_folder, lambda path: write_whole(path, b"")):
        with pytest.raises(MachineError, match="Read-only file system"):
            check(full_disk / "new")


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    monkeypatch.setattr(type(path), "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    with pytest.raises(KeyboardInterrupt), folder_beside(tmp_path / "folder"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"old"


def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch):
    target = tmp_path / "build"
    for content in ("first", "second"):
        with folder_beside(target) as work:
            (work / "file").write_text(content)
            put_in_place(work, target)
        assert (target / "file").read_text() == content
    # Where the new one cannot be moved the old one is back.
    rename = type(target).rename

    def refused(self, other):
        if (self / "new").exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, other)

    monkeypatch.setattr(type(target), "rename", refused)
    with pytest.raises(MachineError, match="Input/output"), folder_beside(target) as work:
        (work / "new").touch()
        put_in_place(work, target)
    assert (target / "file").read_text() == "second" and list(tmp_path.iterdir()) == [target]
    shutil.rmtree(target)

"""Volumes that can be filled up or made read-only while an app runs on them, really.

Full: a small tmpfs where we may mount one, otherwise a limit on the size of files that is put on the
running process. Read-only: the directory's mode, which does not bind root; so an app under test that
would run as root runs without the capability to ignore modes.
"""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.app_server import AppServer

TMPFS_SIZE = 256 * 1024


def as_ordinary_user() -> list[str]:
    """What to put before a command so that file modes bind it; empty where they do anyway."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "as root, these tests need setpriv: apt-get install util-linux"
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


@contextlib.contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Let nothing in `directory` be made, renamed or removed until the end of the block."""
    mode = directory.stat().st_mode
    directory.chmod(0o555)
    try:
        yield
    finally:
        directory.chmod(mode)


@contextlib.contextmanager
def small_volume(directory: Path) -> Iterator[bool]:
    """A small file system at `directory`, if we may mount one: whether it is there."""
    directory.mkdir(parents=True)
    mount = [
        shutil.which("mount") or "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={TMPFS_SIZE}",
        "tmpfs",
        str(directory),
    ]
    mounted = (
        sys.platform == "linux"
        and os.geteuid() == 0
        and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run([shutil.which("umount") or "umount", str(directory)], check=True)


@contextlib.contextmanager
def full(app: AppServer, *, mounted: bool) -> Iterator[None]:
    """Leave no room for anything on the app's volume until the end of the block."""
    if mounted:
        filler = app.cache_dir / ".filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            filler.unlink()
    else:
        limits = resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        try:
            yield
        finally:
            resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, limits)

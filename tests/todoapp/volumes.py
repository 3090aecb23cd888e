"""Volumes that can be filled up or made read-only while an app runs on them, really.

Full: a small tmpfs where we may mount one, otherwise a limit on the size of files that is put on the
running process. Read-only: the directory's mode, which does not bind root; so an app under test that
would run as root runs without the capability to ignore modes.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


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

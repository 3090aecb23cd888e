"""The sides of a volume that can be read from here: by its path, and as a process sees it."""

from pathlib import Path

import psutil

from todoctl import directory
from todoctl.errors import UnavailableError
from todoctl.target import File


class DirectorySide:
    """A directory of this machine; see `todoctl.target.Side`."""

    def __init__(self, who: str, path: Path) -> None:
        self.seen_from = f"{who}: {path}"
        self._path = path

    def read(self) -> list[File]:
        try:
            seen = directory.read(str(self._path))
        except OSError as error:
            raise unreadable(error.strerror or str(error)) from None
        return [
            File(name=name, size=size, modified=at / 1e9, content=content) for name, size, at, content in seen
        ]


def inside(running: psutil.Process, path: Path) -> DirectorySide:
    """The directory that the process calls `path`."""
    root = Path(f"/proc/{running.pid}/root")
    if root.exists():  # Linux: really through the process; elsewhere it shares our root anyway
        path = root / path.relative_to("/")
    return DirectorySide("the process", path)


def unreadable(why: str) -> UnavailableError:
    return UnavailableError(
        "The files of the volume cannot be read", why=why, fix="Try again, and see 'todoctl status'"
    )

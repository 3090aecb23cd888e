"""The volume of the local target: a directory, by its path and as a process sees it."""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import psutil

from todoctl import directory
from todoctl.home import make_directory, not_writable
from todoctl.local import process
from todoctl.volume import File, Side, require_aside, unreadable


class LocalVolume:
    """`volume/cache` in the target's `home`; see `todoctl.volume.Volume` for what each method promises."""

    def __init__(self, home: Path) -> None:
        self.path = home / "volume" / "cache"
        self._home = home
        self._aside = home / "volume" / "cache.set-aside"
        self._detached = home / "volume" / "cache.detached"

    @property
    def directory(self) -> str:
        return str(self.path)

    def sides(self) -> tuple[Side, Side]:
        """The directory by its path here, and as the running process sees it."""
        running, *_ = process.require(self._home)
        path = Path(process.environment(running)["CACHE_DIR"])
        return DirectorySide("this machine", self._place()), inside(running, path)

    def is_set_aside(self) -> bool:
        return self._aside.exists()

    def set_aside(self) -> None:
        make_directory(self.path)
        self.path.rename(self._aside)
        make_directory(self.path)

    def empty(self) -> None:
        require_aside(self)
        remove(self._detached)
        remove(self.path)
        make_directory(self.path)

    def put(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        path = self._place() / name
        if content is None:
            remove(path)
            return
        try:
            path.write_bytes(content)
        except OSError as error:
            raise not_writable(path, error) from None

    def detach(self) -> None:
        """A file lies in the place of the directory, which stops even root."""
        require_aside(self)
        with self._halted():
            self.path.rename(self._detached)
            self.path.touch()

    def attach(self) -> None:
        with self._halted():
            remove(self.path)
            self._detached.rename(self.path)

    def _halted(self) -> AbstractContextManager[None]:
        """An app that went on would make a directory where there is none for a moment, and count there."""
        return process.halted(process.find(self._home))

    def _place(self) -> Path:
        """Where the files are now."""
        return self._detached if self._detached.exists() else self.path

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        if self.is_set_aside():
            remove(self._detached)
            remove(self.path)
            self._aside.rename(self.path)


class DirectorySide:
    """A directory of this machine; see `todoctl.volume.Side`."""

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


def remove(path: Path) -> None:
    """Removes a file or a directory with all that is in it, where it is there."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise not_writable(path, error) from None

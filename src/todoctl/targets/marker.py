"""The record of a validation: there from before anything is touched until all is put back."""

from pathlib import Path
from typing import Protocol

from todoctl.state import make_directory


class Record(Protocol):
    """Found after a kill, it says that there is something to put back."""

    def check(self) -> None:
        """Raises `UnavailableError` where somebody else's validation is under way."""
        ...

    def begin(self) -> None:
        """Makes it; raises `UnavailableError` where somebody else's validation is under way."""
        ...

    def exists(self) -> bool:
        """Whether a validation plays on the target, or was killed while it did."""
        ...

    def end(self) -> None:
        """Removes it."""
        ...


class FileRecord:
    """A file in the target's directory; `Home.lock` keeps others out."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "validating"

    def check(self) -> None:
        """Nobody else can have begun one: this is the place where others are kept out."""

    def begin(self) -> None:
        make_directory(self._path.parent)
        self._path.touch()

    def exists(self) -> bool:
        return self._path.exists()

    def end(self) -> None:
        self._path.unlink(missing_ok=True)

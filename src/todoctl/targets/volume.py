"""The seam's other half: what `validate` needs of the volume that the app keeps its cache on."""

from dataclasses import dataclass
from typing import Protocol

from todoctl.errors import UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file on the volume: size in bytes, last change in seconds since the epoch.

    `modified` is as fine as the coarser side of its target can tell, so that both can be compared.
    """

    name: str
    size: int
    modified: float
    content: bytes


class Side(Protocol):
    """The cache directory as one side of the volume has it. The app's side ends with what runs the app."""

    @property
    def seen_from(self) -> str:
        """Who sees which directory."""
        ...

    def read(self) -> list[File]:
        """The files whose names do not begin with a dot, by name, all of one moment."""
        ...


class Volume(Protocol):
    """The cache directory, which outlasts the app. Methods raise `UnavailableError` where they cannot.

    Where the user's cache is not set aside, what is there is his: `empty`, `put` and `detach` refuse then.
    """

    @property
    def directory(self) -> str:
        """The cache directory as the app itself names it in its log."""
        ...

    def host(self) -> Side:
        """The host's side, which is there without the app as well."""
        ...

    def sides(self) -> tuple[Side, Side]:
        """`host`, and the side of the app that runs now."""
        ...

    def close(self) -> None:
        """Ends what reading the sides has begun; they can be read again."""
        ...

    def is_set_aside(self) -> bool:
        """Whether a cache was set aside and not put back."""
        ...

    def set_aside(self) -> None:
        """Keeps the stopped app's cache beside itself and leaves an empty one."""
        ...

    def empty(self) -> None:
        """Empties the stopped app's cache."""
        ...

    def put(self, name: str, content: bytes | None) -> None:
        """Writes a file of the cache that stands in for the user's, or removes it where `content` is None."""
        ...

    def detach(self) -> None:
        """Puts that cache out of the reach of the app that runs on it; `put` and the host find it still."""
        ...

    def attach(self) -> None:
        """Puts it back within reach."""
        ...

    def put_back(self) -> None:
        """Puts what was set aside in the place of the stopped app's cache."""
        ...


def require_aside(volume: Volume) -> None:
    """Raises where the user's cache is not set aside, so that what is there is his."""
    if not volume.is_set_aside():
        raise UnavailableError(
            "The cache is not set aside, so it is not touched", fix="Run 'todoctl validate' again"
        )


def unreadable(why: str) -> UnavailableError:
    return UnavailableError(
        "The files of the volume cannot be read", why=why, fix="Try again, and see 'todoctl status'"
    )

"""What is in the way of something that is waited for, and what that says about waiting on."""

from dataclasses import dataclass
from enum import IntEnum


class Grade(IntEnum):
    """How bad it is, the worst last."""

    MOVING = 0
    """Work goes on that may take as long as it takes: an image is being pulled."""

    PENDING = 1
    """Nothing is known to be wrong, or Kubernetes tries again by itself and may well succeed."""

    STUCK = 2
    """It does not go away by itself, if it stays for longer than starting things take."""

    FINAL = 3
    """It is certain that it does not go away by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """`what` is in the way, in one line and without its duration; `began` in epoch seconds, if known.

    `key` is the same for what is the same trouble in other words: attempt after attempt, say.
    `paused` means that it was so when it was last tried, and will be tried again.
    `fix` is what a person can do.
    """

    what: str
    grade: Grade = Grade.PENDING
    began: float | None = None
    key: str = ""
    paused: bool = False
    fix: str = ""

    @property
    def trouble(self) -> str:
        return self.key or self.what


def shortened(text: str, longest: int) -> str:
    """`text`, cut where it has more letters than people would read."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

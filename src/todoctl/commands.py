"""The commands that a person would have typed for what todoctl does."""

import shlex
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Show = Callable[[str], None]


class Commands:
    """Passes each command on to `show`, in one line that a shell takes as it is; without `show` it is silent.

    May be used from any thread.
    """

    def __init__(self, show: Show | None = None) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._thread = threading.local()

    def tell(self, *pipeline: Sequence[str], may_fail: bool = False) -> None:
        """Tells of one command, given as its words, or of several that pipe into each other.

        With `may_fail` a shell that stops at the first failure goes on after it.
        """
        if self._show:
            self.pass_on([" | ".join(map(shlex.join, pipeline)) + (" || true" if may_fail else "")])

    @contextmanager
    def kept(self) -> Iterator[list[str]]:
        """What this thread tells in the block goes into a list: for work in the background.

        Whoever waits for the work passes the list on, so that each command is shown with its own step.
        """
        lines: list[str] = []
        self._thread.lines = lines
        try:
            yield lines
        finally:
            del self._thread.lines

    def pass_on(self, lines: Sequence[str]) -> None:
        """Tells of commands that were kept."""
        kept: list[str] | None = getattr(self._thread, "lines", None)
        if kept is not None:
            kept += lines
        elif self._show:
            with self._lock:
                for line in lines:
                    self._show(line)


def once(lines: Sequence[str]) -> list[str]:
    """Each of `lines` once, in the order of their first time; a comment says how often it came."""
    return [line if times == 1 else f"{line}  # {times} times" for line, times in Counter(lines).items()]


SILENT = Commands()
"""Where nobody wants to see any command."""

"""How downloads are shown: a bar for each on a terminal, a line now and then when piped."""

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

LINE_SECONDS = 30.0
"""Between two lines in a pipe about the same download."""


class Bars:
    """A bar for each download; see `todoctl.targets.base.Downloads`."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        self.shown = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[doing]}"),
            console=console,
            transient=True,
        )
        self._tasks = {
            name: self.shown.add_task(escape(name.rpartition("/")[2]), total=None, doing="") for name in names
        }

    def tell(self, name: str, loaded: int, size: int, doing: str) -> None:
        """Shows it."""
        self.shown.update(self._tasks[name], completed=loaded, total=size or None, doing=escape(doing))


class Lines:
    """A line by `show` when something else is done with a download, and else every half a minute."""

    def __init__(self, show: Callable[[str], None], names: Sequence[str]) -> None:
        self._show = show
        self._last = dict.fromkeys(names, ("", -LINE_SECONDS))

    def tell(self, name: str, loaded: int, size: int, doing: str) -> None:
        """Shows it."""
        before, at = self._last[name]
        now = time.monotonic()
        if doing == before and now - at < LINE_SECONDS:
            return
        self._last[name] = doing, now
        amount = f"{decimal(loaded)} of {decimal(size)}" if size else "waiting"
        self._show(f"{name}: {doing or amount}")

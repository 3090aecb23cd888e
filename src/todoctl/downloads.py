"""How downloads are shown: a bar for each on a terminal, a line now and then when piped."""

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

LINE_SECONDS = 30.0
"""Between two lines in a pipe about the same download."""


class Bars:
    """Bars in bytes, one below the other, in the width of `console`; told by `todoctl.target.Downloads`."""

    def __init__(self, console: Console, title: str, names: Sequence[str]) -> None:
        self.shown = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=20),
            DownloadColumn(),
            _Left(),
            console=console,
            transient=True,
            refresh_per_second=4,
        )
        self._title = self.shown.add_task(escape(title), total=None)
        self._tasks = {name: self.shown.add_task(f"  {escape(short(name))}", total=None) for name in names}

    def tell(self, name: str, loaded: int, size: int | None, doing: str) -> None:
        self.shown.update(self._tasks[name], completed=loaded, total=size, doing=doing)
        tasks = [task for task in self.shown.tasks if task.id != self._title]
        sizes = [task.total for task in tasks]
        known = [size for size in sizes if size is not None]
        whole = sum(known) if len(known) == len(sizes) else None
        self.shown.update(self._title, completed=sum(task.completed for task in tasks), total=whole)


class _Left(TimeRemainingColumn):
    """What happens to a download; while it is coming, how fast and for how long still."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        if doing := task.fields.get("doing"):
            return Text(doing, style="dim")
        if not task.speed:
            return Text("")
        speed = f"{decimal(int(task.speed))}/s"
        left = task.time_remaining
        return Text(speed if left is None else f"{speed}, {_clock(left)} left", style="dim")


class Lines:
    """A line by `show` when something else is done with a download, and else every half a minute."""

    def __init__(self, show: Callable[[str], None], names: Sequence[str]) -> None:
        self._show = show
        self._told = dict.fromkeys(names, ("", 0.0))

    def tell(self, name: str, loaded: int, size: int | None, doing: str) -> None:
        before, at = self._told[name]
        now = time.monotonic()
        if doing == before and now - at < LINE_SECONDS:
            return
        self._told[name] = doing, now
        of = "" if size is None else f" of {decimal(size)}"
        self._show(f"{name}: {decimal(loaded)}{of}{doing and f', {doing}'}")


def short(name: str) -> str:
    """An image's name without registry and owner, as people know it."""
    return name.rpartition("/")[2]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"

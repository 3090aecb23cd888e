"""How downloads are shown: a bar for each on a terminal, a line now and then when piped."""

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.filesize import decimal, pick_unit_and_suffix
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from todoctl.live import clock

LINE_SECONDS = 30.0
"""Between two lines in a pipe about the same download."""


class Bars:
    """A bar for each download, and above several of them their sum; see `todoctl.targets.base.Downloads`."""

    def __init__(self, console: Console, title: str, names: Sequence[str]) -> None:
        whole = Column(no_wrap=True)
        self.shown = Progress(
            TextColumn("{task.description}", table_column=whole),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[amount]}", table_column=whole),
            _Left(table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            console=console,
            transient=True,
            expand=True,
            refresh_per_second=4,
        )
        self._told = dict.fromkeys(names, (0, 0, True))
        self._sum = self._add(title) if len(names) > 1 else None
        self._each = {
            name: self._add(title if self._sum is None else f"  {name.rpartition('/')[2]}") for name in names
        }

    def _add(self, title: str) -> TaskID:
        return self.shown.add_task(escape(title), total=None, amount="", doing="", more=True)

    def tell(self, name: str, loaded: int, size: int, doing: str, *, more: bool) -> None:
        self._told[name] = loaded, size, more
        self._show(self._each[name], loaded, size, doing, more=more)
        if self._sum is not None:
            all_loaded, sizes, mores = zip(*self._told.values(), strict=True)
            self._show(self._sum, sum(all_loaded), sum(sizes), "", more=any(mores))

    def _show(self, task: TaskID, loaded: int, size: int, doing: str, *, more: bool) -> None:
        amount = _amount(loaded, size, more=more) if size else ""
        self.shown.update(task, completed=loaded, total=size or None, amount=amount, doing=doing, more=more)


class _Left(ProgressColumn):
    """What happens to a download; while it is coming, how fast, and for how long still if that is known."""

    def render(self, task: Task) -> Text:
        speed, left = task.speed, task.time_remaining
        said = str(task.fields["doing"])
        if not said and speed and not task.finished:
            said = f"{decimal(int(speed))}/s"
            if left is not None and not task.fields["more"]:
                said += f", {clock(left)} left"
        return Text(said, style="dim")


class Lines:
    """A line by `show` when something else is done with a download, and else every half a minute."""

    def __init__(self, show: Callable[[str], None], names: Sequence[str]) -> None:
        self._show = show
        self._told = dict.fromkeys(names, ("", 0.0))

    def tell(self, name: str, loaded: int, size: int, doing: str, *, more: bool) -> None:
        before, at = self._told[name]
        now = time.monotonic()
        if doing == before and now - at < LINE_SECONDS:
            return
        self._told[name] = doing, now
        amount = _amount(loaded, size, more=more) if size else ""
        self._show(f"{name}: {', '.join(filter(None, (amount, doing)))}")


def _amount(loaded: int, size: int, *, more: bool) -> str:
    """As in "1.5/3.0 MB", and "1.5/3.0+ MB" where more will come."""
    unit, suffix = pick_unit_and_suffix(size, ["bytes", "kB", "MB", "GB"], 1000)
    return f"{loaded / unit:.1f}/{size / unit:.1f}{'+' if more else ''} {suffix}"

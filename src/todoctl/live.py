"""What a terminal shows while something is under way, drawn again some times a second."""

import time
from collections.abc import Callable, Sequence
from math import inf

from rich.console import RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from todoctl.commands import once


class Doing:
    """What is being done, and below it the commands told so far; `told` grows."""

    def __init__(self, text: str, told: list[str]) -> None:
        self._text = text
        self._began: float | None = None
        self._told = told

    def do(self, text: str, began: float | None = None) -> None:
        """Shows `text` (markup) as what is being done, since `began` (epoch seconds) where that is known."""
        self._text = text
        self._began = began

    def __rich__(self) -> RenderableType:
        """Called some times a second."""
        lines = "".join(f"\n$ {line}" for line in once(self._told))
        return Text.from_markup(self._text + lasting(self._began)).append(lines, "dim")


def lasting(began: float | None) -> str:
    """For how long something is so, as markup; nothing where it is not known when it began."""
    if began is None:
        return ""
    minutes, seconds = divmod(max(round(time.time() - began), 0), 60)
    return f"[dim] for {f'{minutes} min ' if minutes else ''}{seconds} s[/]"


class Run:
    """How far a run is: two lines, the scenario under way and all of them, each with the time left."""

    def __init__(self, plan: Sequence[tuple[str, float]]) -> None:
        self._left = dict(plan)
        self._count, self._whole = len(plan), sum(seconds for _, seconds in plan)
        self._name, self._began = "", 0.0
        self.doing = ""

    def begin(self, name: str) -> None:
        self._name, self._began = name, time.monotonic()

    def end(self, name: str) -> None:
        self._left.pop(name, None)
        self._name = ""

    def do(self, text: str) -> None:
        """Shows `text` (markup) as what is being done."""
        self.doing = text

    def render(self) -> RenderableType:
        """Called some times a second. A scenario that takes longer than expected has no time left."""
        expected = self._left.get(self._name, 0.0)
        here = max(expected - (time.monotonic() - self._began), 0.0)
        left = sum(self._left.values()) - expected + here
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(justify="right", no_wrap=True)
        grid.add_row(Text.from_markup(self.doing), clock(here) if self._name else "")
        bar = ProgressBar(
            total=max(self._whole, 0.001),
            completed=self._whole - left,
            style="bright_black",
            complete_style="green",
            finished_style="green",
        )
        grid.add_row(bar, f"{self._count - len(self._left)} of {self._count}, {clock(left)} left")
        return grid


class Board:
    """What is being done with each of several things, and for how long still; `show` tells it in a line."""

    def __init__(self, names: Sequence[str], show: Callable[[str, str], None]) -> None:
        self._doing = dict.fromkeys(names, ("", 0.0))
        self.show: Callable[[str, str], None] | None = show

    def tell(self, name: str, doing: str, end: float) -> None:
        before, self._doing[name] = self._doing[name][0], (doing, end)
        if self.show and doing != before:
            self.show(name, doing)

    def render(self) -> RenderableType:
        """Called some times a second."""
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(justify="right", no_wrap=True)
        for name, (doing, end) in list(self._doing.items()):
            left = end - time.time()
            grid.add_row(escape(name), escape(doing), f"about {clock(left)} left" if 0 < left < inf else "")
        return grid


def clock(seconds: float) -> str:
    """Minutes and seconds, as in 1:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"

"""What people see: a live view on a terminal, plain lines in a pipe."""

import os
import shlex
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from todoctl.evidence.verdict import ScenarioResult, Verdict
    from todoctl.targets.base import Downloads, Finding, Step

PASSED, FAILED, MISSING = "[green]✓[/]", "[red]✗[/]", "[yellow]![/]"

ENDLESS = 10_000
"""The width of what is not a screen: a program that reads lines wants them whole."""

LINE_SECONDS = 30.0
"""Between two lines in a pipe about the same download."""


class Terminal:
    """Shows steps and results on standard output, or on standard error with `stderr`.

    With `quiet` nothing of the progress is shown, only results and commands.
    """

    def __init__(self, *, stderr: bool = False, show_commands: bool = False, quiet: bool = False) -> None:
        # FORCE_COLOR, which CI systems set, makes a pipe no screen: it gets colours, but nothing that moves.
        is_screen = (sys.stderr if stderr else sys.stdout).isatty() and not quiet
        self.console = Console(stderr=stderr, highlight=False, force_interactive=None if is_screen else False)
        self._quiet = quiet
        self._show_commands = show_commands
        self._commands: list[str] | None = None
        """The commands of the step under way, to be shown below its line."""
        self._run: tuple[Progress, dict[str, float]] | None = None
        self._names = 0
        if self._edge is None:
            self.console.width = ENDLESS

    def note(self, text: str) -> None:
        """Shows one line that is worth knowing."""
        self._progress(escape(text))

    @contextmanager
    def step(self, title: str) -> Iterator["Step"]:
        """Shows `title` and the time while its block runs, then how it ended and how long it took."""
        with self._outcome(title):
            if self._run:  # there can be one live display at a time
                yield _Step(title, self._run[0], self._progress)
            else:
                with self._display(SpinnerColumn(), _wide("description"), TimeElapsedColumn()) as shown:
                    yield _Step(title, shown, self._progress)

    def command(self, *pipeline: Sequence[str]) -> None:
        """Shows a command, or several that pipe into each other, in one line that a shell takes as it is."""
        if not self._show_commands or not pipeline:
            return
        line = " | ".join(map(shlex.join, pipeline))
        if self._commands is None:
            self._show([line])
        elif line not in self._commands:
            self._commands.append(line)

    @contextmanager
    def downloads(self, title: str, names: Sequence[str]) -> Iterator["Downloads"]:
        """As `step`; the value shows how much of each of `names` has come."""
        columns: tuple[ProgressColumn, ...]
        columns = _narrow("description"), BarColumn(16), DownloadColumn(), TransferSpeedColumn()
        columns = *columns, TimeRemainingColumn(), _narrow("fields[doing]")
        with self._outcome(title), self._display(*columns, expand=False) as shown:
            yield _Downloads(names, shown, self._progress)

    @contextmanager
    def expect(self, plan: Sequence[tuple[str, float]]) -> Iterator[None]:
        """Around a whole run, of scenarios with these names, each expected to take that many seconds."""
        self._names = max((len(name) for name, _ in plan), default=0)
        columns = SpinnerColumn(), _wide("description"), BarColumn(10), TimeRemainingColumn()
        with self._display(*columns) as shown:
            if shown:
                shown.add_task("", total=max(sum(seconds for _, seconds in plan), 0.001))
                self._run = shown, dict(plan)
            try:
                yield
            finally:
                self._run = None

    @contextmanager
    def scenario(self, name: str, title: str) -> Iterator[Callable[[str], None]]:
        """Shows which scenario plays, and what it waits for; in a pipe only `finished` shows something."""
        if self._run is None:
            yield lambda _: None
            return
        shown, left = self._run
        yield _Step(f"{name}: {title}", shown, self._progress).update
        shown.advance(shown.task_ids[0], left.pop(name, 0.0))

    def finished(self, result: "ScenarioResult") -> None:
        """Shows a scenario's outcome in one line."""
        from todoctl.evidence.reports import screen

        if not self._quiet:
            self._print([screen.line(result, names=self._names, edge=self._edge)])

    @contextmanager
    def side_by_side(self, names: Sequence[str]) -> Iterator[Callable[[str, str, float], None]]:
        """Shows what is done with several things at once, one line each; may be called from any thread.

        The value takes a name, what is being done, and the moment (epoch seconds) of the expected end.
        """
        with self._display(_narrow("description"), _wide("fields[doing]", markup=False), _Left()) as shown:
            if shown:
                tasks = {name: shown.add_task(escape(name), doing="", end=0.0) for name in names}
                yield lambda name, doing, end: shown.update(tasks[name], doing=doing, end=end)
            else:
                steps = {name: _Step(name, None, self._progress) for name in names}
                yield lambda name, doing, _: steps[name].update(doing)

    def overview(self, verdicts: "Sequence[Verdict]") -> None:
        """Shows several verdicts, one line each."""
        from todoctl.evidence.reports import screen

        self._print(list(screen.overview(verdicts)))

    def verdict(self, verdict: "Verdict", *, details: bool) -> None:
        """Shows what failed, or with `details` every check; then how the run ended, and what to do next."""
        from todoctl.evidence.reports import screen

        part = screen.details if details else screen.failures
        shown = list(part(verdict, edge=self._edge))
        self._print([*shown, *([""] if shown else []), *screen.last_lines(verdict, details=details)])

    def facts(self, facts: dict[str, Any]) -> None:
        """Shows names and values in two columns."""
        width = max(map(len, facts))
        for name, value in facts.items():
            self._line(f"[bold]{escape(name.ljust(width))}[/]  {escape(str(value))}")

    def findings(self, findings: "dict[str, list[Finding]]") -> None:
        """Shows what each target has and lacks."""
        for name, found in findings.items():
            self._line(f"[bold]{escape(name)}[/]")
            for finding in found:
                sign = PASSED if finding.ok else FAILED if finding.required else MISSING
                advice = f" → {finding.fix}" if finding.fix and not finding.ok else ""
                self._line(f"  {sign} {escape(f'{finding.subject}: {finding.seen}{advice}')}")

    @contextmanager
    def _outcome(self, title: str) -> Iterator[None]:
        """Shows how the block ended, how long it took, and below that its commands."""
        began, self._commands = time.monotonic(), []
        sign = FAILED
        try:
            yield
            sign = PASSED
        finally:
            self._progress(f"{sign} {escape(title)} [dim]{time.monotonic() - began:.1f} s[/]")
            self._show(self._commands)
            self._commands = None

    @contextmanager
    def _display(self, *columns: ProgressColumn, expand: bool = True) -> Iterator[Progress | None]:
        """Shows what moves while its block runs; the value is None if nothing may."""
        if not self.console.is_interactive:
            yield None
            return
        with Progress(
            *columns, console=self.console, transient=True, refresh_per_second=8, expand=expand
        ) as shown:
            yield shown

    @property
    def _edge(self) -> int | None:
        """The column to wrap at; of a pipe, or of a CI system's log, COLUMNS says how wide it should be."""
        return self.console.width if self.console.is_interactive or "COLUMNS" in os.environ else None

    def _progress(self, markup: str) -> None:
        if not self._quiet:
            self._line(markup)

    def _line(self, markup: str) -> None:
        """Prints, wrapped between words only: an address that is too long is left whole, to be copied."""
        text, starts, at = self.console.render_str(markup), [], 0
        for line in textwrap.wrap(
            text.plain, self.console.width, break_long_words=False, break_on_hyphens=False
        ):
            at = text.plain.find(line, at)
            starts.append(max(at, 0))
        for part in text.divide(starts[1:]):
            part.rstrip()
            self.console.print(part, soft_wrap=True)

    def _print(self, parts: Sequence[RenderableType]) -> None:
        """Prints tables and texts as rich wraps them, without the blanks that tables are filled with."""
        for part in parts:
            for segments in self.console.render_lines(part, pad=False):
                line = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
                line.rstrip()
                self.console.print(line, soft_wrap=True)

    def _show(self, commands: Sequence[str]) -> None:
        for line in commands:
            self.console.print(Text(f"$ {line}", "dim"), soft_wrap=True)


def _wide(name: str, *, markup: bool = True) -> TextColumn:
    """Returns a column that gives way to the others, with that of a task."""
    column = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    return TextColumn(f"{{task.{name}}}", table_column=column, markup=markup)


def _narrow(name: str) -> TextColumn:
    """Returns a column as wide as what it shows."""
    return TextColumn(f"{{task.{name}}}", table_column=Column(no_wrap=True, overflow="ellipsis"))


class _Step:
    """A step: on a terminal the title of what is `shown`, in a pipe a line for each new detail."""

    def __init__(self, title: str, shown: Progress | None, line: Callable[[str], None]) -> None:
        self._title, self._shown, self._line = escape(title), shown, line
        self._last = ""
        if shown:
            self._task = shown.task_ids[0] if shown.task_ids else shown.add_task("", total=None)
            shown.update(self._task, description=self._title)

    def update(self, detail: str, began: float | None = None) -> None:
        """`began` says since when that is so, in epoch seconds."""
        lasting = "" if began is None else f" for {clock(max(time.time() - began, 0))}"
        text = f"{self._title} [dim]{escape(detail)}{lasting}[/]"
        if self._shown:
            self._shown.update(self._task, description=text)
        elif detail != self._last:
            self._last = detail
            self._line(f"  {text}")


class _Downloads:
    """Downloads: on a terminal a bar for each, in a pipe a line now and then."""

    def __init__(self, names: Sequence[str], shown: Progress | None, line: Callable[[str], None]) -> None:
        self._shown, self._line = shown, line
        self._last: dict[str, tuple[str, float]] = {}
        if shown:
            short = {name: escape(name.rpartition("/")[2]) for name in names}
            self._tasks = {name: shown.add_task(short[name], total=None, doing="") for name in names}

    def show(self, name: str, loaded: int, size: int, doing: str) -> None:
        if self._shown:
            self._shown.update(self._tasks[name], completed=loaded, total=size or None, doing=escape(doing))
            return
        before, at = self._last.get(name, ("", -inf))
        now = time.monotonic()
        if doing != before or now - at >= LINE_SECONDS:
            self._last[name] = doing, now
            amount = f"{decimal(loaded)} of {decimal(size)}" if size else "waiting"
            self._line(f"  {escape(f'{name}: {doing or amount}')}")


class _Left(ProgressColumn):
    """The time until the expected end."""

    def render(self, task: Task) -> Text:
        left = float(task.fields["end"]) - time.time()
        return Text(f"about {clock(left)} left" if 0 < left < inf else "")


def clock(seconds: float) -> str:
    """Returns minutes and seconds, as in 1:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"

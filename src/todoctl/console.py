"""What people see: a live view on a terminal, plain lines when piped."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from todoctl.commands import Commands, once
from todoctl.live import Board, Doing, Run, lasting
from todoctl.targets.base import Downloads, Finding, Step

if TYPE_CHECKING:
    from todoctl.evidence.verdict import ScenarioResult, Verdict

PASSED, FAILED = "[green]✓[/]", "[red]✗[/]"

ENDLESS = 10_000
"""The width of what is not a screen: a program that reads lines wants them whole."""


class Terminal:
    """Progress and audience in one, on standard output, or on standard error with `stderr`.

    With `quiet` nothing of the progress is shown, and only what was asked for: results and commands.
    """

    def __init__(self, *, stderr: bool = False, show_commands: bool = False, quiet: bool = False) -> None:
        # FORCE_COLOR, which CI systems set, makes a pipe no screen: it gets colours, but nothing that moves.
        is_screen = (sys.stderr if stderr else sys.stdout).isatty() and not quiet
        self.console = Console(stderr=stderr, highlight=False, force_interactive=None if is_screen else False)
        self._quiet = quiet
        self.commands = Commands(self._command if show_commands else None)
        self._told: list[list[str]] = []
        """The commands of the scenario and the step under way, for below their lines."""
        self._live: Run | None = None
        self._names = 0
        if self._edge is None:
            self.console.width = ENDLESS

    def note(self, text: str) -> None:
        """Shows one line that is worth knowing."""
        self._tell(escape(text))

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Shows `title` while its block runs, then how it ended and how long it took."""
        with self._outcome(title), self._working(title) as working:
            yield working

    @contextmanager
    def downloads(self, title: str, names: Sequence[str]) -> Iterator[Downloads]:
        """As `step`; what it gives shows how much of each of `names` has come."""
        from todoctl.downloads import Bars, Lines

        with self._outcome(title):
            if self.console.is_interactive:
                bars = Bars(self.console, names)
                with bars.shown:
                    yield bars
            else:
                yield Lines(lambda text: self._tell(f"  {escape(text)}"), names)

    @contextmanager
    def _outcome(self, title: str) -> Iterator[None]:
        """Shows how the block ended, how long it took, and below that its commands."""
        began = time.monotonic()
        self._told.append([])
        try:
            yield
        except BaseException:
            self._line(FAILED, title, began)
            raise
        self._line(PASSED, title, began)

    @contextmanager
    def expect(self, plan: Sequence[tuple[str, float]]) -> Iterator[None]:
        """Around a whole run, of scenarios with these names, each expected to take that many seconds."""
        self._names = max((len(name) for name, _ in plan), default=0)
        if not self.console.is_interactive:
            yield
            return
        self._live = Run(plan)
        try:
            with Live(
                get_renderable=self._live.render, console=self.console, transient=True, refresh_per_second=8
            ):
                yield
        finally:
            self._live = None

    @contextmanager
    def scenario(self, name: str, title: str) -> Iterator[Callable[[str], None]]:
        """Shows which scenario plays, and what it waits for; piped, only how it ended is told."""
        self._told.append([])
        try:
            if not self.console.is_interactive:
                yield lambda _: None
                return
            if self._live:
                self._live.begin(name)
            try:
                with self._working(f"{name}: {title}") as working:
                    yield working.update
            finally:
                if self._live:
                    self._live.end(name)
        except BaseException:
            self._below()  # there will be no line of its outcome
            raise

    def finished(self, result: "ScenarioResult") -> None:
        """A scenario's outcome, in one line."""
        from todoctl.evidence.reports import screen

        if not self._quiet:
            self._show([screen.line(result, names=self._names, edge=self._edge)])
        self._below()

    @contextmanager
    def side_by_side(self, names: Sequence[str]) -> Iterator[Callable[[str, str, float], None]]:
        """Shows what is done with several things at once, one line each; may be told by any thread.

        What it gives takes a name, what is being done, and the moment (epoch seconds) of the expected end.
        """
        board = Board(names, lambda name, doing: self._tell(f"  {escape(name)} [dim]{escape(doing)}[/]"))
        if not self.console.is_interactive:
            yield board.tell
            return
        board.show = None
        with Live(get_renderable=board.render, console=self.console, transient=True, refresh_per_second=4):
            yield board.tell

    def overview(self, verdicts: "Sequence[Verdict]") -> None:
        """Several verdicts, one line each."""
        from todoctl.evidence.reports import screen

        self._show(list(screen.overview(verdicts)))

    def verdict(self, verdict: "Verdict", *, details: bool) -> None:
        """What failed, or with `details` every check; then how the run ended, and what to do next."""
        from todoctl.evidence.reports import screen

        part = screen.details if details else screen.failures
        shown = list(part(verdict, edge=self._edge))
        self._show([*shown, *([""] if shown else []), *screen.last_lines(verdict, details=details)])

    def facts(self, facts: dict[str, Any]) -> None:
        """Names and values in two columns."""
        width = max(map(len, facts))
        for name, value in facts.items():
            self._print(f"[bold]{escape(name.ljust(width))}[/]  {escape(str(value))}")

    def findings(self, findings: dict[str, list[Finding]]) -> None:
        """What each target has and lacks."""
        for name, found in findings.items():
            self._print(f"[bold]{escape(name)}[/]")
            for finding in found:
                mark = PASSED if finding.ok else FAILED if finding.required else "[yellow]![/]"
                advice = f" → {finding.fix}" if finding.fix and not finding.ok else ""
                self._print(f"  {mark} {escape(f'{finding.subject}: {finding.seen}{advice}')}")

    @property
    def _edge(self) -> int | None:
        """The column to wrap at; of a pipe, or of a CI system's log, COLUMNS says how wide it should be."""
        return self.console.width if self.console.is_interactive or "COLUMNS" in os.environ else None

    def _tell(self, markup: str) -> None:
        """Prints what is of the progress only."""
        if not self._quiet:
            self._print(markup)

    def _print(self, markup: str) -> None:
        """Prints, wrapped between words only: a URL that is too long is left whole, to be copied."""
        text = self.console.render_str(markup)
        cuts, used = [], 0
        for word in re.finditer(r"\s*\S+", text.plain):
            room = cell_len(word[0])
            if used and used + room > self.console.width:
                cuts.append(word.end() - len(word[0].lstrip()))
                room = cell_len(word[0].lstrip())
                used = 0
            used += room
        self._put(text.divide(cuts))

    def _show(self, parts: Sequence[RenderableType]) -> None:
        """Prints tables and texts as rich wraps them."""
        for part in parts:
            for line in self.console.render_lines(part, pad=False):
                self._put([Text.assemble(*((segment.text, segment.style or "") for segment in line))])

    def _put(self, lines: Iterable[Text]) -> None:
        """Prints lines as they are, but for the blanks that tables are filled with."""
        for line in lines:
            line.rstrip()
            self.console.print(line, overflow="ignore", no_wrap=True, crop=False)

    def _line(self, mark: str, title: str, began: float) -> None:
        seconds = time.monotonic() - began
        self._tell(f"{mark} {escape(title)} [dim]{seconds:.1f} s[/]")
        self._below()

    def _command(self, line: str) -> None:
        """Shows a command, where a step or a scenario is under way below its line."""
        if self._told:
            self._told[-1].append(line)
        else:
            self._show_command(line)

    def _below(self) -> None:
        """The commands of what is over, each once."""
        for line in once(self._told.pop()) if self._told else ():
            self._show_command(line)

    def _show_command(self, line: str) -> None:
        """Never wrapped: it is to be copied."""
        self._put([Text(f"$ {line}", "dim")])

    @contextmanager
    def _working(self, title: str) -> Iterator["_Working"]:
        working = _Working(title, lambda text, began: self._tell(f"  {text}{lasting(began)}"))
        if not self.console.is_interactive:
            yield working
        elif live := self._live:  # there can be one live display at a time
            before, working.show = live.doing, lambda text, _: live.do(text)
            live.do(escape(title))
            try:
                yield working
            finally:
                live.do(before)
        else:
            doing = Doing(escape(title), self._told[-1])
            working.show = doing.do
            with self.console.status(doing):
                yield working


class _Working:
    """A step under way: a spinner on a terminal, a line for each new detail when piped."""

    def __init__(self, title: str, show: Callable[[str, float | None], None]) -> None:
        self._title = title
        self._last: tuple[str, float | None] = ("", None)
        self.show = show

    def update(self, detail: str, began: float | None = None) -> None:
        if (detail, began) != self._last:
            self._last = (detail, began)
            self.show(f"{escape(self._title)} [dim]{escape(detail)}[/]", began)

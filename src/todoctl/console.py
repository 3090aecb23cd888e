"""What people see: a live view on a terminal, plain lines when piped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape

from todoctl.scenarios import Scenario
from todoctl.target import Finding, Step
from todoctl.verdict import ScenarioResult, Verdict

PASSED, FAILED = "[green]✓[/]", "[red]✗[/]"


class Terminal:
    """Progress and audience in one, on standard output, or on standard error with `stderr`."""

    def __init__(self, *, stderr: bool = False) -> None:
        self.console = Console(stderr=stderr, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Shows one line that is worth knowing."""
        self.console.print(escape(text))

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Shows `title` while its block runs, then how it ended and how long it took."""
        began = time.monotonic()
        with self._working(title) as working:
            try:
                yield working
            except BaseException:
                self._line(FAILED, title, began)
                raise
        self._line(PASSED, title, began)

    @contextmanager
    def scenario(self, scenario: Scenario) -> Iterator[Callable[[str], None]]:
        """Shows which scenario plays and what it waits for."""
        with self._working(f"{scenario.name}: {scenario.title}") as working:
            yield working.update if self.console.is_terminal else lambda _: None

    def finished(self, result: ScenarioResult) -> None:
        """A scenario's outcome, with each thing expected and seen."""
        mark = PASSED if result.passed else FAILED
        self.console.print(
            f"{mark} [bold]{result.name}[/]  {escape(result.title)} [dim]{result.seconds:.1f} s[/]"
        )
        width = max((len(check.name) for check in result.checks), default=0)
        for check in result.checks:
            self.console.print(
                f"    {PASSED if check.passed else FAILED} {escape(check.name.ljust(width))}"
                f"  [dim]expected[/] {escape(check.expected)} [dim]· saw[/] {escape(check.seen)}"
            )
        for note in result.notes:
            self.console.print(f"    [yellow]![/] {escape(note)}")
        if result.error:
            self.console.print(f"    [red]{escape(result.error)}[/]")

    def verdict(self, verdict: Verdict) -> None:
        """The last line: passed or failed, how many, how long."""
        passed = sum(scenario.passed for scenario in verdict.scenarios)
        total = len(verdict.scenarios)
        word = "[bold green]PASSED[/]" if verdict.passed else "[bold red]FAILED[/]"
        self.console.print(
            f"{word}  {passed} of {total} scenarios on {verdict.target} at {verdict.url}"
            f" [dim]{verdict.seconds:.1f} s[/]"
        )

    def facts(self, facts: dict[str, Any]) -> None:
        """Names and values in two columns."""
        width = max(map(len, facts))
        for name, value in facts.items():
            self.console.print(f"[bold]{escape(name.ljust(width))}[/]  {escape(str(value))}")

    def findings(self, findings: dict[str, list[Finding]]) -> None:
        """What each target has and lacks."""
        for name, found in findings.items():
            self.console.print(f"[bold]{escape(name)}[/]")
            for finding in found:
                mark = PASSED if finding.ok else FAILED if finding.required else "[yellow]![/]"
                advice = f" → {finding.fix}" if finding.fix and not finding.ok else ""
                self.console.print(f"  {mark} {escape(f'{finding.subject}: {finding.seen}{advice}')}")

    def _line(self, mark: str, title: str, began: float) -> None:
        seconds = time.monotonic() - began
        self.console.print(f"{mark} {escape(title)} [dim]{seconds:.1f} s[/]")

    @contextmanager
    def _working(self, title: str) -> Iterator["_Working"]:
        working = _Working(self.console, title)
        if not self.console.is_terminal:
            yield working
            return
        with self.console.status(escape(title)) as status:
            working.show = status.update
            yield working


class _Working:
    """A step under way: a spinner on a terminal, a line for each new detail when piped."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._detail = ""
        self.show: Callable[[str], None] = lambda text: console.print(f"  {text}")

    def update(self, detail: str) -> None:
        if detail != self._detail:
            self._detail = detail
            self.show(f"{escape(self._title)} [dim]{escape(detail)}[/]")

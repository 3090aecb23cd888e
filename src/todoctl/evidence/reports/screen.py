"""A verdict as a terminal shows it: lines and small tables, which rich fits to the width there is.

Text goes in as `Text`, never as markup: what an app has sent is shown, not obeyed. Colours are the terminal's
own by name, so that they are good on a light and on a dark ground.
"""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from todoctl.evidence.reports.phrases import (
    Alike,
    by_sentence,
    event,
    headline,
    seconds,
    short,
    subject,
    summary,
)
from todoctl.evidence.verdict import Check, Outcome, ScenarioResult, Verdict

MOST_FAILURES = 3
"""Failed checks that are shown of a scenario without `--details`."""

MARKS = {Outcome.PASSED: ("✓", "green"), Outcome.FAILED: ("✗", "red"), Outcome.NOT_JUDGED: ("–", "yellow")}
LONGEST = 100
"""Characters of an expected or seen value on the screen: a SHA-256 and some words."""

HEADS = ("Check", "Expected", "Seen")


def line(result: ScenarioResult, *, names: int, edge: int | None) -> RenderableType:
    """One scenario: a mark, its name, what was seen or why it did not pass, its time.

    `names` is the width of the longest name, `edge` that of the screen, None where there is none: the time
    stands at the right edge.
    """
    sign, colour = MARKS[result.outcome]
    grid = Table.grid(padding=(0, 2, 0, 0), expand=edge is not None, pad_edge=False)
    grid.add_column(width=max(names, len(result.name)) + 2)
    grid.add_column(ratio=None if edge is None else 1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    name = Text.assemble((sign, colour), " ", (result.name, "bold"))
    reason = Text(short(result.reason, 200), style="" if result.passed else colour)
    grid.add_row(name, reason, Text(seconds(result.seconds), "dim"))
    return grid


def failures(verdict: Verdict, *, edge: int | None) -> Iterator[RenderableType]:
    """The failed checks of each scenario, the first few of many."""
    for result in verdict.scenarios:
        if result.failures:
            yield _title(result)
            yield from _checks(verdict, result.failures, edge=edge, most=MOST_FAILURES)


def details(verdict: Verdict, *, edge: int | None) -> Iterator[RenderableType]:
    """Every check of each scenario, the failed ones first, with what there is to note."""
    for result in verdict.scenarios:
        yield _title(result)
        for note in result.notes:
            yield Padding(Text.assemble(("! ", "yellow"), short(note)), (0, 0, 0, 2))
        yield from _checks(verdict, sorted(result.checks, key=lambda check: check.passed), edge=edge)


def last_lines(verdict: Verdict, *, details: bool) -> Iterator[RenderableType]:
    """How the run ended and, where it did not pass, what to do next."""
    word = headline(verdict)
    facts = verdict.history.facts
    where = f"at {short(facts.url)}" if facts.kind == "claims" else f"on {facts.target} at {short(facts.url)}"
    yield Text.assemble(
        (word.upper(), f"bold {MARKS[verdict.outcome][1]}"),
        f"  {summary(verdict)} {where} ",
        (seconds(verdict.seconds), "dim"),
    )
    if verdict.history.interrupted:
        done = "judged" if verdict.thing == "claim" else "played"
        yield Text(f"Interrupted: these {verdict.thing}s were {done} until then.", "yellow")
    elif not verdict.passed:
        every = "" if details else "--details shows every check, "
        yield Text(
            f"Next: {every}--report report.html writes one to look at, --json the whole history; "
            "'todoctl judge FILE' judges a saved one again."
        )


def overview(verdicts: Sequence[Verdict]) -> Iterator[RenderableType]:
    """Several apps, one row each."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for verdict in verdicts:
        sign, colour = MARKS[verdict.outcome]
        failed = ", ".join(short(result.name, 60) for result in filter(verdict.spoils, verdict.scenarios))
        grid.add_row(
            Text(sign, colour), Text(subject(verdict), "bold"), summary(verdict), Text(failed, colour)
        )
    yield Text("")
    yield grid


def _title(result: ScenarioResult) -> RenderableType:
    sign, colour = MARKS[result.outcome]
    return Text.assemble("\n", (sign, colour), " ", (result.name, "bold"), "  ", result.title)


def _checks(
    verdict: Verdict, checks: list[Check], *, edge: int | None, most: int | None = None
) -> Iterator[RenderableType]:
    """What was expected beside what was seen; under it the event, and the sentence of the contract."""
    alike = [found for same in by_sentence(checks).values() for found in same]
    shown = alike[:most]
    rows = [_cells(found) for found in shown]
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(HEADS, *rows, strict=True)]
    if edge is not None:
        widths = [min(width, (edge - 11) // 3) for width in widths]
    yield _row(widths, "", *(Text(head, "dim") for head in HEADS))
    following = [*(found.check.sentence for found in shown[1:]), ""]
    for found, cells, next_sentence in zip(shown, rows, following, strict=True):
        check = found.check
        sign, colour = MARKS[Outcome.PASSED if check.passed else Outcome.FAILED]
        name, expected, seen = map(Text, cells)
        if not check.passed:
            seen.stylize(colour)
        yield _row(widths, Text(sign, colour), name, expected, seen)
        if not check.passed:
            yield Padding(Text(event(verdict, check.event)), (0, 0, 0, 5))
        if next_sentence != check.sentence:
            yield Padding(Text(f"“{check.sentence}”", "dim"), (0, 0, 0, 5))
    if more := sum(len(found.events) for found in alike[len(shown) :]):
        yield Text(f"  … and {more} more: --details")


def _cells(found: Alike) -> tuple[str, str, str]:
    times = f" ×{len(found.events)}" if len(found.events) > 1 else ""
    name, expected, seen = (
        short(text, LONGEST) for text in (found.check.name, found.check.expected, found.check.seen)
    )
    return name + times, expected, seen


def _row(widths: list[int], sign: str | Text, *cells: Text) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in (1, *widths):
        grid.add_column(width=width, overflow="fold")
    grid.add_row(sign, *cells)
    return Padding(grid, (0, 0, 0, 2))

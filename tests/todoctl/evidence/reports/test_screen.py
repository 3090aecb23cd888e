"""A verdict on a terminal, and where there is none."""

import io
import re

import pytest
from rich.console import Console

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.reports.phrases import event
from todoctl.evidence.verdict import Verdict
from todoctl.terminal import Terminal
from todoctl.validation.claims import CLAIMS


def shown(made: Verdict, *, details: bool = False, width: int | None = None) -> list[str]:
    """What a terminal of `width` columns shows of a run; without, what a pipe gets."""
    terminal, out = Terminal(), io.StringIO()
    terminal.console = Console(
        file=out, force_terminal=width is not None, width=width or 10_000, color_system=None, highlight=False
    )
    with terminal.expect([(result.name, 1.0) for result in made.scenarios]):
        pass
    out.truncate(0)
    out.seek(0)
    for result in made.scenarios:
        terminal.finished(result)
    terminal.verdict(made, details=details)
    return out.getvalue().splitlines()


@pytest.fixture(name="no_columns", autouse=True)
def _no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_run_that_passed_is_a_line_for_each() -> None:
    lines = shown(verdicts.verdict())
    assert lines[3] == "✓ grace     the same picture once more, Grace period  4.0 s"
    assert len(lines) == 12
    assert lines[11].startswith("PASSED  11 of 11 scenarios passed on local at http://localhost:8081 ")


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits_one_screen(width: int) -> None:
    lines = shown(verdicts.verdict(), width=width)
    assert len(lines) <= 23
    assert all(len(line) <= width for line in lines)
    assert {len(line) for line in lines[:11]} == {width}
    assert lines[3].endswith("  4.0 s")


def test_a_failure_is_expected_beside_seen() -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "grace", seen="7")
    verdicts.leave(made, "kill")
    lines = shown(made)
    assert lines[3] == "✗ grace     Site Access count: expected 6, saw 7  4.0 s"
    assert lines[6].startswith("– kill      not seen: it is older")
    assert lines[11:17] == [
        "",
        "✗ grace  The first view after the expiry gets the same bytes.",
        "     Check              Expected  Seen",
        "  ✗  Site Access count  6         7",
        f"     {event(made, made.scenarios[3].failures[0].event)}",
        f"     “{CLAIMS['grace']}”",
    ]
    assert lines[18].startswith("FAILED  9 of 11 scenarios passed, 1 failed, 1 not judged on local")
    assert lines[19].startswith("Next: --details shows every check, --report report.html")


def test_of_many_failures_the_first_are_shown() -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "crowd", times=5)
    lines = shown(made)
    assert sum("event " in line for line in lines) == 3
    assert "  … and 2 more: --details" in lines


def test_details_are_every_check() -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "crowd", times=5)
    verdicts.leave(made, "kill")
    made.scenarios[0].checks.clear()
    lines = shown(made, details=True)
    assert sum("event " in line for line in lines) == 5
    marked = [line for line in lines if line.startswith(("  ✓", "  ✗"))]
    alike = [int(times) - 1 for line in marked for times in re.findall(r" ×(\d+)", line)]
    assert alike
    assert len(marked) + sum(alike) == sum(len(result.checks) for result in made.scenarios)
    assert "  ! try 1 was repeated: another visitor came in between" in lines
    assert "--details" not in lines[-1]


def test_an_interrupted_run_says_so() -> None:
    made = verdicts.verdict(names=2)
    made.history.interrupted = True
    last = shown(made)[-2:]
    assert last[0].startswith("INTERRUPTED  2 of 2 scenarios passed on local at http://localhost:8081 ")
    assert last[1] == "Interrupted: these scenarios were played until then."


@pytest.mark.parametrize("width", [40, 80, None])
def test_what_an_app_sends_is_shown_and_not_obeyed(width: int | None) -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "grace", seen="[red]x[/] \x1b[31m \0 " + "y" * 1_000_000)
    text = "\n".join(shown(made, width=width, details=True))
    assert r"[red]x[/] \x1b[31m \x00 yyy" in " ".join(text.split())
    assert "\x1b" not in text
    assert len(text) < 40_000
    assert width is None or max(map(len, text.splitlines())) <= width

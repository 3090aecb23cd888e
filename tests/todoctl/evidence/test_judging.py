"""A fault of the judge loses nothing."""

import io
import json
import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from tests.todoctl.evidence.reports import verdicts
from todoctl.cli.judge import Reports
from todoctl.errors import BadUsageError, ExitCode, UnavailableError
from todoctl.evidence.history import History, no_history
from todoctl.evidence.judging import judged
from todoctl.evidence.verdict import Outcome, Verdict, exit_code
from todoctl.terminal import Terminal

GOOD, BAD = verdicts.verdict(names=3), verdicts.verdict(names=2)


def judge(history: History) -> Verdict:
    if history is BAD.history:
        raise ValueError("Exceeds the limit (4300 digits) for integer string conversion")
    return GOOD


@pytest.fixture(name="directory", autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_one_bad_history_costs_no_other_its_verdict(directory: Path) -> None:
    good, bad = judged([GOOD.history, BAD.history], judge)
    assert good is GOOD
    assert [result.outcome for result in bad.scenarios] == [Outcome.NOT_JUDGED] * 2
    assert exit_code([good, bad]) == ExitCode.NOT_JUDGED
    (kept,) = directory.iterdir()
    assert "could not judge it (ValueError: Exceeds the limit" in bad.scenarios[0].reason
    assert f"'todoctl judge {kept}'" in bad.scenarios[0].reason
    saved = [len(plain["events"]) for plain in json.loads(kept.read_text())["apps"]]
    assert saved == [len(GOOD.history.events), len(BAD.history.events)]


def test_nothing_is_left_of_what_was_judged(directory: Path) -> None:
    assert judged([GOOD.history], judge) == [GOOD]
    assert list(directory.iterdir()) == []


def test_a_disk_without_room_costs_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/directory")
    assert judged([GOOD.history], judge) == [GOOD]
    (bad,) = judged([BAD.history], judge)
    assert bad.scenarios[0].reason.endswith("conversion)")


def test_what_is_no_history_is_said_as_ever() -> None:
    def refuse(_: History) -> Verdict:
        raise no_history("'an-older-claim' is no claim")

    with pytest.raises(BadUsageError, match="an-older-claim"):
        judged([GOOD.history], refuse)


@pytest.mark.parametrize(
    ("failed", "left", "counted", "needed", "outcome"),
    [
        (set(), set(), None, None, "passed"),
        ({"fresh"}, {"valid"}, None, None, "failed"),
        (set(), {"valid"}, None, None, "not judged"),
        ({"fresh"}, {"valid"}, {"mount", "valid"}, {"mount"}, "passed"),
        (set(), {"valid"}, {"mount", "valid"}, {"valid"}, "not judged"),
        ({"valid"}, set(), {"mount", "valid"}, {"mount"}, "failed"),
    ],
)
def test_a_run_passes_when_all_that_counts_has(
    failed: set[str], left: set[str], counted: set[str] | None, needed: set[str] | None, outcome: str
) -> None:
    made = verdicts.verdict()
    for name in failed:
        verdicts.fail(made, name)
    for name in left:
        verdicts.leave(made, name)
    made.counted = None if counted is None else frozenset(counted)
    made.needed = None if needed is None else frozenset(needed)
    assert made.outcome == outcome
    made.broken = True
    assert exit_code([made]) == ExitCode.UNAVAILABLE
    made.broken, made.history.interrupted = False, True
    assert made.outcome == ("failed" if outcome == "failed" else "not judged")


@pytest.mark.parametrize("failing", [True, False])
def test_a_report_that_fails_hides_no_cause(tmp_path: Path, failing: bool) -> None:
    """It is written on the way out of a run that has failed itself."""
    out = io.StringIO()
    terminal = Terminal()
    terminal.console = Console(file=out, width=1000)
    wanted = [(tmp_path / "gone" / "report.md", ".md")]
    with pytest.raises(UnavailableError) as caught:  # noqa: PT012 - two places to raise at
        try:
            if failing:
                raise UnavailableError("The cluster is gone", fix="Bring it up")
        finally:
            Reports().show([GOOD], terminal, wanted)
    assert ("The cluster is gone" in str(caught.value)) is failing
    assert ("Not all of the verdict could be reported: The report" in out.getvalue()) is failing

"""The examples of docs/extending.md: a scenario that is played, a check that is made."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults.recording import of, recorded
from tests.todoctl.bench import Bench
from todoctl.evidence.history import History, Request, Role
from todoctl.validation import checkers
from todoctl.validation.scenarios import SCENARIOS

DOCUMENT = Path(__file__).parents[3] / "docs" / "extending.md"


def example(title: str) -> dict[str, Any]:
    """Returns what the section's code defines."""
    section = DOCUMENT.read_text(encoding="utf-8").split(f"## {title}\n")[1]
    names: dict[str, Any] = {}
    exec(section.split("```python\n")[1].split("```")[0], names)  # noqa: S102 - our own document
    return names


@pytest.mark.live
def test_a_scenario_is_played(bench: Bench) -> None:
    before = len(SCENARIOS)
    try:
        example("A scenario")
        verdict = bench.validate("twice")
    finally:
        del SCENARIOS[before:]
    assert verdict.passed, verdict.scenarios
    assert verdict.scenarios[0].title.startswith("Two visitors")


def test_a_check_holds_every_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkers, "CHECKERS", [*checkers.CHECKERS, example("A check")["check"]])
    assert checkers.judge(recorded()).passed

    def slower(history: History) -> History:
        events = [
            msgspec.structs.replace(event, end=event.end + 6)
            if isinstance(event, Request) and event.role is Role.CACHE
            else event
            for event in history.events
        ]
        return msgspec.structs.replace(history, events=events)

    (result,) = checkers.judge(of("page", slower)).scenarios
    assert {check.name for check in result.failures} >= {"time"}

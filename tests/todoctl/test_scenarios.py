"""Each fault of an app makes the scenario fail that is there to find it, and none passes unseen."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.todoctl.faulty_app import FAULTS, FaultyTarget, faulty_target
from todoctl import validate as validation
from todoctl.console import Terminal
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.scenarios import SCENARIOS, Scenario
from todoctl.verdict import ScenarioResult, Verdict


class Quiet:
    """An audience that remembers what it was told."""

    def __init__(self) -> None:
        self.waited_for: list[str] = []
        self.results: list[ScenarioResult] = []

    @contextmanager
    def scenario(self, scenario: Scenario) -> Iterator[Callable[[str], None]]:
        yield self.waited_for.append

    def finished(self, result: ScenarioResult) -> None:
        self.results.append(result)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "QUICK_TTL", 1.5)
    monkeypatch.setattr("todoctl.stage.SLACK_SECONDS", 4.0)


def run(target: FaultyTarget, *, full: bool = False) -> Verdict:
    return validation.validate(target, Quiet(), Terminal(stderr=True), full=full)


def failed(verdict: Verdict) -> set[str]:
    return {result.name for result in verdict.scenarios if not result.passed}


def test_an_app_without_fault_passes_and_is_put_back(tmp_path: Path) -> None:
    with faulty_target(tmp_path, ttl=600) as target:
        for _ in range(3):
            target.app.view()
        before = target.app.state()
        verdict = run(target)
        assert verdict.passed, json.dumps(verdict.to_json(), indent=1)
        assert [result.name for result in verdict.scenarios] == [
            "mount",
            "fresh",
            "valid",
            "grace",
            "renew",
            "restart",
        ]
        assert target.app.state() == before
        assert target.started_with[-1] == target.settings()
        assert not validation.is_under_way(target)
    assert {"empty", "valid", "expired", "grace"} <= {sighting.status for sighting in verdict.sightings}


def test_a_volume_without_a_picture_passes_and_stays_empty(tmp_path: Path) -> None:
    with faulty_target(tmp_path) as target:
        assert run(target).passed
        assert target.app.state()["access_count"] == 0
        assert target.app.status == "empty"


def test_full_keeps_the_deployed_ttl(tmp_path: Path) -> None:
    with faulty_target(tmp_path, ttl=2.0) as target:
        verdict = run(target, full=True)
        assert verdict.passed
        assert verdict.ttl == 2.0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, tmp_path: Path) -> None:
    with faulty_target(tmp_path, fault) as target:
        verdict = run(target)
        assert not verdict.passed
        assert FAULTS[fault] in failed(verdict), json.dumps(verdict.to_json(), indent=1)
        assert target.aside is None, "what was set aside is put back after a failure too"


def test_a_strangers_visit_is_told_and_the_scenario_tried_again(tmp_path: Path) -> None:
    with faulty_target(tmp_path) as target:
        visits = iter([True, False, False, True])
        target.app.before_view = lambda: target.app.view() if next(visits, False) else None
        verdict = run(target)
    assert verdict.passed, json.dumps(verdict.to_json(), indent=1)
    notes = [note for result in verdict.scenarios for note in result.notes]
    assert sum("other page view(s) came in between" in note for note in notes) == 2


def test_a_stranger_who_never_stops_is_named_as_the_reason(tmp_path: Path) -> None:
    with faulty_target(tmp_path) as target:
        target.app.before_view = target.app.view
        verdict = run(target)
    assert failed(verdict) >= {"fresh", "valid", "grace", "renew"}
    assert "Disturbed in 3 tries out of 3" in verdict.scenarios[1].reason


def test_an_image_service_that_fails_is_the_reason(tmp_path: Path) -> None:
    with faulty_target(tmp_path) as target:
        told = target.app.state

        target.app.state = lambda: {**told(), "last_error": "the image service answered 500"}  # type: ignore[method-assign]
        verdict = run(target)
    assert "the image service answered 500" in verdict.scenarios[1].reason


def test_the_same_picture_twice_by_chance_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty_target(tmp_path) as target:
        fetch = target.app.fetch

        def same() -> None:
            fetch()
            target.app.picture = b"always the same"

        monkeypatch.setattr(target.app, "fetch", same)
        verdict = run(target)
    assert verdict.passed, json.dumps(verdict.to_json(), indent=1)
    renew = next(result for result in verdict.scenarios if result.name == "renew")
    assert renew.notes == ["the new download brought the same picture, by chance"]


def test_what_was_begun_is_put_back_when_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty_target(tmp_path) as target:
        target.app.view()
        before = target.app.state()

        set_aside = target.set_aside

        def interrupted() -> None:
            set_aside()
            raise KeyboardInterrupt

        monkeypatch.setattr(target, "set_aside", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(target)
        assert target.app.state() == before
        assert not validation.is_under_way(target)


def test_a_killed_run_is_mended_by_the_next_command(tmp_path: Path) -> None:
    terminal = Terminal(stderr=True)
    with faulty_target(tmp_path) as target:
        target.app.view()
        before = target.app.state()
        assert not validation.mend(target, terminal)
        validation.begin(target)
        target.stop()
        target.set_aside()
        assert validation.is_under_way(target)
        assert validation.mend(target, terminal)
        assert target.app.state() == before
        assert not validation.is_under_way(target)


def test_nothing_up_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty_target(tmp_path) as target:
        monkeypatch.setattr(target, "instances", frozenset)
        with pytest.raises(UnavailableError, match="The app does not run"):
            run(target)
        monkeypatch.setattr(target, "settings", lambda: None)
        with pytest.raises(TodoctlError, match=r"Nothing is up on faulty\. Run 'todoctl up' first"):
            run(target)


def test_every_scenario_says_what_it_claims() -> None:
    assert all(scenario.title.endswith(".") for scenario in SCENARIOS)

"""Whole runs on the real app, in this process: what they prove, and that they leave everything as it was."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.faults.trial import Silence
from tests.todoctl.bench import Bench
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.evidence.history import Act, Download, History, Request, Role
from todoctl.evidence.pages import Observation
from todoctl.evidence.verdict import Outcome
from todoctl.image_service.service import ResponseMode
from todoctl.restore import restore
from todoctl.settings import Settings
from todoctl.targets.local.target import LocalTarget
from todoctl.validation import run as running
from todoctl.validation.checkers import judge
from todoctl.validation.driver import Driver
from todoctl.validation.scenarios import SCENARIOS, Play, Scenario, chosen
from todoctl.validation.situations import LONG_TTL, Situations

pytestmark = pytest.mark.live


def scenario(play: Play, *claims: str) -> Scenario:
    return Scenario("made", "Made.", play, claims)


@pytest.mark.smoke
def test_a_whole_run_passes_and_puts_all_back(bench: Bench) -> None:
    before = bench.state()
    verdict = bench.validate()
    assert verdict.passed, [(one.name, one.reason) for one in verdict.scenarios if not one.passed]
    assert [result.name for result in bench.audience.results] == [one.name for one in SCENARIOS]
    assert bench.state() == before
    assert not bench.target.marker.exists()
    assert bench.reported == [verdict]
    told = json.loads(json.dumps(verdict.to_json()))
    assert judge(History.from_json(told["history"])).to_json() == verdict.to_json()
    downloads = [event for event in verdict.history.events if isinstance(event, Download)]
    assert {event.way for event in downloads} == set(ResponseMode)
    assert {"empty", "valid", "expired", "grace", "stale"} <= {span.status for span in verdict.spans}
    assert any("to go" in line for line in bench.audience.waited)


def test_full_keeps_ttl_and_source(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "home", 3.0)
    try:
        verdict = bench.validate(full=True)
    finally:
        bench.target.stop()
    assert verdict.passed, [(one.name, one.reason) for one in verdict.scenarios if not one.passed]
    assert "outage" not in {result.name for result in verdict.scenarios}
    starts = [event for event in verdict.history.events if isinstance(event, Act)]
    assert {(act.ttl, act.source) for act in starts} == {(3.0, "sample:")}
    assert not any(isinstance(event, Download) for event in verdict.history.events)


def test_one_scenario_is_played_alone(bench: Bench) -> None:
    verdict = bench.validate("renew")
    assert [result.name for result in verdict.scenarios] == ["renew"]
    assert verdict.passed


def test_another_visitor_is_told_of_and_disturbs_nothing(bench: Bench) -> None:
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.4):
            try:
                bench.view()
            except httpx.HTTPError:
                continue

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        verdict = bench.validate("valid", "grace", "renew")
    finally:
        over.set()
        visitor.join()
    assert not [check for result in verdict.scenarios for check in result.failures]
    assert any("came in between" in note for result in verdict.scenarios for note in result.notes)


def test_a_scenario_whose_situation_never_comes_is_not_judged(bench: Bench) -> None:
    tries: list[float] = []

    def idle(driver: Driver, arrange: Situations) -> None:
        tries.append(arrange.ttl)
        arrange.require(500.0)

    verdict = bench.play([scenario(idle, "grace"), replace(scenario(idle, "grace"), name="another")])
    (result, _) = verdict.scenarios
    assert result.outcome is Outcome.NOT_JUDGED
    assert not verdict.passed
    assert result.reason.startswith("not seen: it is older and the grace view is unspent")
    assert len(tries) == 2 * running.TRIES
    assert tries[: running.TRIES] == tries[running.TRIES :], "more time did not help, and is not taken again"
    assert tries[1] == 2 * tries[0]
    assert result.notes == [f"played {running.TRIES} times, because something came in between"]


def test_an_error_ends_a_scenario_and_not_the_run(bench: Bench) -> None:
    def broken(_: Driver, __: Situations) -> None:
        raise UnavailableError("The app does not start", why="it is broken", fix="Mend it")

    verdict = bench.play([scenario(broken, "grace"), *chosen(["deployed"], full=False)])
    assert [result.outcome for result in verdict.scenarios] == [Outcome.NOT_JUDGED, Outcome.PASSED]
    assert verdict.scenarios[0].reason == "The app does not start: it is broken. Mend it."


def test_what_todoctl_could_not_do_is_not_laid_at_the_apps_door(bench: Bench) -> None:
    """A start that takes too long ends all that runs; the next scenario begins with a start of its own."""

    def too_slow(driver: Driver, arrange: Situations) -> None:
        arrange.require(LONG_TTL)
        driver.target.stop()
        raise UnavailableError("The app does not start", fix="Mend it")

    verdict = bench.play([scenario(too_slow, "scale"), *chosen(["crash", "page"], full=False)])
    assert [result.outcome for result in verdict.scenarios] == [
        Outcome.NOT_JUDGED,
        Outcome.PASSED,
        Outcome.PASSED,
    ]


def test_an_interrupted_run_puts_all_back_and_still_reports(bench: Bench) -> None:
    before = bench.state()

    def interrupted(driver: Driver, arrange: Situations) -> None:
        arrange.require(1.0)
        driver.visit()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.play([*chosen(["deployed"], full=False), scenario(interrupted, "valid")])
    assert bench.state() == before
    assert not bench.target.marker.exists()
    (verdict,) = bench.reported
    assert verdict.history.interrupted
    assert not verdict.passed
    assert [result.name for result in verdict.scenarios] == ["deployed", "made"]


def test_a_killed_run_is_mended_by_the_next_command(bench: Bench) -> None:
    before = bench.state()
    assert not restore(bench.target, Silence())
    (bench.target.directory / "validating").touch()
    bench.target.stop()
    bench.target.volume.clear()
    bench.target.start(Settings(port=bench.port, ttl=1.0, image_url="sample:"))
    assert restore(bench.target, Silence())
    assert bench.state() == before


def test_an_app_that_is_not_there_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.target.stop()
    with pytest.raises(UnavailableError, match="The app does not run"):
        bench.validate("page")
    monkeypatch.setattr(LocalTarget, "deployed", lambda _: None)
    with pytest.raises(UnavailableError, match=r"Nothing is up on local\. Run 'todoctl up' first"):
        bench.validate("page")


def test_a_request_without_an_answer_is_in_the_history(bench: Bench) -> None:
    def look_in_vain(driver: Driver, arrange: Situations) -> None:
        arrange.require(500.0)
        driver.target.stop()
        assert driver.look() == Observation()
        driver.visit()

    verdict = bench.play([scenario(look_in_vain, "page")])
    (result,) = verdict.scenarios
    unanswered = [
        event for event in verdict.history.events if isinstance(event, Request) and not event.answer
    ]
    assert {event.role for event in unanswered} == {Role.CACHE, Role.PAGE}
    assert result.outcome is Outcome.FAILED
    assert {check.claim for check in result.failures} >= {"health", "page"}


def test_scenarios_are_chosen_by_name() -> None:
    assert [one.name for one in chosen(["renew", "fresh"], full=False)] == ["fresh", "renew"]
    assert "restart-grace" not in next(one for one in SCENARIOS if one.name == "restart").claims(full=True)
    with pytest.raises(BadUsageError, match="--scenario 'no' is no scenario"):
        chosen(["no"], full=False)
    with pytest.raises(BadUsageError, match="--full keeps yours"):
        chosen(["outage"], full=True)

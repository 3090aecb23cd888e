"""Runs in which somebody else, or todoctl itself, takes the app away: that is not held against it."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.fault import planted
from tests.todoctl.bench import Bench
from todoctl.errors import UnavailableError
from todoctl.evidence.history import Act, ClockStep, History
from todoctl.evidence.verdict import Outcome
from todoctl.settings import Settings
from todoctl.validation import run as running
from todoctl.validation.checkers import judge
from todoctl.validation.driver import REPLACED, Driver
from todoctl.validation.scenarios import Scenario, chosen
from todoctl.validation.situations import Situations

pytestmark = pytest.mark.live


@pytest.mark.parametrize("step", [-5.0, -0.6, 7.0])
def test_a_clock_that_is_set_meanwhile_convicts_nobody(
    step: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's, which the app's is as well."""
    clock, ahead, real = tmp_path / "clock", [0.0], time.time
    clock.write_text("0")
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])

    def turn() -> None:
        ahead[0] += step
        clock.write_text(str(ahead[0]))

    with planted(None, clock):
        bench = Bench(tmp_path / "home", 500.0)
        timer = threading.Timer(1.5, turn)
        timer.start()
        try:
            verdict = bench.validate("fresh", "valid", "grace", "renew", "crowd")
        finally:
            timer.cancel()
            bench.target.stop()
    assert verdict.passed, [(one.name, one.reason) for one in verdict.scenarios if not one.passed]
    (seen,) = [event for event in verdict.history.events if isinstance(event, ClockStep)]
    assert seen.by == pytest.approx(step, abs=0.1)
    again = judge(History.from_json(json.loads(json.dumps(verdict.history.to_json()))))
    assert again.passed


def acts(history: History) -> list[Act]:
    return [event for event in history.events if isinstance(event, Act) and event.what != "serve"]


@pytest.fixture(name="shared")
def _shared(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """As on a cluster that others work on too: what runs the app may be replaced by them."""
    monkeypatch.setattr(bench.target, "traits", replace(bench.target.traits, rolling=True))
    return bench


def replacing(bench: Bench, times: int) -> Scenario:
    """Somebody takes the app away, for one page view, and brings it back: so many `times`."""
    left = [None] * times

    def play(driver: Driver, arrange: Situations) -> None:
        arrange.require()
        if left:
            left.pop()
            bench.target.stop()
            driver.view()
            bench.target.start(driver.settings)
        arrange.wait_for_picture()
        driver.visit()

    return replace(chosen(["fresh"], full=False)[0], play=play, proves=("first",))


def test_what_others_take_away_is_not_missed_by_the_app(shared: Bench) -> None:
    verdict = shared.play([replacing(shared, 1)])
    (result,) = verdict.scenarios
    assert (result.outcome, result.error) == (Outcome.PASSED, "")
    assert result.notes == ["played 2 times, because something came in between"]
    (act,) = [act for act in acts(verdict.history) if act.what == "replaced"]
    assert act.before != act.after
    again = judge(History.from_json(json.loads(json.dumps(verdict.history.to_json()))))
    assert again.passed


def test_a_process_that_is_gone_is_missed(bench: Bench) -> None:
    """On a target where nobody else takes it away."""
    verdict = bench.play([replacing(bench, 1)])
    assert [result.outcome for result in verdict.scenarios] == [Outcome.FAILED]


def test_what_is_always_taken_away_is_not_judged(shared: Bench) -> None:
    verdict = shared.play([replacing(shared, running.TRIES)])
    (result,) = verdict.scenarios
    assert (result.outcome, result.error) == (Outcome.NOT_JUDGED, REPLACED)


def test_an_act_does_not_begin_on_what_others_have_replaced(shared: Bench) -> None:
    left = [None]

    def play(driver: Driver, arrange: Situations) -> None:
        arrange.require()
        if left:
            left.pop()
            shared.target.restart()
            driver.restart()
        arrange.wait_for_picture()
        driver.visit()

    verdict = shared.play([replace(chosen(["fresh"], full=False)[0], play=play, proves=("first",))])
    assert verdict.passed
    assert [act.what for act in acts(verdict.history)] == ["start", "replaced", "start"]


def test_what_is_seen_while_an_act_fails_may_be_its_doing(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def restart() -> None:
        shared.target.stop()
        raise UnavailableError("The cluster is away", fix="Start it")

    def play(driver: Driver, arrange: Situations) -> None:
        arrange.require()
        with pytest.raises(UnavailableError) as away:
            driver.restart()
        driver.view()
        raise away.value

    monkeypatch.setattr(shared.target, "restart", restart)
    verdict = shared.play([replace(chosen(["fresh"], full=False)[0], play=play)])
    (result,) = verdict.scenarios
    assert (result.outcome, result.error) == (Outcome.NOT_JUDGED, "The cluster is away. Start it.")
    assert [act.what for act in acts(verdict.history)] == ["start", "failed"]


def test_what_has_come_in_its_place_may_have_no_log_yet(
    shared: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = shared.target
    logs, start = target.logs, target.start
    left, young = [None], []

    def play(driver: Driver, arrange: Situations) -> None:
        arrange.require()
        if left:
            left.pop()
            target.restart()
            young.append("a pod")
        arrange.wait_for_picture()
        driver.visit()

    def started(settings: Settings) -> None:
        young.clear()
        start(settings)

    monkeypatch.setattr(target, "logs", lambda **how: iter(()) if young else logs(**how))
    monkeypatch.setattr(target, "start", started)
    assert shared.play([replace(chosen(["fresh"], full=False)[0], play=play, proves=("first",))]).passed

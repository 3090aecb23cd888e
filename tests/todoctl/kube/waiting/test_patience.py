"""For how long something is waited for: by what goes on, not by the clock."""

import threading
from dataclasses import replace

import pytest

from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.kube.waiting import patience
from todoctl.kube.waiting.blocker import Blocker, Grade
from todoctl.kube.waiting.patience import Patience

PULLS = Blocker(what="pod a pulls b", grade=Grade.MOVING, key="a b")
FAILS = Blocker(what="b cannot be pulled", grade=Grade.STUCK, key="a b", fix="Check the network")
PENDING = Blocker(what="pod a is being created")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def let_pass(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "monotonic", clock)
    return clock


@pytest.fixture(name="stop")
def _stop() -> threading.Event:
    return threading.Event()


@pytest.fixture(name="waiting")
def _waiting(clock: Clock, told: Told, stop: threading.Event) -> Patience:
    return Patience("There is no page", "See 'todoctl status'", told, stop)


def test_a_pull_may_take_hours(waiting: Patience, clock: Clock, told: Told) -> None:
    for _ in range(200):
        waiting.judge([PULLS])
        clock.let_pass(60)
    assert set(told.lines) == {"pod a pulls b"}


def test_what_is_certain_ends_it_at_once(waiting: Patience) -> None:
    certain = Blocker(what="the image b does not exist", grade=Grade.FINAL, fix="Correct its name")
    with pytest.raises(
        UnavailableError,
        match=r"^There is no page: the image b does not exist\. Correct its name\.$",
    ):
        waiting.judge([PENDING, certain])


def test_what_does_not_go_away_ends_it_within_a_minute(waiting: Patience, clock: Clock) -> None:
    waiting.judge([FAILS])
    clock.let_pass(44)
    waiting.judge([FAILS])
    clock.let_pass(2)
    with pytest.raises(UnavailableError, match="Check the network"):
        waiting.judge([FAILS])


def test_an_attempt_under_way_is_not_interrupted_but_is_the_same_trouble(
    waiting: Patience, clock: Clock
) -> None:
    waiting.judge([FAILS])
    clock.let_pass(600)
    waiting.judge([PULLS])
    clock.let_pass(600)
    waiting.judge([PULLS])
    with pytest.raises(UnavailableError, match="b cannot be pulled"):
        waiting.judge([FAILS])


def test_a_trouble_that_was_overcome_begins_anew(waiting: Patience, clock: Clock) -> None:
    waiting.judge([FAILS])
    clock.let_pass(40)
    waiting.judge([PENDING])
    clock.let_pass(40)
    waiting.judge([FAILS])


@pytest.mark.parametrize("grade", [Grade.STUCK, Grade.FINAL])
def test_what_was_tried_before_is_tried_again_before_it_counts(
    grade: Grade, waiting: Patience, clock: Clock, told: Told
) -> None:
    """The network may have come back since; Kubernetes pauses for up to 5 minutes."""
    failed = replace(FAILS, grade=grade)
    waiting.judge([replace(failed, paused=True)])
    assert told.lines == ["b cannot be pulled; Kubernetes tries again within 5 minutes"]
    clock.let_pass(300)
    waiting.judge([replace(failed, paused=True)])
    waiting.judge([PULLS])
    clock.let_pass(300)
    waiting.judge([replace(failed, paused=True)])
    if grade is Grade.STUCK:
        waiting.judge([failed])
        clock.let_pass(46)
    with pytest.raises(UnavailableError, match=r": b cannot be pulled\. Check the network"):
        waiting.judge([failed])


def test_what_is_tried_while_it_is_waited_for_counts_in_the_pauses_too(
    waiting: Patience, clock: Clock, told: Told
) -> None:
    waiting.judge([FAILS])
    clock.let_pass(40)
    waiting.judge([replace(FAILS, paused=True)])
    assert told.lines[-1] == "b cannot be pulled"
    clock.let_pass(40)
    with pytest.raises(UnavailableError, match="b cannot be pulled"):
        waiting.judge([replace(FAILS, paused=True)])


def test_where_nothing_new_happens_it_ends(waiting: Patience, clock: Clock) -> None:
    waiting.judge([PENDING])
    clock.let_pass(300)
    waiting.judge([Blocker(what="pod a runs, and is not ready yet")])
    clock.let_pass(300)
    waiting.judge([PENDING])
    clock.let_pass(40)
    with pytest.raises(
        UnavailableError,
        match=r"^There is no page, and nothing new has happened for .* s: pod a is being created\. See",
    ):
        waiting.judge([PENDING])


def test_whoever_waits_can_give_up(waiting: Patience, stop: threading.Event) -> None:
    stop.set()
    with pytest.raises(UnavailableError, match="given up: pod a is being created"):
        waiting.judge([PENDING])


def test_nobody_has_to_look_on(clock: Clock, stop: threading.Event) -> None:
    Patience("", "", None, stop).judge([PENDING])

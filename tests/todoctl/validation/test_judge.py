"""What the model can produce always passes; with one thing changed to what it cannot, it never does."""

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.todoctl.validation.histories import Script
from tests.todoctl.validation.pages import BEGAN, Told, png
from todoctl.validation.history import Download, History
from todoctl.validation.judge.results import judge
from todoctl.validation.model.policy import Kind
from todoctl.validation.model.times import Span
from todoctl.validation.verdict import Outcome, ScenarioResult

MOVES = (
    "view",
    "stranger",
    "look",
    "volume",
    "wait a little",
    "wait",
    "restart",
    "kill",
    "anew",
    "fails",
    "ttl",
)


def result(history: History) -> ScenarioResult:
    return judge(history).scenarios[0]


def play(script: Script, move: str, change: Callable[[Told], None] | None = None) -> None:
    ways: dict[str, Callable[[], object]] = {
        "view": lambda: script.view(change),
        "stranger": script.stranger,
        "look": lambda: script.look(change),
        "volume": lambda: script.volume(change),
        "wait a little": lambda: script.wait(script.ttl / 4),
        "wait": lambda: script.wait(script.ttl * 1.01),
        "restart": lambda: script.start(emptied=False, what=move),
        "kill": lambda: script.start(emptied=False, what=move),
        "anew": lambda: script.start(emptied=True),
        "fails": lambda: script.view(well=False),
        "ttl": lambda: script.start(emptied=False, ttl=7.0 if script.ttl != 7.0 else 3.0),
    }
    ways[move]()


moves = st.lists(st.sampled_from(MOVES), max_size=25)
clocks = st.sampled_from([0.0, 3600.0, -3600.0, 0.3])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves, clocks)
def test_what_the_model_can_produce_is_never_an_alarm(played: list[str], ahead: float) -> None:
    script = Script(ahead=ahead, now=BEGAN + ahead)
    script.start(emptied=True)
    script.look()
    for move in played:
        play(script, move)
    script.view()
    found = result(script.finished("start"))
    assert not found.failures, [(check, script.history.events[check.event]) for check in found.failures[:3]]
    assert found.outcome is Outcome.PASSED


def lower(told: Told) -> None:
    told.views = max(told.views - 1, 0)


def grow_picture_views(told: Told) -> None:
    told.picture_views += 1


def another_status(told: Told) -> None:
    told.status = "grace" if told.status != "grace" else "valid"


def later_download(told: Told) -> None:
    told.downloaded = (told.downloaded or 0.0) + 1.0


def later_expiry(told: Told) -> None:
    told.expires = (told.expires or 0.0) + 1.0


def earlier_access(told: Told) -> None:
    told.last_view = (told.last_view or 0.0) - 30.0


def other_grace(told: Told) -> None:
    told.grace_spent = not told.grace_spent


def other_error(told: Told) -> None:
    told.error = not told.error


IMPOSSIBLE: list[tuple[str, Callable[[Told], None]]] = [
    *(
        (move, change)
        for move in ("view", "look", "volume")
        for change in (grow_picture_views, later_download, earlier_access)
    ),
    *((move, change) for move in ("view", "look") for change in (another_status, later_expiry)),
    ("look", other_error),
    ("look", other_grace),
    ("volume", other_grace),
    ("look", lower),
    ("volume", lower),
    ("view", lower),
]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=moves, after=st.lists(st.sampled_from(MOVES), max_size=4), ahead=clocks)
@pytest.mark.parametrize(("move", "change"), IMPOSSIBLE, ids=lambda one: getattr(one, "__name__", one))
def test_what_it_cannot_produce_is_always_convicted(
    move: str, change: Callable[[Told], None], before: list[str], after: list[str], ahead: float
) -> None:
    script = Script(ahead=ahead, now=BEGAN + ahead)
    script.start(emptied=True)
    script.look()
    for _ in range(3):  # so that the clocks are known
        script.view()
    for one in before:
        play(script, one)
    script.view()
    script.look()
    changed = len(script.history.events)
    play(script, move, change)
    for one in after:
        play(script, one)
    found = result(script.finished())
    assert found.outcome is Outcome.FAILED
    assert min(check.event for check in found.failures) >= changed


def test_a_download_that_nothing_called_for_is_named() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.fetch()
    script.wait(0.5)
    script.view()
    found = result(script.finished())
    (check,) = found.failures
    assert isinstance(script.history.events[check.event], Download)
    assert check.sentence.startswith("Nothing but the policy fetches")


def test_a_new_picture_without_a_download_is_convicted() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.wait(11)
    assert script.view() is Kind.GRACE
    script.view()
    script.history.events = [
        event
        for event in script.history.events
        if not (isinstance(event, Download) and event is script.history.events[-3])
    ]
    downloads = [event for event in script.history.events if isinstance(event, Download)]
    script.history.events.remove(downloads[-1])
    found = result(script.finished())
    assert found.failures[0].claim == "renew"
    assert found.failures[0].name == "download"


def test_a_start_that_fetches_nothing_is_convicted() -> None:
    script = Script()
    script.start(emptied=True)
    script.history.events = [event for event in script.history.events if not isinstance(event, Download)]
    script.fetches.clear()
    script.state = script.state._replace(picture=None, downloaded=None, explained=0)
    script.wait(15)
    script.look()
    found = result(script.finished("start"))
    assert [check.claim for check in found.failures] == ["start"]


def test_another_picture_than_the_one_downloaded_is_convicted() -> None:
    script = Script()
    script.start(emptied=True)
    other = script.history.keep(png(4711))
    script.view(lambda told: setattr(told, "picture", other))
    assert {check.claim for check in result(script.finished()).failures} == {"page-picture"}


def test_other_visitors_are_told_and_explain_what_they_did() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.wait(11)
    script.stranger()  # takes the grace view
    assert script.view() is Kind.RENEW
    found = result(script.finished())
    assert not found.failures
    assert found.notes == ["1 page view of others came in between"]


def test_an_app_that_counts_twice_is_no_crowd_of_others() -> None:
    script = Script()
    script.start(emptied=True)
    for _ in range(12):
        script.view()
        script.step()
    found = result(script.finished())
    assert [check.seen for check in found.failures] == ["2 more with each of 10 page views in a row"]


def test_a_history_is_judged_the_same_from_its_file() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.view(another_status)
    history = script.finished("start", "grace")
    told = json.loads(json.dumps(history.to_json()))
    assert judge(History.from_json(told)).to_json() == judge(history).to_json()
    assert result(history).missing == ["start", "grace"]


def test_what_others_made_the_app_fetch_before_it_stopped_is_no_fetch_of_its_start() -> None:
    script = Script()
    script.start(emptied=True)
    script.look()
    script.view()
    script.start(emptied=True, last=True)
    script.state = script.state._replace(picture=script.fetches[-1].picture)
    script.look()
    script.view()
    found = result(script.finished("start"))
    assert not found.failures, found.failures


def test_others_may_come_between_a_page_and_its_picture() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.wait(11)
    assert script.view() is Kind.GRACE
    told = script.told()
    script.stranger()  # gets the new picture
    script.picture(script.state.picture or "", visit=99)
    script.look()
    found = result(script.finished())
    assert told.picture != script.state.picture
    assert not found.failures, found.failures


def test_others_may_be_counted_with_our_view_and_betrayed_only_later() -> None:
    """By a look at the counts; what tells no counts in between says nothing of when they came."""
    script = Script()
    script.start(emptied=True)
    for _ in range(3):
        script.view()
    script.now -= 0.02
    script.step()
    script.now += 0.5
    script.picture(script.state.picture or "", visit=99)
    script.look()
    found = result(script.finished())
    assert not found.failures, found.failures


@pytest.mark.parametrize("waits", [True, False])
def test_who_comes_while_others_wait_for_the_next_try_gets_the_old_picture(waits: bool) -> None:
    """Where nobody waits, which would show in the counts, our own view would have had to."""
    script = Script()
    script.start(emptied=True)
    for _ in range(3):
        script.view()
    script.wait(11)
    assert script.view() is Kind.GRACE
    script.wait(0.01)
    assert script.view(well=False) is Kind.KEPT
    script.wait(0.3)
    fetch = script.fetch()
    download = script.history.events[-1]
    script.history.events[-1] = msgspec.structs.replace(download, end=download.end + 0.05)
    script.state = script.state._replace(failed=Span(script.now, script.now))  # as long as it is under way
    assert script.view() is Kind.KEPT
    script.wait(0.05)
    at = Span(script.now, script.now)
    script.state = script.state._replace(
        picture=fetch.picture,
        downloaded=at,
        grace_spent=False,
        views=(script.state.views or 0) + waits,
        picture_views=int(waits),
        last_view=at if waits else script.state.last_view,
        error=False,
        failed=None,
        failures=0,
        explained=len(script.fetches),
    )
    script.wait(0.1)
    script.look()
    script.view()
    found = result(script.finished())
    assert bool(found.failures) != waits, found.failures

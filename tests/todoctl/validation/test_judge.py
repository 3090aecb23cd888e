"""What the model can produce always passes; with one thing changed to what it cannot, it never does."""

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.todoctl.validation.histories import Script, begun
from tests.todoctl.validation.pages import Told, png
from todoctl.evidence.history import Download, History
from todoctl.evidence.verdict import Outcome, ScenarioResult
from todoctl.validation import contents
from todoctl.validation.checkers import judge
from todoctl.validation.model import Kind

WITHIN_REACH = (
    *("volume", "lose", "spoil", "bad values", "no picture", "other types", "cut short"),
    *("restart", "kill", "ttl", "detach"),
)
"""What is done only while the volume is within reach."""

MOVES = (
    *("view", "stranger", "look", "wait a little", "wait", "fails", "fails and asks for a wait"),
    *("scale", "anew", "attach", *WITHIN_REACH),
)


def result(history: History) -> ScenarioResult:
    return judge(history).scenarios[0]


def fail(script: Script, asks: str = "") -> Kind:
    """A page view while the image service fails."""
    script.asks = asks
    return script.view(well=False)


def play(script: Script, move: str, change: Callable[[Told], None] | None = None) -> None:
    """One move; a page view where the volume is not where it would have to be."""
    if script.detached == (move in WITHIN_REACH) and move in {*WITHIN_REACH, "attach"}:
        move = "view"
    damaged = {
        "bad values": contents.bad_values(contents.OUT_OF_RANGE),
        "other types": contents.bad_values(contents.OF_OTHER_TYPES),
        "no picture": contents.no_picture,
        "cut short": contents.cut_short,
    }
    moves: dict[str, Callable[[], object]] = {
        "view": lambda: script.view(change),
        "look": lambda: script.look(change),
        "volume": lambda: script.volume(change),
        "wait a little": lambda: script.wait(script.ttl / 4),
        "wait": lambda: script.wait(script.ttl * 1.01),
        "restart": lambda: script.start(emptied=False, what=move),
        "kill": lambda: script.start(emptied=False, what=move),
        "anew": lambda: script.start(emptied=True),
        "fails": lambda: fail(script),
        "fails and asks for a wait": lambda: fail(script, "20"),
        "ttl": lambda: script.start(emptied=False, ttl=7.0 if script.ttl != 7.0 else 3.0),
    }
    if move in damaged:
        script.damage(damaged[move](script.files()))
    elif move in moves:
        moves[move]()
    else:
        getattr(script, move)()


moves = st.lists(st.sampled_from(MOVES), max_size=25)
clocks = st.sampled_from([0.0, 3600.0, -3600.0, 0.3])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves, clocks)
def test_what_the_model_can_produce_is_never_an_alarm(played: list[str], ahead: float) -> None:
    script = begun(ahead)
    for move in ["view", *played, "attach", "view", "look"]:
        play(script, move)
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
    script = begun(ahead)
    for one in ["view", "view", "view", *before, "attach", "view", "look"]:  # so that the clocks are known
        play(script, one)
    changed = len(script.history.events)
    play(script, move, change)
    for one in after:
        play(script, one)
    found = result(script.finished())
    assert found.outcome is Outcome.FAILED
    assert min(check.event for check in found.failures) >= changed


@pytest.mark.parametrize(
    ("asks", "heeded", "after", "passed"),
    [
        ("20", 20.0, 19.0, True),
        ("20", 20.0, 21.0, True),
        ("20", 0.0, 19.0, False),
        ("20", 0.0, 21.0, True),
        ("20", 40.0, 19.0, True),
        ("20", 40.0, 21.0, False),
        ("7200", 3600.0, 3601.0, True),
        ("7200", 0.0, 3599.0, False),
        ("soon", 0.0, 1.0, True),
        ("soon", 20.0, 1.0, False),
    ],
)
def test_the_image_service_is_left_alone_for_as_long_as_it_asks_for(
    asks: str, heeded: float, after: float, passed: bool
) -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.wait(11)
    assert script.view() is Kind.GRACE
    assert fail(script, asks) is Kind.KEPT
    script.state = script.state._replace(asked=heeded)  # what the app makes of it
    script.wait(after)
    assert script.view() is (Kind.RENEW if after > heeded else Kind.KEPT)
    assert bool(result(script.finished()).failures) != passed


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
    script.view()  # which tells of the clocks
    script.start(emptied=True)
    downloads = [event for event in script.history.events if isinstance(event, Download)]
    script.history.events.remove(downloads[-1])
    script.state = script.state._replace(picture=None, downloaded=None, explained=1)
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


def test_a_history_is_judged_the_same_from_its_file() -> None:
    script = Script()
    script.start(emptied=True)
    script.view()
    script.view(another_status)
    history = script.finished("start", "grace")
    told = json.loads(json.dumps(history.to_json()))
    assert judge(History.from_json(told)).to_json() == judge(history).to_json()
    assert list(result(history).missing) == ["start", "grace"]

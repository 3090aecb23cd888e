"""What is done to the volume, or to the number of processes on it: what is right after that, and what not."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.todoctl.validation.pages import BEGAN, Told
from tests.todoctl.validation.test_judge import (
    earlier_access,
    grow_picture_views,
    lower,
    other_grace,
    result,
)
from tests.todoctl.validation.volumes import VolumeScript
from todoctl.validation import contents
from todoctl.validation.contract import CLAIMS
from todoctl.validation.history import Act, Volume
from todoctl.validation.model.policy import Kind
from todoctl.validation.reading import PICTURE_FILE, STATE_FILE
from todoctl.validation.verdict import Outcome

ATTACHED = ("detach", "volume", "lose", "spoil", "bad values", "cut short", "restart", "kill")
"""What is done while the volume is within reach."""

MOVES = ("view", "stranger", "look", "wait", "fails", "scale", "anew", "attach", "theirs", *ATTACHED)

PROVED = ("damage", "detach", "attach", "scale", "lose-valid", "spoil-valid")


def play(script: VolumeScript, move: str) -> None:
    """One move; another one where the volume is not where it would have to be."""
    if move in ATTACHED and script.detached:
        move = "view"
    if move in {"attach", "theirs"} and not script.detached:
        move = "detach"
    ways: dict[str, Callable[[], object]] = {
        "view": script.view,
        "stranger": script.stranger,
        "look": script.look,
        "volume": script.volume,
        "wait": lambda: script.wait(script.ttl * 1.01),
        "fails": lambda: script.view(well=False),
        "scale": script.scale,
        "detach": script.detach,
        "attach": lambda: script.attach(3),
        "theirs": lambda: script.attach(2, picture=True),
        "lose": script.lose,
        "spoil": script.spoil,
        "bad values": lambda: script.damage(contents.bad_values(script.files())),
        "cut short": lambda: script.damage(contents.cut_short(script.files())),
        "restart": lambda: script.start(emptied=False, what=move),
        "kill": lambda: script.start(emptied=False, what=move),
        "anew": lambda: script.start(emptied=True),
    }
    ways[move]()


def begun(ahead: float = 0.0) -> VolumeScript:
    """An app whose picture nobody has seen."""
    script = VolumeScript(ahead=ahead, now=BEGAN + ahead)
    script.start(emptied=True)
    script.look()
    return script


def failed(script: VolumeScript) -> set[tuple[str, str]]:
    """The claims that are broken, each with the name of what is wrong."""
    return {(check.claim, check.name) for check in result(script.finished()).failures}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(MOVES), max_size=25), st.sampled_from([0.0, 3600.0, -3600.0, 0.3]))
def test_what_the_model_can_produce_is_never_an_alarm(played: list[str], ahead: float) -> None:
    script = begun(ahead)
    script.view()
    for move in played:
        play(script, move)
    if script.detached:
        script.attach(1)
    script.view()
    script.look()
    found = result(script.finished())
    assert not found.failures, [(check, script.history.events[check.event]) for check in found.failures[:3]]


def test_each_act_is_proved_by_the_page_view_after_it() -> None:
    script = begun()
    script.view()
    for move in ("lose", "spoil", "scale", "detach", "attach", "bad values"):
        play(script, move)
        script.look()
        script.view()
        if not script.detached:
            script.volume()
    found = result(script.finished(*PROVED))
    assert (found.outcome, found.missing) == (Outcome.PASSED, []), found.failures
    assert set(PROVED) <= CLAIMS.keys()


# A start on damaged files


def test_damaged_files_are_as_if_they_were_missing() -> None:
    script = begun()
    script.view()
    script.damage(contents.bad_values(script.files()))
    assert (script.told().views, script.told().picture_views, script.told().last_view) == (0, 0, None)
    assert script.told().picture == script.fetches[0].picture, "the picture itself was whole"
    script.look()
    assert script.view() is Kind.VALID
    script.damage(contents.cut_short(script.files()))
    assert len(script.fetches) == 2, "a picture that is not whole is none"
    script.look()
    script.view()
    assert not failed(script)


def test_good_values_stay_beside_a_bad_one() -> None:
    script = begun()
    script.view()
    metadata = script.metadata(script.told()).replace(b'"access_count": 1', b'"access_count": -1')
    script.damage(script.files() | {STATE_FILE: metadata})
    assert (script.told().views, script.told().picture_views) == (0, 1)
    script.look()
    script.view()
    assert not failed(script)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda told: setattr(told, "views", 1), set()),
        (grow_picture_views, {("state", "image count")}),
        (other_grace, {("state", "grace spent")}),
        (lambda told: setattr(told, "last_view", BEGAN), {("last-access", "last access")}),
        (lambda told: setattr(told, "downloaded", 0.0), {("state", "download time")}),
    ],
    ids=["others may have come", "image count", "grace", "last access", "download time"],
)
def test_what_a_bad_value_may_become(change: Callable[[Told], None], broken: set[tuple[str, str]]) -> None:
    script = begun()
    script.view()
    script.damage(contents.bad_values(script.files()))
    if not broken:  # then nobody knows what they have done
        script.stranger()
    script.look(None if not broken else change)
    assert failed(script) == broken


def test_damage_has_to_be_told_until_the_next_page_view() -> None:
    script = begun()
    script.view()
    script.damage(contents.bad_values(script.files()))
    script.look(rest={"last_error": None})
    assert failed(script) == {("last-error", "last_error")}
    script = begun()
    script.damage(contents.bad_values(script.files()))
    script.look()
    script.view()
    script.look(rest={"last_error": "bad values"})
    assert failed(script) == {("last-error", "last_error")}


@pytest.mark.parametrize("first", ["look", "volume"])
def test_others_mend_it_as_well(first: str) -> None:
    script = begun()
    script.damage(contents.bad_values(script.files()))
    script.stranger()
    play(script, first)
    script.look()
    assert not failed(script)


def test_a_picture_that_is_cut_short_may_not_be_shown() -> None:
    script = begun()
    script.view()
    script.damage(contents.cut_short(script.files()))
    half = next(
        act.files[PICTURE_FILE] for act in script.history.events if isinstance(act, Act) and act.files
    )
    script.look(lambda told: setattr(told, "picture", half))
    script.view()
    script.picture(half)
    assert {"state", "whole"} <= {claim for claim, _ in failed(script)}


# Files that are damaged while the app runs


def test_a_running_app_may_tell_of_damage_and_loses_nothing() -> None:
    for told in (None, "the picture is cut short"):
        script = begun()
        script.view()
        script.spoil()
        script.look(rest={"last_error": told})
        script.view()
        script.volume()
        assert not failed(script)
    script = begun()
    script.view()
    script.spoil()
    script.view(lower)
    assert ("counted", "site count") in failed(script)


# The volume out of reach, and back


def test_its_loss_has_to_be_told_for_as_long_as_it_lasts() -> None:
    script = begun()
    script.view()
    script.detach()
    script.look()
    script.view()
    script.look(rest={"last_error": None})
    assert failed(script) == {("last-error", "last_error")}
    script = begun()
    script.view()
    script.detach()
    script.view()
    script.attach(0)
    script.look(rest={"last_error": "it was away just now"})
    script.view()
    assert not failed(script)
    script.look(rest={"last_error": "it is away still"})
    assert failed(script) == {("last-error", "last_error")}


def test_a_start_ends_it() -> None:
    script = begun()
    script.view()
    script.detach()
    script.start(emptied=True)
    script.look()
    script.view()
    script.look()
    assert not failed(script)


@pytest.mark.parametrize(
    ("picture", "change", "broken"),
    [
        (False, lower, ("counted", "site count")),
        (False, grow_picture_views, ("attach", "image count")),
        (False, earlier_access, ("last-access", "last access")),
        (True, lower, ("counted", "site count")),
        (True, grow_picture_views, ("attach", "image count")),
        (True, lambda told: setattr(told, "picture_views", 3), ("attach", "image count")),
        (True, lambda told: setattr(told, "downloaded", told.downloaded - 5), ("attach", "download time")),
    ],
)
def test_a_wrong_merge_is_convicted(
    picture: bool, change: Callable[[Told], None], broken: tuple[str, str]
) -> None:
    """A look right after it sees the same as the page view, but is no proof of the act."""
    for move in ("view", "look"):
        script = begun()
        for _ in range(3):
            script.view()
        script.detach()
        script.view()
        script.look()
        script.attach(4, picture=picture)
        if move == "view":
            script.view(change)
        else:
            script.look(change)
        claim, name = broken
        claim = "state" if move == "look" and claim == "attach" else claim
        assert (claim, name) in failed(script), move


def test_a_grace_view_that_was_spent_meanwhile_stays_spent() -> None:
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.detach()
    assert script.view() is Kind.GRACE
    script.look()
    script.attach(2)
    script.look(other_grace)
    assert ("state", "grace spent") in failed(script)


def test_a_picture_that_was_downloaded_meanwhile_stays() -> None:
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.view()
    script.detach()
    assert script.view() is Kind.RENEW
    script.look()
    script.attach(2)
    script.look()
    script.view()
    assert script.told().picture == script.fetches[-1].picture
    assert script.told().picture_views == 2
    assert not failed(script)


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("picture", [False, True])
def test_others_may_come_before_the_volume_is_back_and_after_it(
    before: int, after: int, picture: bool
) -> None:
    """Those before it see the old picture, and are none of the new one's page views."""
    script = begun()
    script.view()
    script.detach()
    script.view()
    script.look()
    for _ in range(before):
        script.stranger()
    script.attach(4, picture=picture)
    for _ in range(after):
        script.stranger()
    script.look()
    script.view()
    assert not failed(script)


def test_others_may_come_before_it_is_back_and_get_a_new_picture() -> None:
    for picture in (False, True):
        script = begun()
        script.view()
        script.wait(script.ttl)
        script.view()
        script.detach()
        script.look()
        script.stranger()
        assert len(script.fetches) == 2
        script.attach(4, picture=picture)
        script.look()
        script.view()
        assert not failed(script)


# A look at the volume while somebody else gets a new picture


def test_a_new_picture_may_be_shown_before_it_is_saved() -> None:
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.view()
    old = script.told().picture
    script.look()
    script.stranger()
    script.picture(script.told().picture or "", visit=99)
    script.volume(lambda told: setattr(told, "picture", old))
    script.look()
    assert not failed(script)


@pytest.mark.parametrize("first", [True, False])
def test_the_file_of_a_new_picture_comes_just_after_the_json(first: bool) -> None:
    """It is the old one for a moment, where the view that has got the new one is not answered yet."""
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.view()
    old = script.told().picture
    if first:
        script.stranger()
    else:
        script.view()
    script.volume(lambda told: setattr(told, "picture", old))
    script.look()
    broken = {("volume-picture", "picture"), ("volume-same", "cached_image.jpg on both sides")}
    assert failed(script) == set() if first else failed(script) >= broken


# The log, and the form of what is told


def test_a_traceback_is_convicted_and_those_of_other_starts_are_not() -> None:
    script = begun()
    script.log("a warning")
    assert not failed(script)
    script.log("Traceback (most recent call last):")
    assert failed(script) == {("traceback", "traceback in the log")}


@pytest.mark.parametrize("error", ["", " ", "one\ntwo", "a\x1b[31mred", 7, ["a list"]])
def test_what_is_wrong_is_told_in_one_line(error: object) -> None:
    script = begun()
    script.detach()
    script.look(rest={"last_error": error})
    assert failed(script) == {("last-error", "last_error")}
    assert {check.seen for check in result(script.finished()).failures} == {repr(error)}


# Files that are not there


def test_the_files_have_to_be_there() -> None:
    for lost in (STATE_FILE, PICTURE_FILE):
        script = begun()
        script.view()
        script.volume()
        app = script.history.events[-1]
        assert isinstance(app, Volume)
        left = [file for file in app.files if file.name != lost]
        script.history.events[-1] = msgspec.structs.replace(app, files=left)
        claim = "volume-state" if lost == STATE_FILE else "volume-picture"
        assert claim in {broken for broken, _ in failed(script)}
    found = result(script.finished()).failures
    assert ("cached_image.jpg on both sides", "none") in {(check.name, check.seen) for check in found}


def test_before_there_is_anything_no_file_has_to_be_there() -> None:
    script = VolumeScript()
    act = script.act("start", emptied=True)
    script.history.events.append(
        Volume(begin=act.end, end=act.end + 0.1, scenario="made", seen_from="", look=1, files=[])
    )
    script.state = script.state._replace(starting=True)
    script.wait(0.5)
    script.begin()
    script.look()
    script.view()
    assert not failed(script)

"""What is done to the volume, or to the number of processes on it: what is right after that, and what not."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.todoctl.validation.pages import BEGAN, Told
from tests.todoctl.validation.test_judge import (
    grow_picture_views,
    lower,
    other_grace,
    result,
)
from tests.todoctl.validation.volumes import VolumeScript, begun, failed
from todoctl.errors import BadUsageError
from todoctl.evidence.history import Act
from todoctl.evidence.pages import PICTURE_FILE, STATE_FILE
from todoctl.evidence.verdict import Outcome
from todoctl.validation import contents
from todoctl.validation.claims import CLAIMS
from todoctl.validation.model import Kind

ATTACHED = (
    "volume",
    "lose",
    "spoil",
    "bad values",
    "no picture",
    "other types",
    "cut short",
    "restart",
    "kill",
)
"""What is done while the volume is within reach."""

MOVES = ("view", "stranger", "look", "wait", "fails", "scale", "anew", "detach", "attach", *ATTACHED)

PROVED = ("damage", "detach", "attach", "scale", "lose-valid", "spoil-valid")


bad_values = contents.bad_values(contents.OUT_OF_RANGE)


def play(script: VolumeScript, move: str) -> None:
    """One move; another one where the volume is not where it would have to be."""
    if move in {*ATTACHED, "detach"} and script.detached:
        move = "view"
    if move == "attach" and not script.detached:
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
        "attach": script.attach,
        "lose": script.lose,
        "spoil": script.spoil,
        "bad values": lambda: script.damage(bad_values(script.files())),
        "no picture": lambda: script.damage(contents.no_picture(script.files())),
        "other types": lambda: script.damage(contents.bad_values(contents.OF_OTHER_TYPES)(script.files())),
        "cut short": lambda: script.damage(contents.cut_short(script.files())),
        "restart": lambda: script.start(emptied=False, what=move),
        "kill": lambda: script.start(emptied=False, what=move),
        "anew": lambda: script.start(emptied=True),
    }
    ways[move]()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(MOVES), max_size=25), st.sampled_from([0.0, 3600.0, -3600.0, 0.3]))
def test_what_the_model_can_produce_is_never_an_alarm(played: list[str], ahead: float) -> None:
    script = begun(ahead)
    script.view()
    for move in played:
        play(script, move)
    if script.detached:
        script.attach()
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
    assert (found.outcome, found.missing) == (Outcome.PASSED, {}), found.failures
    assert set(PROVED) <= CLAIMS.keys()


# A start on damaged files


def test_damaged_files_are_as_if_they_were_missing() -> None:
    script = begun()
    script.view()
    script.damage(bad_values(script.files()))
    assert (script.told().views, script.told().picture_views, script.told().last_view) == (0, 0, None)
    assert script.told().picture == script.fetches[0].picture, "the picture itself was whole"
    script.look()
    assert script.view() is Kind.VALID
    script.damage(contents.cut_short(script.files()))
    assert len(script.fetches) == 2, "a picture that is not whole is none"
    script.look()
    script.view()
    assert not failed(script)


def test_counts_stay_without_the_picture() -> None:
    script = begun()
    script.view()
    script.damage(contents.no_picture(script.files()))
    assert (script.told().views, script.told().picture_views) == (1, 0)
    script.look()
    script.view()
    assert not failed(script)
    script.damage(contents.no_picture(script.files()))
    script.view(lower)
    assert ("counted", "site count") in failed(script)


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
    script.damage(bad_values(script.files()))
    if not broken:  # then nobody knows what they have done
        script.stranger()
    script.look(None if not broken else change)
    assert failed(script) == broken


def test_damage_has_to_be_told_until_the_next_page_view() -> None:
    script = begun()
    script.view()
    script.damage(bad_values(script.files()))
    script.look(rest={"last_error": None})
    assert failed(script) == {("last-error", "last_error")}
    script = begun()
    script.damage(bad_values(script.files()))
    script.look()
    script.view()
    script.look(rest={"last_error": "bad values"})
    assert failed(script) == {("last-error", "last_error")}


@pytest.mark.parametrize("first", ["look", "volume"])
def test_others_mend_it_as_well(first: str) -> None:
    script = begun()
    script.damage(bad_values(script.files()))
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


def test_a_saved_history_may_lack_what_an_act_has_put_there() -> None:
    script = begun()
    script.act("damage", emptied=True)
    with pytest.raises(BadUsageError, match="is missing in an act 'damage'"):
        result(script.finished())


# The volume out of the app's reach


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
    script.attach()
    script.look(rest={"last_error": "it was away just now"})
    script.view()
    script.look(rest={"last_error": "it is away still"})
    assert failed(script) == {("last-error", "last_error")}


@pytest.mark.parametrize("lost", [0, 2])
def test_what_is_counted_meanwhile_may_be_lost_and_nothing_after_it(lost: int) -> None:
    script = begun()
    for _ in range(3):
        script.view()
    script.detach()
    script.view()
    script.view()
    script.attach()
    views, shown = script.state.views or 0, script.state.picture_views or 0
    script.state = script.state._replace(views=views - lost, picture_views=shown - lost)
    script.look()
    script.view()
    assert not failed(script)
    script.look(grow_picture_views)
    assert ("state", "image count") in failed(script)

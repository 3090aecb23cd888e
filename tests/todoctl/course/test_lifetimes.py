"""What is said of pictures' lives, on made-up histories at the true 600 seconds."""

import pytest

from tests.todoctl.course.made import Restart, Seen, made, visits
from todoctl.course.judge import judge
from todoctl.evidence.history import History
from todoctl.evidence.verdict import Outcome, ScenarioResult

PASSED, FAILED, OPEN = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_JUDGED

YOUNG = visits((0, "a"), (1, "b"), (2, "b"), (150, "b"), (300, "b"), (450, "b"), (598, "b"), (599, "b"))
"""Picture b came at second 0 to 1, and stays."""


def claim(history: History, name: str) -> ScenarioResult:
    return next(result for result in judge(history).scenarios if result.name == name)


def told(name: str, *events: Seen | Restart) -> tuple[Outcome, str]:
    result = claim(made(*events), name)
    return result.outcome, result.reason


@pytest.mark.parametrize(
    ("after", "stays", "grace", "renews", "words"),
    [
        (visits((603, "b"), (604, "c"), (605, "c")), PASSED, PASSED, PASSED, ""),
        (visits((603, "c"), (604, "c")), PASSED, FAILED, PASSED, "there is no grace view"),
        (visits((603, "b"), (604, "b"), (605, "c")), PASSED, PASSED, FAILED, "one visit late"),
        (
            visits((603, "b"), (604, "b"), (605, "b"), (607, "c")),
            PASSED,
            OPEN,
            FAILED,
            "a new one only 4.0 to",
        ),
        (visits((603, "b"), (604, "b"), (605, "b"), (667, "b")), PASSED, OPEN, FAILED, "still 66.0 s after"),
        (visits((603, "b")), PASSED, OPEN, OPEN, "the run ended before"),
        ([], OPEN, OPEN, OPEN, "no picture was watched beyond its time"),
    ],
)
def test_after_the_expiry(
    after: list[Seen], stays: Outcome, grace: Outcome, renews: Outcome, words: str
) -> None:
    verdict = judge(made(*YOUNG, *after))
    found = {result.name: result for result in verdict.scenarios}
    assert found["grace"].outcome is grace
    assert found["renews"].outcome is renews
    assert words in found["grace"].reason + found["renews"].reason
    if after:
        assert found["stays"].outcome is stays
        assert verdict.passed is (renews is not FAILED and grace is not FAILED)


def test_what_may_have_spent_the_grace_view_is_no_alarm() -> None:
    wide = visits((0, "a"), (1, "a"), (100, "b"), (250, "b"), (400, "b"), (550, "b"), (650, "b"), (703, "c"))
    outcome, reason = told("grace", *wide)
    assert outcome is OPEN
    assert "may have been spent" in reason


def test_close_views_count_as_one_for_a_new_picture_in_time_but_accuse_nobody() -> None:
    # Of unknown age, in which a second is little or much.
    for ttl, outcome in ((600.0, PASSED), (90.0, OPEN)):
        seen = visits((0, "a"), (0.75 * ttl, "a"), (0.75 * ttl + 1, "a"), (ttl + 3, "a"), (ttl + 4, "b"))
        assert claim(made(*seen, ttl=ttl), "renews").outcome is outcome
    for before in (visits((0, "a"), (450, "a"), (451, "a")), [*YOUNG, *visits((600.5, "b"), (600.9, "b"))]):
        outcome, reason = told("grace", *before, *visits((604, "c"), (605, "c")))
        assert outcome is OPEN, "the time may have ended just between the two"
        assert "may have been spent" in reason


def test_a_view_that_may_have_come_too_late_tells_of_no_delay() -> None:
    wide = visits((0, "a"), (1, "a"), (100, "b"), (650, "b"), (703, "b"), (704, "c"))
    outcome, reason = told("renews", *wide)
    assert outcome is OPEN
    assert "before it surely was over" in reason


def test_a_picture_of_unknown_age_that_goes_is_no_alarm() -> None:
    outcome, reason = told("stays", *visits((0, "a"), (1, "a"), (150, "b"), (151, "b")))
    assert outcome is OPEN
    assert "no picture was watched for long enough" in reason
    result = claim(made(*visits((0, "a"), (1, "a"), (150, "b"))), "stays")
    assert "may just have been old" in result.notes[0]


def test_one_view_late_in_its_life_may_be_the_grace_view_of_a_shorter_one() -> None:
    outcome, reason = told("stays", *visits((0, "a"), (1, "a"), (2, "a"), (603, "a")))
    assert outcome is OPEN
    assert reason == (
        "a picture was there for 603.0 s, but only for 2.0 s without its last view, "
        "which may have been a grace view"
    )
    assert told("stays", Seen(0, ""))[1] == "no picture was watched for long enough: 0.0 s at most"
    result = claim(made(*visits((0, "a"), (150, "a"), (300, "a"), (450, "a"), (603, "a"))), "stays")
    assert result.passed
    assert "viewed only once" in result.notes[0]


def test_a_picture_that_certainly_went_too_early() -> None:
    outcome, reason = told("stays", *visits((0, "a"), (1, "b"), (2, "b"), (150, "c")))
    assert outcome is FAILED
    assert reason == "picture: expected the same for 600 s, saw another one after 1.0 to 150.0 s"
    reason = told("stays", *visits((0, "a"), (1, "b"), (2, "c"), (3, "d")))[1]
    assert "another picture at every view" in reason


@pytest.mark.parametrize(
    ("after", "outcome", "words"),
    [
        (Seen(130, "b", phase="restart"), PASSED, "the same picture; 2 of 3 page views"),
        (Seen(130, "c", phase="restart"), FAILED, "lost with the restart"),
        (Seen(130, "", phase="restart", status=503), FAILED, "HTTP 503"),
    ],
)
def test_a_restart(after: Seen, outcome: Outcome, words: str) -> None:
    history = made(*YOUNG[:3], Restart(100), after)
    result = claim(history, "restart")
    assert result.outcome is outcome
    assert words in result.reason
    assert claim(history, "stays").outcome is OPEN, "what the restart takes away has not gone too early"


def test_a_restart_that_tells_nothing() -> None:
    assert "--restart-command" in told("restart", *YOUNG)[1]
    assert "on both sides" in told("restart", *YOUNG, Restart(600))[1]
    old = told("restart", *YOUNG, Restart(603), Seen(630, "c", phase="restart"))
    assert old == (
        OPEN,
        "another picture came, but the one from before may have been 630 s old: it may have gone anyway",
    )
    restless = visits((0, "a"), (1, "b"), (2, "c"), (3, "d"))
    assert told("restart", *restless, Restart(5), Seen(30, "e", phase="restart"))[0] is OPEN


def test_what_is_shown() -> None:
    assert told("shown", Seen(0, "", status=500), Seen(1, "", error="refused")) == (
        FAILED,
        "page: expected a picture, saw no answer (refused)",
    )
    assert told("shown", Seen(0, "?"))[1].endswith(
        "saw 10 bytes that are no JPEG, PNG, GIF, WebP or AVIF instead of the picture"
    )
    result = claim(made(Seen(0, ""), Seen(1, "", status=503), Seen(2, "a")), "shown")
    assert result.passed
    assert result.notes == ["the first visit had no picture yet: HTTP 503 instead of a page"]
    assert told("shown", Seen(0, "a"), Seen(1, ""))[0] is FAILED
    assert told("shown", Restart(0))[0] is OPEN

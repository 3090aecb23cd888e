"""What is said of made-up histories at the true 600 seconds: expiry, restart, counts, times, files."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.todoctl.course.made import BEGAN, Look, Restart, Seen, digest, made, picture, visits
from todoctl.course import claims
from todoctl.course.claims import judge
from todoctl.course.observations import Observations
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
        (visits((603, "c"), (604, "c")), PASSED, OPEN, PASSED, "there is no grace view, and none is needed"),
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
        (
            [],
            PASSED,
            OPEN,
            OPEN,
            "no picture was watched from when it came to beyond its time; 22 minutes are enough",
        ),
        (
            visits((599.5, "b"), (600.5, "b"), (604, "b"), (605, "c")),
            PASSED,
            PASSED,
            OPEN,
            "more than one view may",
        ),
    ],
)
def test_after_the_expiry(
    after: list[Seen], stays: Outcome, grace: Outcome, renews: Outcome, words: str
) -> None:
    verdict = judge(made(*YOUNG, *after, claims=["shown", "stays", "renews"]))
    found = {result.name: result for result in verdict.scenarios}
    assert [found[name].outcome for name in ("stays", "grace", "renews")] == [stays, grace, renews]
    assert words in found["grace"].reason + found["renews"].reason
    assert verdict.outcome is renews


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
    assert "10 bytes that are no JPEG, PNG, GIF, WebP or AVIF" in told("shown", Seen(0, "?"))[1]
    result = claim(made(Seen(0, ""), Seen(1, "", status=503), Seen(2, "a")), "shown")
    assert result.passed
    assert result.notes == ["the first visit had no picture yet: HTTP 503 (no type) instead of a page"]
    assert told("shown", Seen(0, "a"), Seen(1, ""))[0] is FAILED
    assert told("shown", Restart(0))[0] is OPEN


PARIS = 3600.0


def ctime(at: float) -> str:
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(BEGAN + at + PARIS))


def labels(
    at: float, born: float, *, lasts: float = 600, last: float | None = None, word: str = "Valid"
) -> str:
    return (
        f"Image Download time: {ctime(born)} Image Expiry time: {ctime(born + lasts)} "
        f"Last Site Access: {ctime(at if last is None else last)} Status: {word}"
    )


def counted(site: int | None, image: int | None) -> str:
    told = "" if site is None else f"Site Access count: {site} "
    return told + ("" if image is None else f"Image Access count: {image}")


def counts(*seen: tuple[str, int | None, int | None]) -> list[Seen]:
    return [Seen(number, name, counted(site, image)) for number, (name, site, image) in enumerate(seen)]


@pytest.mark.parametrize(
    ("seen", "outcome", "words"),
    [
        (counts(("a", 1, 1), ("a", 2, 2), ("b", 3, 1), ("b", 4, 2)), PASSED, "one more"),
        (counts(("a", None, 7), ("a", None, 8), ("b", None, 1), ("b", None, 2)), PASSED, "one more"),
        (counts(("a", 1, 1), ("a", 2, 2), ("b", 3, 3), ("b", 4, 4)), FAILED, "it went on from 2 to 4"),
        (
            counts(("a", None, 1), ("a", None, 2), ("b", None, 3), ("b", None, 4)),
            FAILED,
            "went on from 2 to 4",
        ),
        (counts(("a", 3, 3), ("a", 4, 4), ("b", 5, 0), ("b", 6, 0)), FAILED, "image count"),
        (
            counts(("a", 1, 1), ("a", 1, 1)),
            FAILED,
            "site count: expected 1 more after 1 page view, saw 1, then 1",
        ),
        (counts(*(("a", 2 * number, None) for number in range(6))), OPEN, "other visitors"),
        (counts(("a", 1, None), ("a", 5, None), ("a", 6, None)), PASSED, "one more"),
        (counts(("a", 1, 1), ("a", 7, 7)), OPEN, "other visitors came between ours"),
        (counts(("a", None, None)), OPEN, "the page has no counts"),
        (counts(("a", None, 4), ("b", None, 1), ("b", None, 9)), PASSED, ""),
    ],
)
def test_counts(seen: list[Seen], outcome: Outcome, words: str) -> None:
    result = claim(made(*seen), "counts")
    assert result.outcome is outcome, result.reason
    assert words in result.reason


def test_views_that_were_not_answered_may_have_been_counted() -> None:
    for site in (3, 4, 5):
        history = made(Seen(0, "a", counted(1, 1)), Restart(10), Seen(40, "a", counted(site, site)))
        assert claim(history, "counts").outcome is (FAILED if site < 4 else PASSED)


RIGHT = [
    Seen(0, "a", labels(0, -10)),
    Seen(1, "b", labels(1, 1)),
    Seen(2, "b", labels(2, 1)),
    Seen(599, "b", labels(599, 1)),
    Seen(604, "b", labels(604, 1, word="Grace period")),
    Seen(605, "c", labels(605, 605)),
    Seen(606, "c", labels(606, 605)),
]


def test_right_times_in_a_zone_that_is_not_named() -> None:
    result = claim(made(*RIGHT), "times")
    assert result.passed, result.reason


@pytest.mark.parametrize(
    ("number", "text", "words"),
    [
        (3, labels(599, 1, last=500), "Last Site Access"),
        (
            3,
            labels(599, 1, lasts=3600),
            "Image Expiry time: expected 600 s after the download, saw 3600 s after",
        ),
        (3, labels(599, 300), "Image Download time"),
        (3, labels(599, 1, word="Expired"), "Status: expected Valid, saw Expired"),
        (4, labels(604, 1), "Status: expected Grace period, saw Valid"),
    ],
)
def test_wrong_times(number: int, text: str, words: str) -> None:
    seen = [*RIGHT]
    seen[number] = Seen(seen[number].at, seen[number].name, text)
    result = claim(made(*seen), "times")
    assert result.outcome is FAILED
    assert words in result.reason


def test_the_first_pictures_age_is_known_by_its_label() -> None:
    seen = [Seen(at, "a", labels(at, -100)) for at in (0, 1, 2, 200, 400, 497, 498, 502)]
    history = made(*seen, Seen(503, "b", labels(503, 503)), Seen(504, "b", labels(504, 503)))
    for name in ("stays", "grace", "renews"):
        assert claim(history, name).passed, claim(history, name).reason


def test_our_own_page_names_its_zone() -> None:
    def stamp(at: float) -> str:
        moment = time.gmtime(BEGAN + at)
        return f'<time datetime="{time.strftime("%Y-%m-%dT%H:%M:%S", moment)}.000Z">' + time.strftime(
            "%Y-%m-%d %H:%M:%S UTC</time>", moment
        )

    def box(at: float) -> str:
        return (
            f'<dl id="metadata" data-status="valid"><dt>Image Download time</dt><dd>{stamp(-5)}</dd>'
            f"<dt>Image Expiry time</dt><dd>{stamp(595)}</dd><dt>Last Site Access</dt><dd>{stamp(at)}</dd>"
            "<dt>Status</dt><dd>Valid</dd></dl>"
        )

    result = claim(made(Seen(0, "a", box(0)), Seen(5, "a", box(5))), "times")
    assert result.passed, result.reason


def test_a_label_without_a_last_access_has_no_known_zone() -> None:
    text = f"Image Download time: {ctime(-5)}"
    assert claim(made(Seen(0, "a", text), Seen(1, "a", text)), "times").passed
    other = f"Image Download time: {ctime(-4)}"
    assert claim(made(Seen(0, "a", text), Seen(1, "a", other)), "times").outcome is FAILED


def test_a_files_time_tells_when_a_picture_came() -> None:
    seen = [Seen(at, "a") for at in (0, 1, 2, 200, 400, 497, 498)]
    for after in ("a", "b"):
        history = made(seen[0], Look(0.5, [("a", -100)]), *seen[1:], Seen(503, after), Seen(504, "b"))
        history.keep(picture("a"))
        assert claim(history, "renews").passed
    anew = [Look(0.5, [("a", 0.1)]), Look(1.5, [("a", 1.1)])]
    history = made(seen[0], anew[0], seen[1], anew[1], *seen[2:], Seen(603, "b"))
    assert claim(history, "renews").outcome is OPEN


def kept(history: History, *names: str) -> History:
    """`history` with the bytes of these pictures, as a look at a directory leaves them."""
    for name in names:
        history.keep(picture(name))
    return history


def test_files() -> None:
    there = made(Seen(0, "a"), Look(1, [("x", 0), ("a", -3)]), Seen(2, "a"), Restart(1000), Seen(1030, "a"),
                Look(1031, [("a", -3)]), Seen(1032, "a"))  # fmt: skip
    assert claim(there, "files").reason == "the picture is a"
    lost = made(Seen(0, "a"), Look(1, []), Seen(2, "a"))
    assert claim(lost, "files").reason.endswith("saw no files at all")
    assert claim(made(Seen(0, "a"), Look(1, []), Seen(2, "b")), "files").outcome is OPEN
    assert claim(made(Seen(0, "a"), Look(1, [("a", 0)], listed=True), Seen(2, "a")), "files").passed


def test_a_picture_that_the_page_shows_in_another_form() -> None:
    # The pictures `a` and `aa` are black both, and differ in size.
    history = kept(made(Seen(0, "a"), Look(1, [("aa", 0)]), Seen(2, "a")), "aa")
    assert claim(history, "files").reason == "the picture is aa, which the page shows in another form"


def test_a_picture_that_may_be_the_one_is_no_alarm() -> None:
    history = made(Seen(0, "a"), Look(1, [("other.jpg", 0)], listed=True), Seen(2, "a"))
    assert claim(history, "files").outcome is OPEN
    history = made(Seen(0, "a"), Look(1, [("bbbbbbbbbbb", 0)], listed=True), Seen(2, "a"))
    assert claim(history, "files").outcome is FAILED
    assert claim(history, "files").reason.endswith("saw 1 file, none of them the picture")
    only = kept(made(Seen(0, "a"), Look(1, [("white", 0)]), Seen(2, "a")), "white")
    only.bodies[digest("white")] = drawn("white")
    assert claim(only, "files").outcome is OPEN


def test_an_old_picture_is_not_the_new_one() -> None:
    history = made(Seen(0, "a"), Seen(1, "bb"), Look(2, [("a", 0)]), Seen(3, "bb"))
    history.bodies[digest("bb")] = drawn("white")
    assert claim(history, "files").outcome is FAILED


def drawn(colour: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (99, 99), colour).save(made, "PNG")
    return made.getvalue()


def test_the_documented_claim_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Path("docs/extending.md").read_text(encoding="utf-8").partition("## A claim")[2]
    monkeypatch.setattr(claims, "CLAIMS", dict(claims.CLAIMS))
    exec(text.partition("```python")[2].partition("```")[0], {})  # noqa: S102 - our own
    assert claims.CLAIMS["quick"].sentence == "The page is there within a second."
    assert claims.judge_claim(Observations(made(*YOUNG)), "quick").passed

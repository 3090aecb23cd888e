"""What is said of counts, times and files, on made-up histories."""

import time

import pytest

from tests.todoctl.course.made import BEGAN, Look, Restart, Seen, digest, made
from tests.todoctl.course.test_lifetimes import FAILED, OPEN, PASSED, claim
from todoctl.evidence.verdict import Outcome

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
        (counts(*(("a", 2 * number, None) for number in range(6))), FAILED, "2 more each time"),
        (counts(("a", 1, None), ("a", 5, None), ("a", 6, None)), PASSED, "one more"),
        (counts(("a", 1, 1), ("a", 7, 7)), OPEN, "other visitors came between ours"),
        (counts(("a", None, None)), OPEN, "the page tells no counts"),
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


@pytest.mark.parametrize("listed", [False, True])
def test_a_files_time_tells_when_a_picture_came(listed: bool) -> None:
    seen = [Seen(at, "a") for at in (0, 1, 2, 200, 400, 497, 498)]
    look = Look(0.5, [("a", -100)], listed)
    for after, outcome in (("a", PASSED), ("b", FAILED)):
        history = made(seen[0], look, *seen[1:], Seen(503, after), Seen(504, "b"))
        assert claim(history, "grace").outcome is outcome


def test_a_file_that_is_written_anew_tells_nothing() -> None:
    looks = [Look(0.5, [("a", 0.1)]), Look(1.5, [("a", 1.1)])]
    history = made(Seen(0, "a"), looks[0], Seen(1, "a"), looks[1], *(Seen(at, "a") for at in (150, 300, 450)),
                   Seen(603, "b"))  # fmt: skip
    assert claim(history, "stays").outcome is OPEN
    assert digest("a") != digest("b")

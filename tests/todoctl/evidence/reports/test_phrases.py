"""What reports say of events and values."""

import hashlib
from typing import Any

import pytest

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.history import Act, Answer, Download, Log, Op, Request, Role, Volume
from todoctl.evidence.reports import phrases

AT: dict[str, Any] = {"begin": 1.0, "end": 2.0, "scenario": "x"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\t\0\x1b[1m\u202e\ud800", r"a\nb\t\x00\x1b[1m\u202e\ud800"),
        ("Grüße, 画像 ✓", "Grüße, 画像 ✓"),
        ("x" * 301, "x" * 300 + "… (301 characters)"),
    ],
)
def test_a_text_is_short_and_on_one_line(text: str, shown: str) -> None:
    assert phrases.short(text) == shown


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            Download(**AT, way="picture", picture="ab" * 32),
            "image service asked, answers with picture: picture abababababab",
        ),
        (Log(**AT, lines=["one"]), "1 log line of the app"),
        (Act(**AT, what=Op("serve"), way="slow"), "image service answers with slow from now on"),
        (Act(**AT, what=Op("scale"), before=["a"]), "another number of processes on the volume: a → none"),
        (
            Act(**AT, what=Op("start"), ttl=4.0, source="sample:", emptied=True, after=["b"]),
            "start of the app, TTL 4 s, pictures from sample:, on an empty volume: none → b",
        ),
        (Volume(**AT, seen_from="the host", look=1, files=[]), "volume as the host sees it: empty"),
        (
            Request(**AT, role=Role.PROBE, method="GET", url="/x", error="refused", crowd="c"),
            "GET /x → no answer (refused), in crowd c",
        ),
        (
            Request(
                **AT,
                role=Role.PICTURE,
                method="GET",
                url="/image",
                answer=Answer(status=200, headers=[], body="cd" * 32),
                visit=3,
            ),
            "GET /image → 200, picture cdcdcdcdcdcd, page view 3",
        ),
    ],
)
def test_an_event_in_a_few_words(event: phrases.AnyEvent, words: str) -> None:
    assert phrases.describe(event) == words


def test_a_volume_names_its_files() -> None:
    made = verdicts.verdict(names=1)
    assert (
        phrases.event(made, 0)
        == "event 0, +0.0 s: volume as the host sees it: cached_image.jpg (15360 bytes)"
    )
    assert phrases.event(made, 99) == "event 99"


def test_pictures_come_in_the_order_in_which_they_were_seen() -> None:
    made = verdicts.verdict()
    expected = [hashlib.sha256(path.read_bytes()).hexdigest() for path in verdicts.SAMPLES[:3]]
    assert phrases.pictures(made) == expected
    assert phrases.picture(expected[0]) == f"picture {expected[0][:12]}"
    assert phrases.picture(None) == "–"

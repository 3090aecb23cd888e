"""Page views as they were served, frozen."""

import msgspec
import pytest
from bs4 import BeautifulSoup

from tests.todoctl.evidence.reports import verdicts
from todoctl.evidence.history import Answer, Request, Role
from todoctl.evidence.reports import frames as module
from todoctl.evidence.reports.frames import Frame, Freezer, frames, telling
from todoctl.evidence.verdict import Verdict, Visit


def of(made: Verdict, name: str) -> list[Frame]:
    return frames(made)[[result.name for result in made.scenarios].index(name)]


def test_a_frame_is_the_page_with_style_and_picture() -> None:
    made = verdicts.verdict()
    frame = of(made, "fresh")[0]
    soup = BeautifulSoup(frame.html, "html.parser")
    assert soup.find("h1", string="The Project App")
    image = soup.find("img", id="picture")
    assert image is not None
    assert str(image["src"]).startswith("data:image/jpeg;base64,/9j/")
    assert "--ground: #f4f2ec" in frame.html
    assert soup.find_all(["script", "link"]) == []
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})
    assert policy is not None
    assert str(policy["content"]).startswith("default-src 'none'")


def test_the_telling_ones_are_shown_in_their_order() -> None:
    made = verdicts.verdict()
    assert [frame.visit.status for frame in of(made, "grace")] == ["valid", "grace"]
    assert [frame.visit.status for frame in of(made, "crowd")] == ["grace", "valid"]
    assert [frame.before for frame in of(made, "crowd")] == [False, False]
    assert of(made, "mount") == []


def test_what_was_before_tells_what_is_new() -> None:
    made = verdicts.verdict()
    assert [(frame.visit.status, frame.before) for frame in of(made, "renew")] == [
        ("grace", True),
        ("valid", False),
    ]
    assert [frame.before for frame in of(made, "fresh")] == [False]


def test_what_a_failed_check_is_about_is_shown() -> None:
    made = verdicts.verdict()
    result = verdicts.find(made, "crowd")
    third = result.visits[3]
    picture_of_third = third.event + 1
    result.checks.append(verdicts.wrong(event=picture_of_third))
    result.checks.append(verdicts.wrong(event=99_999))
    assert telling(made, result)[0] is third
    assert len(telling(made, result)) == 3


def test_there_is_an_end_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made = verdicts.verdict()
    verdicts.fail(made, "outage")
    size = len(of(made, "outage")[0].html)
    monkeypatch.setattr(module, "BUDGET", size + 1000)
    assert [len(found) for found in frames(made)] == [0] * 8 + [1, 0, 0]
    assert sum(len(frame.html) for found in frames(verdicts.verdict()) for frame in found) < size + 1000


@pytest.mark.parametrize("html", [b"", b"x" * 200_001, b"<link rel=stylesheet href=/static/page.css>" * 4000])
def test_a_page_that_is_none_has_no_frame(html: bytes) -> None:
    made = verdicts.verdict()
    visit = verdicts.serve(made, "fresh", html)
    assert Freezer(made.history).freeze(visit) is None
    assert of(made, "fresh") == []


def test_an_event_without_an_answer_has_no_frame() -> None:
    made = verdicts.verdict()
    visit = verdicts.find(made, "fresh").visits[0]
    events = made.history.events
    silent = next(n for n, event in enumerate(events) if isinstance(event, Request) and not event.answer)
    for number in (0, silent):
        other = Visit(
            event=number, at=visit.at, status="", access_count=None, image_access_count=None, picture=None
        )
        assert Freezer(made.history).freeze(other) is None


def test_nothing_is_loaded_or_run() -> None:
    made = verdicts.verdict()
    html = (
        b'<?xml version="1.0"?>\0<base href="//evil"><meta http-equiv=refresh content="0;url=//evil">'
        b"<link rel=stylesheet href=//evil/other.css><link href=/static/page.css><link rel=icon>"
        b"<script>alert(1)</script><iframe src=//evil></iframe>"
        b"<object data=//evil><embed src=//evil></object>"
        b"<img src=//evil/x.png srcset=//evil><img src=/nowhere><img><img src=/static/page.css>"
        b"<img id=picture src=/static/placeholder.svg>\xff<p>still here"
    )
    frozen = Freezer(made.history).freeze(verdicts.serve(made, "fresh", html))
    assert frozen
    soup = BeautifulSoup(frozen, "html.parser")
    assert "evil" not in frozen
    assert "alert" not in frozen
    assert "\0" not in frozen
    assert "--ground" not in frozen
    assert "still here" in frozen
    assert [str(image.get("src"))[:18] for image in soup("img")] == ["None"] * 4 + ["data:image/svg+xml"]


def test_pictures_of_other_apps_are_shown_wherever_they_come_from() -> None:
    page = Request(
        begin=1, end=2, scenario="shown", role=Role.PAGE, method="GET", url="http://a/app/", visit=1
    )
    history = verdicts.verdict().history
    content = verdicts.SAMPLES[0].read_bytes()
    html = b'<img src="picture"><img src="data:image/png;base64,AA==" srcset="//evil">'
    answers = [Answer(status=200, headers=[], body=history.keep(body)) for body in (html, content)]
    history.events[:] = [
        msgspec.structs.replace(page, answer=answers[0]),
        msgspec.structs.replace(page, answer=answers[1], role=Role.PICTURE, url="http://a/app/picture"),
    ]
    seen = Visit(event=0, at=1, status="", access_count=None, image_access_count=None, picture=None)
    frozen = Freezer(history).freeze(seen) or ""
    assert [str(image.get("src"))[:22] for image in BeautifulSoup(frozen, "html.parser")("img")] == [
        "data:image/jpeg;base64",
        "data:image/png;base64,",
    ]
    assert "evil" not in frozen


def test_it_copes_with_what_is_no_html() -> None:
    made = verdicts.verdict()
    for html in (b"a.html", b"<div>" * 10_000, b"\x00\xff\xfe" * 1000, b"</style></head></iframe>"):
        assert Freezer(made.history).freeze(verdicts.serve(made, "fresh", html))


@pytest.mark.parametrize("css", [b"a{}<<//style><b>", b"/*" * 100_000, b"/* x */a{}/*</style><b>"])
def test_no_style_ends_before_its_element(css: bytes) -> None:
    made = verdicts.verdict()
    visit = verdicts.serve(made, "fresh", b"<link rel=stylesheet href=/static/page.css><p>still here")
    events = made.history.events
    for number, event in enumerate(events):
        if isinstance(event, Request) and event.answer and event.url == "/static/page.css":
            answer = Answer(status=200, headers=[], body=made.history.keep(css))
            events[number] = msgspec.structs.replace(event, answer=answer)
    frozen = Freezer(made.history).freeze(visit)
    assert frozen
    assert "<b>" not in frozen
    assert frozen.count("</style>") == 1

"""What may be so of a single answer; what may not is in `tests.faults.answers`."""

from collections.abc import Iterable

import pytest

from tests.todoctl.validation.pages import SECURITY, png
from todoctl.evidence import pages
from todoctl.evidence.history import Answer, Request, Role
from todoctl.evidence.pages import Document, Page
from todoctl.validation.checkers import http
from todoctl.validation.probes import PARTS, PROBES, UNCHANGED

DIGEST = "0a" * 32
NO_CACHE = ("cache-control", "no-cache")


def page(html: str) -> Page:
    return pages.page(html.encode())


def answer(status: int = 200, *fields: tuple[str, str]) -> Answer:
    return Answer(status=status, headers=[*SECURITY, *fields], body="")


def wrong(found: Iterable[http.Finding]) -> set[str]:
    return {one.name for one in found if one.expected != one.seen}


def probed(
    name: str,
    got: Answer,
    *sent: tuple[str, str],
    bodies: dict[str, bytes] | None = None,
    proxied: bool = False,
) -> set[str]:
    """What is wrong with the answer to a probe."""
    asked = Request(
        begin=0, end=1, scenario="", role=Role.PROBE, method="GET", url="/", sent=list(sent), probe=name
    )
    return wrong(http.probe(asked, got, bodies or {}, proxied=proxied))


def test_what_was_not_asked_for_is_not_judged() -> None:
    assert "of a later one" not in PROBES
    assert not probed("of a later one", answer(500))


@pytest.mark.parametrize(
    ("error", "well"),
    [
        *((said, True) for said in (None, "the image service: answered 500", "zwölf µs")),
        *((said, False) for said in ("", "  ", "two\nlines", "a\ttab", "\x1b[31mred", 0, False, {"why": 1})),
    ],
)
def test_what_is_wrong_is_one_line_or_nothing(error: object, well: bool) -> None:
    assert (not wrong([http.last_error(error)])) == well


@pytest.mark.parametrize("tag", [f'"{DIGEST}"', f'"{"0" * 64}", "{DIGEST}"', f'W/"{DIGEST}"'])
def test_what_is_unchanged_is_told_with_its_tag(tag: str) -> None:
    for name in UNCHANGED:
        asked = ("if-none-match", tag)
        assert not probed(name, answer(304, NO_CACHE, ("etag", f'"{DIGEST}"')), asked)
        assert probed(name, answer(304, ("etag", '"other"')), asked) == {"etag", "cache-control"}
    assert not probed("unchanged, whatever it is", answer(304, NO_CACHE), ("if-none-match", "*"))


def test_a_picture_is_described_without_its_bytes() -> None:
    content = png(1)
    described = (
        ("content-type", "image/png"),
        ("content-length", str(len(content))),
        ("etag", f'"{DIGEST}"'),
        NO_CACHE,
    )
    bodies = {DIGEST: content}
    assert not probed("HEAD /image", answer(200, *described), bodies=bodies)
    assert not probed("HEAD /image", answer(200, *described)), "others may have seen it alone"
    missing = probed("HEAD /image", answer(200, *described[2:]), bodies=bodies)
    assert missing == {"content-type", "content-length"}
    assert probed("HEAD /image", answer(200, ("etag", f'W/"{DIGEST}"'), NO_CACHE)) == {"etag"}
    assert probed("HEAD /image", answer(503, ("retry-after", "5"))) == {"HEAD /image"}


def test_what_a_proxy_refuses_has_not_come_to_the_app() -> None:
    """As some answer by themselves to what they do not know."""
    name = "DELETE /image"
    of_a_proxy = Answer(status=403, headers=[("server", "nginx")], body="")
    assert name in probed(name, of_a_proxy)
    assert not probed(name, of_a_proxy, proxied=True)
    assert name in probed(name, answer(403), proxied=True), "that was the app itself"
    for taken in (name, "GET /healthz"):
        assert http.POLICY in probed(taken, Answer(status=200, headers=[], body=""), proxied=True)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_page_has_its_media_type(name: str) -> None:
    for media in PARTS[name].media:
        assert not probed(name, answer(200, ("content-type", f"{media}; charset=utf-8")))


@pytest.mark.parametrize(
    ("wait", "well"),
    [
        *((wait, True) for wait in ("5", "Sun, 06 Nov 1994 08:49:37 GMT")),
        *((wait, False) for wait in ("5.0s", "soon", "-1")),
    ],
)
def test_a_wait_is_a_number_or_a_date(wait: str, well: bool) -> None:
    assert (not wrong(http.picture(answer(503, ("retry-after", wait)), b"", ""))) == well


PARTS_OF_A_PAGE = """
<link rel="stylesheet" href="/static/page.css"><link rel="icon" href="/icon.png"><link rel="next">
<script src="page.js"></script><script>1</script><img id="picture" src="{}" alt="It"><img src="{}">
"""


def test_what_a_page_is_made_of() -> None:
    read = page(PARTS_OF_A_PAGE.format("/static/none.svg", "/image"))
    assert read.parts == [
        ("the page's style", "/static/page.css"),
        ("the page's icon", "/icon.png"),
        ("the page's script", "page.js"),
        ("the placeholder", "/static/none.svg"),
        ("a picture", "/image"),
    ]
    assert "addresses on the page" not in wrong(http.page(answer(), read))
    elsewhere = page(PARTS_OF_A_PAGE.format("/image?v=1", "//example.org/counter.gif"))
    assert "addresses on the page" in wrong(http.page(answer(), elsewhere))


@pytest.mark.parametrize("directive", ["img-src", "style-src", "script-src"])
def test_a_policy_lets_in_what_the_page_is_made_of(directive: str) -> None:
    made, read = answer(), page(PARTS_OF_A_PAGE.format("/image?v=1", "/image?v=1"))
    assert directive not in wrong(http.page(made, read))
    policy = made.header(http.POLICY) or ""
    for other in (f"{directive} 'none'", "", f"{directive}"):
        made.headers[-1] = (http.POLICY, policy.replace(f"{directive} 'self'", other))
        assert directive in wrong(http.page(made, read))
        bare = page('<img id="picture" src="/image?v=1">')
        assert (directive in wrong(http.page(made, bare))) == (directive == "img-src"), "what it has not"


@pytest.mark.parametrize(
    ("name", "value", "well"),
    [
        ("content-type", 'Text/HTML;charset="UTF-8"', True),
        ("content-type", "text/html", False),
        ("cache-control", "No-Store, max-age=0", True),
        ("x-frame-options", "deny", True),
        ("x-frame-options", "sameorigin", False),
        (http.POLICY, "default-src 'self'; report-uri /csp; sandbox allow-scripts", True),
        (http.POLICY, "Default-Src 'NONE'; img-src 'self'", True),
        (http.POLICY, "default-src 'none'; img-src https://example.org", False),
        (http.POLICY, "default-src *", False),
        (http.POLICY, "", False),
    ],
)
def test_what_means_the_same_is_the_same(name: str, value: str, *, well: bool) -> None:
    others = [(other, kept) for other, kept in SECURITY if other != name]
    made = Answer(status=200, headers=[(name, value), *others], body="")
    assert (name not in wrong(http.page(made, page("")))) == well


@pytest.mark.parametrize("image", [{}, {"sha256": DIGEST}, [], "none"])
def test_an_image_is_told_whole_or_not_at_all(image: object) -> None:
    whole = {"sha256": DIGEST, "content_type": "image/png", "size": 1}
    for value, well in ((None, True), (whole, True), (image, False)):
        assert ("image" not in wrong(http.cache(answer(), Document(rest={"image": value})))) == well

"""The page as HTML: what it must say, whatever the state."""

import re
from datetime import datetime

import pytest

from tests.app_server import read_page
from todoapp import app as page
from todoapp.cache import View
from todoapp.policy import Picture, State, Status, status

PICTURE = Picture(sha256="ab" * 32, content_type="image/png", size=3)
NOW = 1_000_000.5

STATES = {
    Status.EMPTY: State(access_count=1, last_access_at=NOW, fetch_error="it is away"),
    Status.VALID: State(picture=PICTURE, downloaded_at=NOW - 1, access_count=5, image_access_count=2),
    Status.EXPIRED: State(picture=PICTURE, downloaded_at=NOW - 11),
    Status.GRACE: State(picture=PICTURE, downloaded_at=NOW - 11, grace_used=True),
    Status.STALE: State(picture=PICTURE, downloaded_at=NOW - 11, grace_used=True, fetch_error="it is away"),
}


def html(kind: Status) -> str:
    return page.render(View(STATES[kind], NOW), 10)


@pytest.mark.parametrize("kind", Status)
def test_the_labels_are_the_documented_ones(kind: Status) -> None:
    assert status(STATES[kind], NOW, 10) == kind
    text = html(kind)
    assert re.findall("<dt>(.*?)</dt>", text) == [
        "Image Download time",
        "Image Expiry time",
        "Site Access count",
        "Image Access count",
        "Last Site Access",
        "Status",
    ]
    assert "<title>The Project App</title>" in text
    assert "<h1>The Project App</h1>" in text
    assert "DevOps with Kubernetes 2025" in text
    seen = read_page(text)
    assert seen.status == kind
    assert seen.words == page.WORDS[kind]
    assert page.NEXT[kind] in text


def test_the_words_of_the_original_stay() -> None:
    assert (page.WORDS[Status.VALID], page.WORDS[Status.GRACE]) == ("Valid", "Grace period")
    assert len(set(page.WORDS.values())) == len(page.WORDS) == len(Status)


def test_times_are_utc_to_the_millisecond() -> None:
    seen = read_page(html(Status.VALID))
    assert seen.downloaded_at == "1970-01-12T13:46:39.500Z"
    assert seen.expires_at == "1970-01-12T13:46:49.500Z"
    assert seen.last_access_at is None
    assert "1970-01-12 13:46:39 UTC" in seen.html


def test_without_a_picture_there_is_a_placeholder() -> None:
    text = html(Status.EMPTY)
    assert 'src="/static/placeholder.svg" alt="There is no picture yet"' in text
    assert ((page.HERE / "static") / "placeholder.svg").is_file()


def test_the_picture_is_named_by_its_content() -> None:
    assert f'src="/image?v={"ab" * 8}"' in html(Status.VALID)


@pytest.mark.parametrize("kind", Status)
def test_nothing_is_inline(kind: Status) -> None:
    text = html(kind)
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:|data:", text)


def test_what_it_loads_is_there() -> None:
    loaded = {path for kind in Status for path in re.findall(r'(?:src|href)="/static/([^"]+)"', html(kind))}
    assert loaded == {path.name for path in (page.HERE / "static").iterdir()}


def test_nothing_in_a_state_is_markup_or_a_format() -> None:
    """A state comes from a file, and the page is filled in as a format."""
    for hostile in ('"><i>%d%(now)s', "\0now\0%%\\1", "\0no\0"):
        picture = PICTURE._replace(sha256=hostile)
        text = page.render(View(STATES[Status.VALID]._replace(picture=picture), NOW), 10)
        shown = re.search(r'<img id="picture" src="/image\?v=([^"]*)"', text)
        assert shown
        assert "<i>" not in text
        assert read_page(text).access_count == 5


@pytest.mark.parametrize("ttl", [1e-9, 1e12, 1e300])
def test_every_ttl_has_a_page(ttl: float) -> None:
    text = page.render(View(STATES[Status.VALID], NOW), ttl)
    expires = datetime.fromisoformat(read_page(text).expires_at or "")
    assert expires.year == (1970 if ttl < 1 else 9999)

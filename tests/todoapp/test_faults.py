"""Whatever the image service does, visitors get their page promptly and the cache stays sound."""

import hashlib
import time

import pytest

from tests.app_server import AppServer, wait_for
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode
from todoapp import policy

TTL = 0.3

REFUSED_AT_ONCE = {
    Mode.REFUSED: "",
    Mode.CLOSED: "",
    Mode.ERROR_500: "500",
    Mode.NOT_FOUND: "404",
    Mode.TOO_MANY: "429",
    Mode.HTML: "text/html",
    Mode.MISLABELLED: "no whole picture",
    Mode.WRONG_TYPE: "image/bmp",
    Mode.SVG: "image/svg+xml",
    Mode.EMPTY: "0 bytes",
    Mode.HALF: "",
    Mode.HALF_CHUNKED: "",
    Mode.HALF_PICTURE: "no whole picture",
    Mode.HUGE: "more than",
    Mode.ENDLESS: "more than",
    Mode.REDIRECT_LOOP: "redirect",
    Mode.GARBAGE: "",
}
"""What `last_error` says of it, where that is ours to say."""

SLOW = [Mode.HANG, Mode.DRIP]


def expire(app: AppServer) -> None:
    """Let the picture expire and spend its grace view."""
    wait_for(lambda: app.cache()["status"] == "expired", what="expiry")
    assert app.view().status == "grace"


@pytest.mark.parametrize("mode", [*REFUSED_AT_ONCE, *SLOW])
def test_the_old_picture_is_kept_and_the_service_given_time(
    start_app: StartApp, images: ImageService, mode: Mode
) -> None:
    images.retry_after = "1"
    app = start_app(IMAGE_URL=images.url, CACHE_TTL=str(TTL))
    app.view_valid()
    old, before = app.image(), app.cache()
    counts = before["access_count"], before["image_access_count"]
    expire(app)
    images.mode = mode
    begun = time.monotonic()
    page = app.view()
    # Promptly: 3 s for a service that is silent, plus what a busy machine needs.
    assert time.monotonic() - begun < 15
    state = app.cache()
    assert (page.status, state["status"]) == ("stale", "stale")
    assert page.words not in {"Valid", "Grace period"}
    assert app.image() == old
    assert state["image"] == before["image"]
    assert state["downloaded_at"] == before["downloaded_at"]
    assert (page.access_count, page.image_access_count) == (counts[0] + 2, counts[1] + 2)
    assert state["last_error"].startswith("image service: ")
    assert "\n" not in state["last_error"]
    assert REFUSED_AT_ONCE.get(mode, "3 s") in state["last_error"]
    assert images.bytes_sent < 100_000_000, "it read on beyond its limit"
    for count in (3, 4, 5):  # whatever it does meanwhile
        page = app.view()
        assert (page.status, page.access_count) == ("stale", counts[0] + count)
    # No restart is needed.
    images.mode = Mode.OK
    wait_for(lambda: app.view().status == "valid", what="recovery")
    assert app.image() != old
    assert app.cache()["last_error"] is None


@pytest.mark.parametrize("mode", [Mode.REFUSED, Mode.ERROR_500, Mode.HALF, Mode.HANG])
def test_with_no_picture_yet_a_placeholder_is_shown(
    start_app: StartApp, images: ImageService, mode: Mode
) -> None:
    images.mode = mode
    app = start_app(IMAGE_URL=images.url)
    page = app.view()
    assert (page.status, page.access_count, page.image_access_count) == ("empty", 1, 0)
    assert page.downloaded_at is None
    assert page.words not in {"Valid", "Grace period"}
    answer = app.client.get("/image")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    state = app.cache()
    assert (state["status"], state["image"], state["access_count"]) == ("empty", None, 1)
    assert state["last_error"]
    images.mode = Mode.OK
    wait_for(lambda: app.view().status == "valid", what="recovery")


@pytest.mark.parametrize("retry_after", ["120", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_retry_after_is_heeded_over_a_restart(
    start_app: StartApp, images: ImageService, retry_after: str
) -> None:
    images.mode, images.retry_after = Mode.TOO_MANY, retry_after
    app = start_app(IMAGE_URL=images.url)
    app.view()
    images.mode = Mode.OK
    wait_for(lambda: app.view().access_count > 20, what="20 views")
    app.restart()  # a start without a picture does not come before its time either
    assert app.view().status == "empty"
    assert images.fetches == 1


def test_a_slow_picture_is_shown_once_it_is_there(start_app: StartApp, images: ImageService) -> None:
    """The fetch goes on when its visitors have gone; the next one finds its picture."""
    images.mode = Mode.HANG
    app = start_app(IMAGE_URL=images.url)
    assert app.view().status == "empty"
    assert "3 s" in app.cache()["last_error"]
    images.mode = Mode.OK
    state = wait_for(lambda: found if (found := app.cache())["image"] else None, what="the picture")
    assert (state["status"], state["image_access_count"], state["access_count"]) == ("valid", 0, 1)
    assert state["last_error"] is None
    page = app.view()
    assert (page.status, page.image_access_count, page.access_count) == ("valid", 1, 2)
    assert hashlib.sha256(app.image()).hexdigest() in images.pictures
    assert images.fetches == 1


@pytest.mark.parametrize("mode", [Mode.OK, Mode.ERROR_500])
def test_without_a_page_view_nothing_is_fetched(
    start_app: StartApp, images: ImageService, mode: Mode
) -> None:
    """But for the one picture of the start, whether that came or not."""
    images.mode = mode
    app = start_app(IMAGE_URL=images.url, CACHE_TTL=str(TTL))
    wait_for(
        lambda: app.cache()["status"] == "expired" or app.cache()["last_error"], what="the start's fetch"
    )
    images.mode = Mode.OK
    time.sleep(2 * policy.MIN_BACKOFF)
    for path in ("/image", "/api/cache", "/healthz", "/readyz"):
        app.client.get(path)
    app.client.head("/")
    assert images.fetches == 1
    assert app.cache()["access_count"] == 0


def test_a_visitor_cannot_make_it_fetch_from_elsewhere(start_app: StartApp, images: ImageService) -> None:
    """Nothing of a request goes into a fetch."""
    app = start_app(IMAGE_URL=images.url, CACHE_TTL=str(TTL))
    expire(app)
    headers = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
        "Referer": "http://evil.example/",
        "Cookie": "secret=1",
        "User-Agent": "evil",
    }
    app.client.get("/?url=http://evil.example/", headers=headers)
    _start, request = images.requests
    assert request.path == "/500"
    assert "evil" not in str(request.headers)
    assert "secret" not in str(request.headers)

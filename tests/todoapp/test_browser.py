"""The page in a real browser, on the real server, with a real image service."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from playwright.sync_api import Browser, expect

from tests.app_server import AppServer, wait_for
from tests.browser import CONTRASTS, DESKTOP, PHONE, visiting
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode

TOKYO = timezone(timedelta(hours=9))  # without summer time, and never the zone of the server's words
LOOK_BACK = "document.dispatchEvent(new Event('visibilitychange'))"
"""What a browser tells the page when its visitor looked away and is back."""

DECODED = "image => image.decode().then(() => image.naturalWidth)"


@pytest.fixture(name="app")
def _app(start_app: StartApp, images: ImageService) -> AppServer:
    return with_picture(start_app(IMAGE_URL=images.url, CACHE_TTL="600"))


def with_picture(app: AppServer) -> AppServer:
    """The same app, once it has a picture: on a busy machine that may take more than one page view."""
    wait_for(lambda: app.view().status == "valid", what="a picture")
    return app


def test_the_picture_is_decoded_and_nothing_complains(browser: Browser, app: AppServer) -> None:
    with visiting(browser, app) as visit:
        assert visit.page.locator("#picture").evaluate(DECODED) == 16
        assert visit.page.title() == "The Project App"
        expect(visit.page.get_by_text("DevOps with Kubernetes 2025")).to_be_visible()
        assert visit.complaints == []


def test_whoever_does_not_see_it_is_told(browser: Browser, app: AppServer) -> None:
    with visiting(browser, app) as visit:
        main = visit.page.get_by_role("main")
        expect(main.get_by_role("heading", level=1, name="The Project App")).to_be_visible()
        expect(main.get_by_role("img", name="Picture of the moment, downloaded")).to_be_visible()
        expect(main.get_by_role("progressbar", name="How long the picture stays valid")).to_be_visible()
        expect(main.get_by_role("timer")).to_have_text(re.compile("Valid for another"))
        expect(main.get_by_role("status")).to_have_text("The next visit shows this picture again.")
        expect(visit.page.get_by_role("contentinfo")).to_have_text("DevOps with Kubernetes 2025")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_labels_and_values_are_those_of_the_api(browser: Browser, app: AppServer, script: bool) -> None:
    with visiting(browser, app, script=script) as visit:
        state = app.cache()
        assert visit.value("Site Access count") == str(state["access_count"])
        assert visit.value("Image Access count") == str(state["image_access_count"]) == "2"
        assert visit.value("Status") == "Valid"
        for label, key in (
            ("Image Download time", "downloaded_at"),
            ("Image Expiry time", "expires_at"),
            ("Last Site Access", "last_access_at"),
        ):
            assert visit.moment(label) == pytest.approx(state[key], abs=0.002), label
            shown = visit.value(label)
            if script:
                there = datetime.fromtimestamp(state[key], TOKYO)
                assert shown.endswith(f"{there:%H:%M:%S}"), label
                assert shown.startswith(f"{there.day}\xa0"), label
            else:
                assert shown == f"{datetime.fromtimestamp(state[key], UTC):%Y-%m-%d %H:%M:%S} UTC", label
        if not script:
            expect(visit.page.locator("#countdown")).to_have_text(
                f"Valid until {visit.value('Image Expiry time')}"
            )


def test_the_countdown_moves_and_is_no_access(browser: Browser, app: AppServer) -> None:
    before_it = app.cache()["access_count"]
    with visiting(browser, app) as visit:
        bar = visit.page.locator("progress")
        before = float(bar.evaluate("bar => bar.value"))
        countdown = visit.page.locator("#countdown")
        first = countdown.inner_text()
        assert re.fullmatch(r"Valid for another (10:00|9:\d\d)\.", first)
        expect(countdown).not_to_have_text(first)
        assert float(bar.evaluate("bar => bar.value")) < before
        assert app.cache()["access_count"] == before_it + 1
        assert visit.requests.count("/") == 1


def test_news_come_by_themselves_and_are_no_access(browser: Browser, app: AppServer) -> None:
    with visiting(browser, app, clock=True) as visit:
        count = app.view().access_count
        for _ in range(3):
            with visit.page.expect_response("**/api/cache"):
                visit.page.clock.run_for(15_000)
        expect(visit.page.locator("#metadata")).to_contain_text(f"Site Access count{count}")
        assert app.cache()["access_count"] == count
        assert visit.requests.count("/") == 1
        assert visit.complaints == []


def test_an_expiry_and_another_visit_are_shown_without_a_reload(
    browser: Browser, start_app: StartApp, images: ImageService
) -> None:
    app = with_picture(start_app(IMAGE_URL=images.url, CACHE_TTL="6"))
    with visiting(browser, app) as visit:
        count = app.cache()["access_count"]
        source = visit.page.locator("#picture").get_attribute("src")
        expect(visit.page.locator("#metadata")).to_have_attribute("data-status", "expired")
        expect(visit.page.get_by_text("one last time")).to_be_visible()
        assert app.cache()["access_count"] == count
        assert app.view().status == "grace"
        with_picture(app)
        visit.page.evaluate(LOOK_BACK)
        expect(visit.page.locator("#picture")).not_to_have_attribute("src", source or "")
        assert visit.page.locator("#picture").evaluate(DECODED)
        assert visit.value("Site Access count") == str(app.cache()["access_count"])
        assert visit.value("Image Access count") == "1"
        assert visit.requests.count("/") == 1
        assert visit.complaints == []


def test_grace_and_a_failed_service_are_told(
    browser: Browser, start_app: StartApp, images: ImageService
) -> None:
    app = with_picture(start_app(IMAGE_URL=images.url, CACHE_TTL="0.2"))
    wait_for(lambda: app.cache()["status"] == "expired")
    with visiting(browser, app) as visit:
        assert visit.value("Status") == "Grace period"
        expect(visit.page.get_by_text("The next visit brings a new picture.")).to_be_visible()
    images.mode = Mode.ERROR_500
    with visiting(browser, app) as visit:
        assert visit.value("Status") == "Old picture kept"
        expect(visit.page.get_by_text("The image service failed.")).to_be_visible()
        assert visit.page.locator("#picture").evaluate(DECODED)
        assert visit.complaints == []


def test_without_a_picture_there_is_a_friendly_placeholder(
    browser: Browser, start_app: StartApp, images: ImageService
) -> None:
    images.mode = Mode.NOT_FOUND
    app = start_app(IMAGE_URL=images.url)
    with visiting(browser, app) as visit:
        assert visit.value("Status") == "No picture yet"
        assert visit.page.locator("#picture").evaluate(DECODED)
        assert visit.value("Image Download time") == "–"
        expect(visit.page.get_by_role("progressbar")).to_be_hidden()
        images.mode = Mode.OK
        with_picture(app)
        visit.page.evaluate(LOOK_BACK)
        expect(visit.page.locator("#picture")).to_have_attribute("src", re.compile("^/image"))
        assert visit.page.locator("#picture").evaluate(DECODED) == 16
        expect(visit.page.get_by_role("progressbar")).to_be_visible()
        assert visit.complaints == []


@pytest.mark.parametrize("size", [PHONE, (320, 568), DESKTOP], ids=["phone", "small phone", "desktop"])
def test_nothing_has_to_be_scrolled_sideways(browser: Browser, app: AppServer, size: tuple[int, int]) -> None:
    with visiting(browser, app, size=size) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        rows = visit.page.locator("#metadata div")
        assert rows.evaluate_all("rows => rows.map((row) => row.scrollWidth - row.clientWidth)") == [0] * 6


def test_light_and_dark_differ_and_can_be_read(browser: Browser, app: AppServer) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        badges = set()
        with visiting(browser, app, scheme=scheme) as visit:
            grounds.add(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            badge = visit.page.locator("#metadata div:last-child dd")
            for status in ("valid", "grace", "stale", "empty"):
                visit.page.evaluate(f"document.getElementById('metadata').dataset.status = '{status}'")
                contrasts = visit.page.evaluate(CONTRASTS)
                assert len(contrasts) >= 14
                assert [found for found in contrasts if found[1] < 4.5] == []
                sign = badge.evaluate("dd => getComputedStyle(dd, '::before').content")
                badges.add((badge.evaluate("dd => getComputedStyle(dd).backgroundColor"), sign))
        assert len({colour for colour, _ in badges}) == len({sign for _, sign in badges}) == 4
    assert len(grounds) == 2

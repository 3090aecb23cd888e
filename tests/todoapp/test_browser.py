"""The page in a real browser, on the real server, with a real image service."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.app_server import AppServer, wait_for
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode

PHONE, DESKTOP = (390, 844), (1280, 800)


@pytest.fixture(name="app")
def _app(start_app: StartApp, images: ImageService) -> AppServer:
    return start_app(IMAGE_URL=images.url, CACHE_TTL="600")


class Visit:
    """A page that is open, and all it has complained of and asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        self.requests.append(re.sub(r"^http://[^/]*", "", request.url))

    def value(self, label: str) -> str:
        row = self.page.locator("#metadata div", has=self.page.get_by_text(label, exact=True))
        return row.locator("dd").inner_text()

    def moment(self, label: str) -> float | None:
        row = self.page.locator("#metadata div", has=self.page.get_by_text(label, exact=True))
        times = row.locator("time")
        if not times.count():
            return None
        return datetime.fromisoformat(times.get_attribute("datetime") or "").timestamp()


@contextmanager
def visiting(
    browser: Browser,
    app: AppServer,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: str = "light",
    script: bool = True,
    zone: str = "Europe/Helsinki",
) -> Iterator[Visit]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
        timezone_id=zone,
        locale="en-GB",
    )
    context.set_default_timeout(60_000)
    try:
        visit = Visit(context.new_page())
        visit.page.goto(app.url + "/", wait_until="load")
        yield visit
    finally:
        context.close()


def test_the_picture_is_decoded_and_nothing_complains(browser: Browser, app: AppServer) -> None:
    with visiting(browser, app) as visit:
        picture = visit.page.locator("#picture")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 16
        assert picture.get_attribute("alt")
        assert visit.page.title() == "The Project App"
        expect(visit.page.get_by_text("DevOps with Kubernetes 2025")).to_be_visible()
        assert visit.complaints == []


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_labels_and_values_are_those_of_the_api(browser: Browser, app: AppServer, script: bool) -> None:
    app.view()
    with visiting(browser, app, script=script) as visit:
        state = app.cache()
        assert visit.value("Site Access count") == str(state["access_count"]) == "2"
        assert visit.value("Image Access count") == str(state["image_access_count"]) == "2"
        assert visit.value("Status").endswith("Valid")
        for label, key in (
            ("Image Download time", "downloaded_at"),
            ("Image Expiry time", "expires_at"),
            ("Last Site Access", "last_access_at"),
        ):
            assert visit.moment(label) == pytest.approx(state[key], abs=0.002), label
        shown = visit.value("Image Download time")
        if script:
            there = datetime.fromtimestamp(state["downloaded_at"]).astimezone()
            assert "UTC" not in shown
            assert f"{there.minute:02}:{there.second:02}" in shown
        else:
            assert shown.endswith("UTC")
            expect(visit.page.get_by_text("Valid until")).to_be_visible()


def test_times_are_those_of_the_visitors_zone(browser: Browser, app: AppServer) -> None:
    shown = []
    for zone in ("Asia/Tokyo", "America/New_York"):
        with visiting(browser, app, zone=zone) as visit:
            shown.append(visit.value("Image Download time"))
    assert shown[0] != shown[1]


def test_the_countdown_moves_and_is_no_access(browser: Browser, app: AppServer) -> None:
    with visiting(browser, app) as visit:
        countdown = visit.page.locator("#countdown")
        first = countdown.inner_text()
        assert re.fullmatch(r"Valid for another (10:00|9:\d\d)\.", first)
        bar = visit.page.locator("progress")
        before = float(bar.evaluate("bar => bar.value"))
        expect(countdown).not_to_have_text(first)
        assert float(bar.evaluate("bar => bar.value")) < before
        assert app.cache()["access_count"] == 1
        assert visit.requests.count("/") == 1


def test_an_expiry_and_another_visit_are_shown_without_a_reload(
    browser: Browser, start_app: StartApp, images: ImageService
) -> None:
    app = start_app(IMAGE_URL=images.url, CACHE_TTL="3")
    with visiting(browser, app) as visit:
        source = visit.page.locator("#picture").get_attribute("src")
        expect(visit.page.locator("#metadata")).to_have_attribute("data-status", "expired")
        expect(visit.page.get_by_text("one last time")).to_be_visible()
        assert visit.value("Site Access count") == "1"
        assert app.cache()["access_count"] == 1
        app.view()
        app.view()
        # What a visitor does: looks away and back.
        visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(visit.page.locator("#picture")).not_to_have_attribute("src", source or "")
        assert visit.page.locator("#picture").evaluate("image => image.decode().then(() => true)")
        assert visit.value("Site Access count") == "3"
        assert visit.value("Image Access count") == "1"
        assert visit.requests.count("/") == 1
        assert visit.complaints == []


def test_grace_and_a_failed_service_are_told(
    browser: Browser, start_app: StartApp, images: ImageService
) -> None:
    app = start_app(IMAGE_URL=images.url, CACHE_TTL="0.2")
    app.view()
    wait_for(lambda: app.cache()["status"] == "expired")
    with visiting(browser, app) as visit:
        assert visit.value("Status").endswith("Grace period")
        expect(visit.page.get_by_text("The next visit brings a new picture.")).to_be_visible()
    images.mode = Mode.ERROR_500
    with visiting(browser, app) as visit:
        assert visit.value("Status").endswith("Image service failed, old picture kept")
        assert visit.page.locator("#picture").evaluate("image => image.decode().then(() => true)")
        assert visit.complaints == []


def test_without_a_picture_there_is_a_friendly_placeholder(
    browser: Browser, start_app: StartApp, images: ImageService
) -> None:
    images.mode = Mode.NOT_FOUND
    app = start_app(IMAGE_URL=images.url)
    with visiting(browser, app) as visit:
        assert visit.value("Status").endswith("No picture yet")
        assert visit.page.locator("#picture").evaluate("image => image.decode().then(() => true)")
        assert visit.value("Image Download time") == "–"
        assert visit.complaints == []


def test_the_page_outlives_the_server(browser: Browser, app: AppServer) -> None:
    with visiting(browser, app) as visit:
        app.kill()
        visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        wait_for(lambda: visit.page.evaluate("1") and any("/api/cache" in line for line in visit.requests))
        first = visit.page.locator("#countdown").inner_text()
        expect(visit.page.locator("#countdown")).not_to_have_text(first)
        assert not [line for line in visit.complaints if "Uncaught" in line]


@pytest.mark.parametrize("size", [PHONE, (320, 568), DESKTOP], ids=["phone", "small phone", "desktop"])
def test_nothing_has_to_be_scrolled_sideways(browser: Browser, app: AppServer, size: tuple[int, int]) -> None:
    with visiting(browser, app, size=size) as visit:
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]
        box = visit.page.locator("#picture").bounding_box()
        assert box
        assert box["width"] == pytest.approx(box["height"], abs=1)


CONTRASTS = """() => {
  const channels = (css) => css.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = channels(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
  };
  const texts = [...document.querySelectorAll("h1, dt, dd, p, footer")].filter((node) => node.innerText);
  return texts.map((node) => {
    const [a, b] = [luminance(channels(getComputedStyle(node).color)), luminance(ground(node))];
    return [node.innerText, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  });
}"""
"""WCAG 2.2, 1.4.3: the contrast of each text with what is behind it."""


def test_light_and_dark_differ_and_can_be_read(browser: Browser, app: AppServer) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        with visiting(browser, app, scheme=scheme) as visit:
            grounds.add(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            for status in ("valid", "expired", "grace", "stale", "empty"):
                visit.page.evaluate(f"document.getElementById('metadata').dataset.status = '{status}'")
                contrasts = visit.page.evaluate(CONTRASTS)
                assert len(contrasts) >= 14
                assert [found for found in contrasts if found[1] < 4.5] == []
    assert len(grounds) == 2

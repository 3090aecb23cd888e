"""What a driver asks of an app, and writes down."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from tests.todoctl.validation.histories import Script
from todoctl.evidence.history import Role
from todoctl.settings import Settings
from todoctl.targets.base import Endpoint
from todoctl.validation.driver import Driver, streaming

if TYPE_CHECKING:
    from todoctl.targets.base import Target

pytestmark = pytest.mark.live


class Site:
    """An HTTP server that notes what comes: method and path, and from which port."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.peers: set[int] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                site.seen.append(f"{self.command} {self.path}")
                site.peers.add(self.client_address[1])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = answer  # noqa: N815 - as the base class calls it

            def log_message(self, *_: object) -> None:
                """Nothing on the screen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(name="site")
def _site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def made(url: str, transport: httpx.BaseTransport | None = None) -> Driver:
    endpoint = Endpoint(url=url, words="directly", transport=transport)
    return Driver(cast("Target", None), endpoint, Script().history, Settings(), None)


@pytest.fixture(name="driver")
def _driver(site: Site) -> Iterator[Driver]:
    driver = made(site.url)
    yield driver
    driver.close()


def test_a_browser_stays_on_its_connection(site: Site, driver: Driver) -> None:
    with driver.staying():
        for _ in range(3):
            driver.probe("GET /healthz")
    assert len(site.peers) == 1
    for _ in range(3):
        driver.probe("GET /healthz")
    assert len(site.peers) == 4


def test_a_probe_can_be_of_another_address(site: Site, driver: Driver) -> None:
    request = driver.probe("the page's style", path="/static/other.css")
    assert site.seen == [f"GET {request.url}"] == ["GET /static/other.css"]


@pytest.mark.parametrize("transport", [None, httpx.HTTPTransport()])
def test_a_crowd_is_written_down_one_by_one(site: Site, transport: httpx.BaseTransport | None) -> None:
    driver = made(site.url, transport)
    driver.crowd(5)
    driver.close()
    seen = list(driver.history.pages())
    assert site.seen == ["GET /"] * 5
    assert len({request.visit for request in seen}) == 5
    assert len({request.crowd for request in seen}) == 1


def test_several_servers_are_asked_in_turn(site: Site, driver: Driver) -> None:
    other = Site()
    driver.urls = [site.url, other.url]
    asked = [driver.view() for _ in range(4)]
    driver.crowd(4)
    other.close()
    assert [len(site.seen), len(other.seen)] == [4, 4]
    assert [request.server for request in asked] == ["", other.url.removeprefix("http://")] * 2


def test_a_picture_from_elsewhere_is_asked_of_the_app(site: Site, driver: Driver) -> None:
    """A visitor's browser would go there; we stay with the app."""
    for source in ("https://example.org/a.jpg", "//example.org/a.jpg", f"{site.url}/image?v=2", "image?v=3"):
        driver.picture(source, 1)
    assert site.seen == ["GET /image", "GET /image", "GET /image?v=2", "GET /image?v=3"]


def test_that_there_is_no_answer_is_written_down(site: Site, driver: Driver) -> None:
    site.close()
    request = driver.view()
    assert (request.role, request.answer) == (Role.PAGE, None)
    assert request.error


@pytest.mark.parametrize("running", [True, False])
def test_page_views_go_on_until_the_end_of_the_block(running: bool) -> None:
    """Of a site that changes, where that leaves no gap."""
    viewed = Event()
    with streaming(viewed.set, running=running):
        assert viewed.wait(10 if running else 0.2) == running
    viewed.clear()
    assert not viewed.wait(0.2)

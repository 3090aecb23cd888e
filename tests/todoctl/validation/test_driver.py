"""What a driver asks of an app, and writes down."""

from collections.abc import Iterator
from threading import Event
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from tests.todoctl.evidence.test_http import OK, Server, serving
from tests.todoctl.validation.histories import Script
from todoctl.evidence.history import Role
from todoctl.settings import Settings
from todoctl.targets.base import Endpoint
from todoctl.validation.driver import Driver, streaming

if TYPE_CHECKING:
    from todoctl.targets.base import Target

pytestmark = pytest.mark.live


@pytest.fixture(name="site")
def _site() -> Iterator[Server]:
    with serving(OK) as site:
        yield site


def made(site: Server, transport: httpx.BaseTransport | None = None) -> Driver:
    endpoint = Endpoint(url=site.url, words="directly", transport=transport)
    return Driver(cast("Target", None), endpoint, Script().history, Settings(), None)


@pytest.fixture(name="driver")
def _driver(site: Server) -> Iterator[Driver]:
    driver = made(site)
    yield driver
    driver.close()


def paths(site: Server) -> list[str]:
    return [asked.split(b" ")[1].decode() for asked in site.asked]


def test_a_probe_can_be_of_another_address(site: Server, driver: Driver) -> None:
    request = driver.probe("the page's style", path="/static/other.css")
    assert paths(site) == [request.url] == ["/static/other.css"]


@pytest.mark.parametrize("transport", [None, httpx.HTTPTransport()])
def test_a_crowd_is_written_down_one_by_one(site: Server, transport: httpx.BaseTransport | None) -> None:
    driver = made(site, transport)
    driver.crowd(5)
    driver.close()
    seen = list(driver.history.pages())
    assert paths(site) == ["/"] * 5
    assert len({request.visit for request in seen}) == 5
    assert len({request.crowd for request in seen}) == 1


def test_several_servers_are_asked_in_turn(site: Server, driver: Driver) -> None:
    with serving(OK) as other:
        driver.urls = [site.url, other.url]
        asked = [driver.view() for _ in range(4)]
        driver.crowd(4)
        assert [len(site.asked), len(other.asked)] == [4, 4]
        assert [request.server for request in asked] == ["", other.url.split("/")[2]] * 2


def test_a_picture_from_elsewhere_is_asked_of_the_app(site: Server, driver: Driver) -> None:
    """A visitor's browser would go there; we stay with the app."""
    for source in ("https://example.org/a.jpg", "//example.org/a.jpg", f"{site.url}image?v=2", "image?v=3"):
        driver.picture(source, 1)
    assert paths(site) == ["/image", "/image", "/image?v=2", "/image?v=3"]


def test_that_there_is_no_answer_is_written_down(site: Server, driver: Driver) -> None:
    site.socket.close()
    driver.urls = ["http://127.0.0.1:1"]
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

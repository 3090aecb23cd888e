"""Reading the page and the state, and saying so when they are not the documented ones."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.todoctl.faulty_app import FaultyApp, serve
from todoctl.client import Client, Page, PageError
from todoctl.errors import UnavailableError


def test_a_page_is_read_by_its_labels() -> None:
    app = FaultyApp(ttl=10)
    app.view()
    page = Page.parse(app.page())
    assert (page.status, page.access_count, page.image_access_count) == ("Valid", 1, 1)
    assert page.expires_at == pytest.approx((app.downloaded_at or 0) + 10, abs=0.001)


def test_a_dash_is_no_time() -> None:
    assert Page.parse(FaultyApp(ttl=10).page()).downloaded_at is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda html: html.replace("Site Access count", "Visits"), "no label 'Site Access count'"),
        (lambda html: html.replace("<dd>0</dd>", "<dd>none</dd>"), "invalid literal for int"),
        (lambda html: html.replace("<dd>–</dd>", "<dd>soon</dd>"), "Invalid isoformat string: 'soon'"),
        (lambda _: "", "no label 'Image Download time'"),
    ],
)
def test_another_page_is_an_error(change: Callable[[str], str], why: str) -> None:
    with pytest.raises(PageError, match=f"The page is not the documented one: {why}"):
        Page.parse(change(FaultyApp(ttl=10).page()))


def test_nothing_there_is_an_error_in_one_line() -> None:
    with Client("http://127.0.0.1:1") as client:
        assert not client.is_ready()
        with pytest.raises(UnavailableError, match=r"does not answer at http://127\.0\.0\.1:1/: ") as caught:
            client.view()
    assert "\n" not in str(caught.value)


def test_an_answer_other_than_200_is_an_error() -> None:
    app = FaultyApp(ttl=10)
    app.down = True
    with serve(app) as url, Client(url) as client:
        with pytest.raises(UnavailableError, match="answered 502 to"):
            client.state()


def test_a_state_without_a_key_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FaultyApp(ttl=10)
    monkeypatch.setattr(app, "state", dict)
    with serve(app) as url, Client(url) as client:
        with pytest.raises(PageError, match=r"/api/cache is not the documented one: KeyError"):
            client.state()


def test_a_page_is_looked_for_without_an_access() -> None:
    app = FaultyApp(ttl=10)
    with serve(app) as url, Client(url) as client:
        client.find_page()
        app.down = True
        with pytest.raises(UnavailableError, match="answered 502 to"):
            client.find_page()
    assert app.views == 0
    with Client("http://127.0.0.1:1") as client:
        with pytest.raises(UnavailableError, match="does not answer"):
            client.find_page()


class _Elsewhere(BaseHTTPRequestHandler):
    """The first connection leads somewhere else for as long as it lasts; all others to the page."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[list[object]] = []

    def setup(self) -> None:
        super().setup()
        self.connections.append(self)

    def do_HEAD(self) -> None:
        self.send_response(200 if self is not self.connections[0] else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        """Say nothing."""


def test_a_connection_that_leads_elsewhere_is_not_kept() -> None:
    """As those made while a cluster starts, before its services are routed."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with Client(f"http://127.0.0.1:{server.server_port}") as client:
            with pytest.raises(UnavailableError, match="answered 403 to"):
                client.find_page()
            client.find_page()
        server.shutdown()

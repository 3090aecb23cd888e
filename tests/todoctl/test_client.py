"""Asking the app, and saying so when it does not answer as documented."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.conftest import StartApp
from todoctl.client import Client, PageError
from todoctl.errors import UnavailableError


class Handler(BaseHTTPRequestHandler):
    """Answers with `status` and `body`; the first connection with `first`, for as long as it lasts."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[list[object]] = []
    first = 200
    status = 200
    body = b""
    headers_sent: ClassVar[dict[str, str]] = {}

    def setup(self) -> None:
        super().setup()
        self.connections.append(self)

    def do_GET(self) -> None:
        self.send_response(self.first if self is self.connections[0] else self.status)
        self.send_header("Content-Length", str(len(self.body)))
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.body)

    do_HEAD = do_GET  # noqa: N815 - as its base calls it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        """Say nothing."""


@contextmanager
def serving(
    *, status: int = 200, first: int | None = None, body: bytes = b"", headers: dict[str, str] | None = None
) -> Iterator[Client]:
    made = {"status": status, "first": first or status, "body": body, "connections": []}
    made["headers_sent"] = {"content-security-policy": "default-src 'none'"} if headers is None else headers
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Made", (Handler,), made)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with Client(f"http://127.0.0.1:{server.server_port}") as client:
            yield client
        server.shutdown()


def test_nothing_there_is_an_error_in_one_line() -> None:
    with Client("http://127.0.0.1:1") as client:
        assert not client.is_ready()
        with pytest.raises(UnavailableError, match=r"does not answer at http://127\.0\.0\.1:1/") as caught:
            client.state()
        for look in (client.find, client.find_page):
            with pytest.raises(UnavailableError, match="does not answer"):
                look()
    assert "\n" not in str(caught.value)


def test_an_answer_other_than_200_is_an_error() -> None:
    with serving(status=502) as client:
        client.find()
        assert not client.is_ready()
        with pytest.raises(UnavailableError, match="answered 502 to"):
            client.state()
        with pytest.raises(UnavailableError, match="answered 502 to"):
            client.find_page()


@pytest.mark.parametrize(
    ("body", "why"), [(b"{}", "KeyError"), (b"[]", "TypeError"), (b"{", "JSONDecodeError")]
)
def test_another_state_is_an_error(body: bytes, why: str) -> None:
    with serving(body=body) as client:
        with pytest.raises(PageError, match=f"/api/cache is not the documented one: {why}"):
            client.state()


def test_a_page_is_looked_for_without_an_access(start_app: StartApp) -> None:
    app = start_app(IMAGE_URL="sample:")
    with Client(app.url) as client:
        assert client.is_ready()
        client.find_page()
        assert client.state().access_count == 0


def test_a_connection_that_leads_elsewhere_is_not_kept() -> None:
    """As those made while a cluster starts, before its services are routed."""
    with serving(first=403) as client:
        with pytest.raises(UnavailableError, match="answered 403 to"):
            client.find_page()
        client.find_page()


@pytest.mark.parametrize("status", [200, 403, 404, 502])
def test_an_answer_that_is_not_the_apps_is_told_as_such(status: int) -> None:
    """An ingress controller that does not know the way yet, a proxy in between, another app."""
    with serving(status=status, headers={}) as client:
        with pytest.raises(UnavailableError, match=rf"^Not the app, but BaseHTTP\S+ .* answered {status} to"):
            client.find_page()
    with serving(status=503) as client:
        with pytest.raises(UnavailableError, match=r"^The app answered 503 to .*todoctl logs"):
            client.find_page()


def test_an_ingress_that_leads_on_to_https_is_named() -> None:
    with serving(status=308, headers={"Location": "https://somewhere/"}) as client:
        with pytest.raises(UnavailableError, match=r"leads on to https: todoctl asks .* http only"):
            client.find_page()

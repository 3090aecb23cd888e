"""Whatever a server does is an answer or one line, within the limits."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from todoctl.errors import UnavailableError
from todoctl.evidence import http
from todoctl.evidence.http import Client, Reach, at_once, redacted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
METADATA = "http://169.254.169.254/latest/meta-data"


def packed(body: bytes, encoding: str = "gzip") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def to(url: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


class Server:
    """Answers each connection in a thread of its own; `asked` are the requests."""

    def __init__(self, answer: Callable[[socket.socket, bytes], None] | bytes) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.threads = [threading.Thread(target=self._run, daemon=True)]
        self.threads[0].start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                visitor = self.socket.accept()[0]
                self.threads.append(threading.Thread(target=self._serve, args=(visitor,), daemon=True))
                self.threads[-1].start()

    def _serve(self, visitor: socket.socket) -> None:
        with visitor, suppress(OSError):
            while asked := visitor.recv(65536):
                self.asked.append(asked)
                if not callable(self.answer):
                    visitor.sendall(self.answer)
                else:
                    self.answer(visitor, asked)
                    return


@contextmanager
def serving(answer: Callable[[socket.socket, bytes], None] | bytes) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        with suppress(OSError):
            server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()
        for thread in server.threads:
            thread.join(10)


def drip(*, head: bytes, drop: bytes) -> Callable[[socket.socket, bytes], None]:
    def answer(visitor: socket.socket, _: bytes) -> None:
        visitor.sendall(head)
        while True:
            visitor.sendall(drop)
            time.sleep(0.01)

    return answer


def flood(visitor: socket.socket, _: bytes) -> None:
    visitor.sendall(ENDLESS)
    while True:
        visitor.sendall(bytes(65536))


def silent(visitor: socket.socket, _: bytes) -> None:
    visitor.recv(1)


LATE = "no whole answer within 0.4 s"
LONG = "the answer is longer than 100,000 bytes"
BOMB = gzip.compress(bytes(10_000_000), mtime=0)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (silent, LATE),
        (drip(head=b"HTTP/1.1 200 OK\r\n", drop=b"X-A: 1\r\n"), LATE),
        (drip(head=b"", drop=b"HTTP/1.1 103 Early Hints\r\n\r\n"), LATE),
        (drip(head=ENDLESS, drop=b"x"), LATE),
        (flood, LONG),
        (packed(BOMB), LONG),
        (
            packed(gzip.compress(BOMB, mtime=0), "gzip, gzip"),
            "packed as 'gzip, gzip', which nobody asked for",
        ),
        (packed(b"\x8b", "br"), "packed as 'br', which nobody asked for"),
        (packed(gzip.compress(b"hi", mtime=0)[:-4]), "the answer's gzip is cut off"),
        (packed(b"no gzip"), "incorrect header check"),
        (b"no HTTP\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "too long"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", None),
    ],
)
def test_what_a_server_does_wrong_is_one_line(
    answer: Callable[[socket.socket, bytes], None] | bytes,
    error: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 100_000)

    def ended(visitor: socket.socket, asked: bytes) -> None:
        visitor.sendall(answer) if isinstance(answer, bytes) else answer(visitor, asked)

    with serving(ended) as server:
        with Client(server.url) as client:
            began = time.monotonic()
            got = client.fetch("GET", server.url, seconds=0.4)
            assert time.monotonic() - began < 2
            assert got.error
            assert (error or "") in got.error
            assert "\n" not in got.error


def test_a_connection_that_took_all_the_time_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.create_connection

    def late(*place: Any, **more: Any) -> socket.socket:  # noqa: ANN401 - as the real one
        time.sleep(0.5)
        return connect(*place, **more)

    monkeypatch.setattr(socket, "create_connection", late)
    with serving(drip(head=b"HTTP/1.1 200 OK\r\n", drop=b"\r\nx")) as server, Client(server.url) as client:
        began = time.monotonic()
        assert client.fetch("GET", server.url, seconds=0.4).error == LATE
        assert time.monotonic() - began < 2


def test_what_is_packed_is_unpacked() -> None:
    with serving(packed(gzip.compress(b"hi", mtime=0))) as server, Client(server.url) as client:
        got = client.fetch("GET", server.url)
        assert (got.status, got.body, got.error) == (200, b"hi", "")
        assert b"accept-encoding: identity" in server.asked[0].lower()
        assert at_once([server.url])[0].body == b"hi"


@pytest.mark.parametrize(
    "url", ["", "ftp://a/", "http://[", "http://a:99999/", "http://" + "a" * 300, "http://ä..de/"]
)
def test_what_is_no_address_is_an_error(url: str) -> None:
    with Client("http://127.0.0.1:1/") as client, Client(url) as other:
        assert client.fetch("GET", url).error
        assert other.fetch("GET", url).error


def test_names_below_localhost_are_this_machine_whatever_the_resolver_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve = socket.getaddrinfo

    def unaware(host: str | bytes, *more: object, **by_name: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name.endswith(".localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *more, **by_name)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", unaware)
    with serving(to("/next")) as server:
        address = server.url.replace("127.0.0.1", "team-1.localhost")
        with Client(address) as client:
            got = client.fetch("GET", address, redirects=1)
    assert (got.status, got.url) == (302, f"{address}next")
    host = address.removeprefix("http://").strip("/").encode()
    assert [asked.count(b"Host: " + host + b"\r\n") for asked in server.asked] == [1, 1]


def test_redirects_are_followed_as_far_as_asked() -> None:
    def answer(visitor: socket.socket, asked: bytes) -> None:
        number = int(asked.split()[1].strip(b"/") or 0)
        visitor.sendall(to(f"/{number + 1}") if number < 3 else OK)

    with serving(answer) as server, Client(server.url) as client:
        assert client.fetch("GET", server.url).status == 302
        got = client.fetch("GET", server.url, redirects=3)
        assert (got.body, got.url) == (b"hi", f"{server.url}3")
        assert client.fetch("GET", server.url, redirects=2).error == "more than 2 redirects"


def test_cookies_live_until_they_are_forgotten() -> None:
    cookie = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: visitor=7\r\n\r\n")
    with serving(cookie) as server, Client(server.url) as client:
        for _ in range(2):
            client.fetch("GET", server.url)
        client.forget()
        client.fetch("GET", server.url)
        assert [b"visitor=7" in asked for asked in server.asked] == [False, True, False]


def test_user_and_password_go_to_their_own_host_alone() -> None:
    with serving(OK) as other, serving(to(other.url)) as server:
        home = server.url.replace("//", "//me:p%40ss@")
        with Client(home) as client:
            got = client.fetch("GET", home, redirects=1)
            client.fetch("GET", other.url, referer=home + "page?of=me#here")
            client.fetch("GET", server.url + "image", referer=home + "page?of=me#here")
        credentials = b"authorization: basic bwu6cebzcw=="
        assert [credentials in asked.lower() for asked in server.asked] == [True, True]
        assert all(b"uthorization" not in asked for asked in other.asked)
        assert [b"referer: " + server.url.encode() + b"\r\n" in asked.lower() for asked in other.asked] == [
            False,
            True,
        ]
        assert f"eferer: {server.url}page?of=me\r\n".encode() in server.asked[1]
        assert not any(b"me:p" in asked or b"p@ss" in asked for asked in server.asked + other.asked)
        assert (got.url, client.home) == (other.url, server.url)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host:80/a@b", "http://host:80/a@b"),
        ("see https://token@host/ and http://a:b@c@host.", "see https://host/ and http://host."),
        ("socks5h://me:x@[::1]:3?q=a@b", "socks5h://[::1]:3?q=a@b"),
        ("http://host/?mail=a@b", "http://host/?mail=a@b"),
        ("mail me@host", "mail me@host"),
    ],
)
def test_user_and_password_are_shown_nowhere(text: str, shown: str) -> None:
    assert redacted(text) == shown


NAMES = {
    "public.example": "93.184.215.14",
    "inside.example": "10.1.2.3",
    "mapped.example": "::ffff:127.0.0.1",
    "localhost": "::1",
    "2130706433": "127.0.0.1",
}


@pytest.fixture(name="names")
def _names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names of hosts, and what they lead to."""
    names = dict(NAMES)

    def look_up(host: str, port: int | None, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host not in names:
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names[host], port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    ("home", "url", "allowed"),
    [
        ("http://public.example", "https://93.184.215.14/", True),
        ("http://public.example", "http://unknown.example/", True),
        ("http://public.example", "http://localhost/", False),
        ("http://public.example", "http://2130706433/", False),
        ("http://public.example", "http://[::ffff:10.0.0.1]/", False),
        ("http://public.example", "http://mapped.example/", False),
        ("http://public.example", "http://inside.example/", False),
        ("http://public.example", "http://100.64.0.1/", False),
        ("http://public.example", METADATA, False),
        ("http://localhost:8081", METADATA, False),
        ("http://localhost:8081", "http://127.0.0.1:3000/image", True),
        ("http://localhost:8081", "http://inside.example/", False),
        ("http://inside.example", "http://10.1.2.3:3000/", True),
        ("http://inside.example", "http://10.1.2.4/", False),
        ("http://localhost", "file:///etc/passwd", False),
        ("http://localhost", "http://[", False),
    ],
)
def test_what_a_page_may_lead_to(home: str, url: str, allowed: bool) -> None:
    assert (Reach(home).refusal(url) == "") is allowed


def test_a_name_that_leads_elsewhere_in_between_is_not_asked(
    names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(OK) as server:
        port = server.socket.getsockname()[1]
        resolve = socket.create_connection
        monkeypatch.setattr(
            socket, "create_connection", lambda _, *rest, **more: resolve(("127.0.0.1", port), *rest, **more)
        )
        names["127.0.0.1"] = "127.0.0.1"
        with Client("http://public.example") as client:
            got = client.fetch("GET", "http://public.example/")
        assert (
            got.error
            == "not fetched: public.example is 127.0.0.1, inside a network that the page itself is not in"
        )
        assert not server.asked


def test_a_redirect_to_the_inside_is_not_followed() -> None:
    with serving(to(METADATA)) as server, Client(server.url) as client:
        assert client.fetch("GET", server.url, redirects=5).error.startswith(
            "not fetched: 169.254.169.254 is"
        )


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1", "foo://bar", "http://127.0.0.1:1", "http://[", "::"]
)
def test_a_proxy_is_nothing_to_this_machine(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    with serving(OK) as server, Client(server.url) as client:
        assert client.fetch("GET", server.url).status == 200


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("proxy", ["socks5://me:secret@127.0.0.1:1", "foo://me:secret@bar"])
def test_a_proxy_that_cannot_be_used_is_no_fault_of_the_app(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with (
        Client("http://public.example") as client,
        pytest.raises(UnavailableError, match="The environment names a proxy that cannot be used") as caught,
    ):
        client.fetch("GET", "http://public.example/")
    assert "secret" not in str(caught.value)


def test_certificates_that_are_gone_are_no_fault_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    http.trusted_authorities.cache_clear()
    gone = r"The certificates in /no/such/file cannot be loaded: No such file"
    with Client("https://127.0.0.1:1") as client, pytest.raises(UnavailableError, match=gone):
        client.fetch("GET", "https://127.0.0.1:1/")
    with serving(OK) as server, Client(server.url) as client:
        assert client.fetch("GET", server.url).status == 200


class Gathering:
    """Lets `number` visitors ask before anyone is answered."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.all_asked = threading.Barrier(len(answers))

    def __call__(self, visitor: socket.socket, _: bytes) -> None:
        self.all_asked.wait(10)
        visitor.sendall(self.answers.pop())


def test_all_ask_before_anyone_is_answered() -> None:
    two = b"HTTP/1.1 203 So So\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi"
    with serving(Gathering(*[two] * 5)) as server:
        found = at_once([server.url] * 5, seconds=10)
    assert [(got.status, got.body, got.error) for got in found] == [(203, b"hi", "")] * 5
    assert [value for name, value in found[0].headers if name == "X-A"] == ["1", "2"]
    assert max(got.begin for got in found) < min(got.end for got in found)
    assert all(asked.startswith(b"GET / HTTP/1.1\r\n") for asked in server.asked)


def test_one_without_an_answer_does_not_disturb_the_others() -> None:
    with serving(Gathering(b"", OK, b"no HTTP\r\n\r\n", OK[:-1], packed(BOMB[:-9]))) as server:
        found = at_once([server.url] * 5, seconds=10)
    assert [got.body for got in found if not got.error] == [b"hi"]


def test_a_crowd_ends_in_time() -> None:
    with serving(drip(head=ENDLESS, drop=b"x")) as server:
        began = time.monotonic()
        assert {got.error for got in at_once([server.url] * 3, seconds=0.4)} == {LATE}
        assert time.monotonic() - began < 2

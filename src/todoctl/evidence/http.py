"""HTTP as every visitor speaks it: whatever a server does, an answer or one line that says why there is none.

A limit is one of the whole answer, from the name's resolution to the last byte. A server that sends a byte a
second, or a few kilobytes that unpack to gigabytes, ends in an error and not in a hang.
"""

import ipaddress
import os
import re
import socket
import ssl
import threading
import time
import urllib.request
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from http.client import HTTPConnection, IncompleteRead
from http.cookiejar import CookieJar
from typing import Any, Self
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import httpx

from todoctl.errors import TodoctlError, UnavailableError

MAX_SECONDS = 30.0
"""Far above what an app may let a visitor wait: a slow page is no failure."""

MAX_BYTES = 32 * 1024 * 1024
"""A page or a picture that is larger is none."""

MAX_ERROR = 300
"""Characters of an error, which may repeat what a server has sent."""

PORTS = {"http": 80, "https": 443}
LOOPBACK = ".localhost"
"""Every name that ends so leads to this machine (RFC 6761); not every resolver knows that."""

REDIRECTS = {301, 302, 303, 307, 308}

Header = tuple[str, str]
Origin = tuple[str, str, int | None]
"""Scheme, host and port."""

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotFetchedError(Exception):
    """The answer is too long, or from where nothing is fetched."""


@dataclass(slots=True, kw_only=True)
class Got:
    """An answer, or why there is no whole one (`error`, one line); `begin` and `end` by the client's clock.

    `url` is the address that answered, after redirects and without user and password. `body` is unpacked.
    """

    begin: float = 0.0
    end: float = 0.0
    status: int = 0
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""
    error: str = ""
    url: str = ""


def redacted(text: str) -> str:
    """Returns `text` without the user and the password of any URL in it."""
    return re.sub(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#\"'<>]*@", r"\1", text)


class Reach:
    """What a page at `home` may lead to: anything but the networks inside, where home is not on them.

    Names are looked up unless somebody else carries the requests (`resolve` False).
    """

    def __init__(self, home: str, *, resolve: bool = True) -> None:
        self._host = _origin(home)[1]
        self._resolve = resolve

    @cached_property
    def _own(self) -> list[IP]:
        """The addresses of `home` that are inside, as they were when they were first needed."""
        return [address for address in self.addresses(self._host) if not _is_public(address)]

    def addresses(self, host: str) -> list[IP]:
        """Returns what a name leads to; nothing where that is not known."""
        with suppress(ValueError):
            return [ipaddress.ip_address(host)]
        with suppress(OSError, UnicodeError):
            found = socket.getaddrinfo(_known(host), None, type=socket.SOCK_STREAM) if self._resolve else []
            return [ipaddress.ip_address(address[0]) for *_, address in found]
        return []

    def refusal(self, url: str) -> str:
        """Returns why `url` is not fetched; empty where it may be."""
        scheme, host, _ = _origin(url)
        if scheme not in PORTS or not host:
            return f"{url[:100]} is no address of HTTP"
        return next(filter(None, (self.refusal_at(host, one) for one in self.addresses(host))), "")

    def refusal_at(self, host: str, address: IP) -> str:
        """Returns why nothing is fetched from `host` at `address`; empty where it may be."""
        is_own = address in self._own or (self._own and host == self._host)
        on_this_machine = address.is_loopback and any(one.is_loopback for one in self._own)
        if _is_public(address) or is_own or on_this_machine:
            return ""
        return f"not fetched: {host} is {address}, inside a network that the page itself is not in"


def _is_public(address: IP) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_global and not inner.is_multicast)


class Client:
    """Asks `home` and what it leads to; user and password in `home` are sent to its own host and port alone.

    `transport` carries everything where it is given. Each request has a connection of its own. `now` is the
    clock (epoch seconds).
    """

    def __init__(
        self,
        home: str,
        *,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.home = redacted(home)
        self.reach = Reach(home, resolve=transport is None)
        self._credentials = _credentials(home)
        scheme, host, port = _origin(home)
        self._trusted = {(scheme, host, port)} | ({("https", host, 443)} if port == PORTS["http"] else set())
        self._transport, self._now = transport, now
        self._cookies = CookieJar()
        self._sessions: dict[tuple[str, bool], httpx.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    def forget(self) -> None:
        """Drops all cookies: whoever comes next is a new visitor."""
        self._cookies.clear()

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[Header] = (),
        referer: str = "",
        redirects: int = 0,
        seconds: float = MAX_SECONDS,
    ) -> Got:
        """Returns what came of a request; follows up to `redirects` of them.

        Raises `UnavailableError` where this machine's environment keeps it from being sent.
        """
        got = Got(begin=self._now(), url=redacted(url))
        # A transport of somebody's own has no connection here that could be ended.
        sockets: list[socket.socket] | None = None if self._transport else []
        with _Deadline(seconds, sockets) as deadline:
            try:
                for _ in range(redirects + 1):
                    self._send(got, deadline, method, headers, referer)
                    to = dict(got.headers).get("location")
                    if not redirects or got.status not in REDIRECTS or to is None:
                        break
                    got.url = redacted(urljoin(got.url, to))
                else:
                    got.error = f"more than {redirects} redirects"
            except TodoctlError:
                raise
            except Exception as error:  # noqa: BLE001 - what libraries raise of strangers' bytes has no end
                got.error = deadline.reason(error)
        got.end = self._now()
        return got

    def _send(
        self, got: Got, deadline: "_Deadline", method: str, headers: Sequence[Header], referer: str
    ) -> None:
        """One request to `got.url`."""
        if refusal := self.reach.refusal(got.url):
            raise NotFetchedError(refusal)
        scheme, host, _ = origin = _origin(got.url)
        direct = self._transport is not None or not all(map(_is_public, self.reach.addresses(host)))

        def watch(name: str, info: dict[str, Any]) -> None:
            """Sees each connection before anything is sent over it."""
            if name.endswith(("connect_tcp.complete", "start_tls.complete")):
                try:
                    connection = info["return_value"].get_extra_info("socket")
                    deadline.add(connection)
                    self._admit(host, connection, direct=direct)
                except BaseException:
                    info["return_value"].close()
                    raise

        session = self._session(scheme, direct)
        url = httpx.URL(got.url)
        request = session.build_request(
            method,
            url.copy_with(host=_known(url.host)),
            headers=[("Host", url.netloc.decode()), *headers, *self._headers(origin, referer)],
            timeout=deadline.seconds,
            extensions={"trace": watch},
        )
        answer = session.send(request, stream=True)
        try:
            got.status, got.headers = answer.status_code, answer.headers.multi_items()
            if answer.is_stream_consumed:  # a transport of our own has read it
                got.body = answer.content
            else:
                got.body = _unpacked(answer.iter_raw(), answer.headers.get("content-encoding", ""))
        finally:
            answer.close()
        deadline.check()

    def _admit(self, host: str, connection: socket.socket, *, direct: bool) -> None:
        """Raises where the name leads elsewhere than a moment ago."""
        peer = ipaddress.ip_address(connection.getpeername()[0])
        if not self._proxies(direct) and (refusal := self.reach.refusal_at(host, peer)):
            raise NotFetchedError(refusal)

    def _headers(self, origin: Origin, referer: str) -> Iterator[Header]:
        """The header fields that depend on who is asked."""
        if self._credentials and origin in self._trusted:
            yield "Authorization", self._credentials
        if referer:
            whole = urlsplit(redacted(referer))._replace(fragment="")
            bare = whole._replace(path="/", query="")
            yield "Referer", (whole if _origin(referer) == origin else bare).geturl()

    def _session(self, scheme: str, direct: bool) -> httpx.Client:
        """Requests of one kind: what is on this machine or in its networks is reached without a proxy."""
        found = self._sessions.get((scheme, direct))
        if found is None:
            try:
                found = httpx.Client(
                    transport=self._transport,
                    trust_env=not direct,
                    # To load the certificates of authorities takes a while.
                    verify=trusted_authorities() if scheme == "https" or self._proxies(direct) else False,
                    limits=httpx.Limits(max_keepalive_connections=0),
                    # What is packed can unpack to anything, and proxies pack what the app has not.
                    headers={"Accept-Encoding": "identity"},
                    cookies=self._cookies,
                )
            except (ValueError, ImportError, httpx.InvalidURL) as error:
                raise UnavailableError(
                    "The environment names a proxy that cannot be used",
                    why=_in_one_line(error),
                    fix="Set HTTP_PROXY, HTTPS_PROXY and ALL_PROXY to http:// addresses, or unset them",
                ) from None
            self._sessions[scheme, direct] = found
        return found

    def _proxies(self, direct: bool) -> bool:
        return not direct and bool(urllib.request.getproxies())


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Returns a context with the authorities of the system and of certifi, or those of the environment alone.

    Raises `UnavailableError` where the environment names some that cannot be loaded.
    """
    import certifi

    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        context = ssl.create_default_context(cafile=file or None, capath=directory or None)
        if not file and not directory:
            context.load_verify_locations(certifi.where())
    except OSError as error:  # ssl.SSLError is one
        raise UnavailableError(
            f"The certificates in {file or directory} cannot be loaded",
            why=error.strerror or str(error),
            fix="Set SSL_CERT_FILE to a file of certificates, or unset it",
        ) from None
    return context


class _Deadline:
    """Ends what waits on `sockets` after so many `seconds`, whatever it waits for then."""

    def __init__(self, seconds: float, sockets: list[socket.socket] | None) -> None:
        self.seconds = seconds
        self.sockets = [] if sockets is None else sockets
        self._ends = time.monotonic() + seconds
        self._timer = None if sockets is None else threading.Timer(seconds, self._end)

    @property
    def has_passed(self) -> bool:
        return time.monotonic() >= self._ends

    def __enter__(self) -> Self:
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()

    def add(self, connection: socket.socket) -> None:
        """Ends `connection` too; raises where the time is over: to connect has taken all of it."""
        self.sockets.append(connection)
        self.check()

    def check(self) -> None:
        """Raises where the time is over: a body without a length ends with its connection."""
        if self.has_passed:
            raise TimeoutError

    def reason(self, error: Exception) -> str:
        """Returns in one line why there is no whole answer."""
        if self.has_passed or isinstance(error, TimeoutError | httpx.TimeoutException):
            return f"no whole answer within {self.seconds:g} s"
        return _in_one_line(error)

    def _end(self) -> None:
        for connection in list(self.sockets):
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not TLS's own, which would wait


def _unpacked(parts: Iterable[bytes], packing: str) -> bytes:
    """The whole body; raises `NotFetchedError` where it is too long, or packed in an unusual way."""
    packing = packing.strip().lower()
    if packing not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise NotFetchedError(f"the answer is packed as {packing[:40]!r}, which nobody asked for")
    unpacker = None if packing in {"", "identity"} else zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    body, came = bytearray(), False
    for part in parts:
        came = True
        body += unpacker.decompress(part, MAX_BYTES + 1 - len(body)) if unpacker else part
        if len(body) > MAX_BYTES:
            raise NotFetchedError(f"the answer is longer than {MAX_BYTES:,} bytes")
    if unpacker and came and not unpacker.eof:
        raise NotFetchedError(f"the answer's {packing} is cut off")
    return bytes(body)


def _known(host: str) -> str:
    """A name that the system's resolver knows."""
    return "localhost" if host.endswith(LOOPBACK) else host


def _in_one_line(error: Exception) -> str:
    return redacted(" ".join(str(error).split()))[:MAX_ERROR] or type(error).__name__


def _origin(url: str) -> Origin:
    """Of no address: nothing, which is nobody's."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None


def _credentials(url: str) -> str:
    """The value of `Authorization` that a URL with user and password stands for."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#]*)@", url)
    if not found:
        return ""
    user, _, password = found[1].partition(":")
    return f"Basic {b64encode(unquote_to_bytes(user) + b':' + unquote_to_bytes(password)).decode()}"


class _Visitor:
    """A GET on a connection of its own, in three steps."""

    def __init__(self, url: str, deadline: _Deadline, now: Callable[[], float]) -> None:
        self.got = Got(begin=now(), url=url)
        self._deadline, self._now = deadline, now
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=deadline.seconds)

    def take(self, step: Callable[["_Visitor"], None]) -> None:
        """Takes a step, unless one before it has failed."""
        if not self.got.error:
            try:
                step(self)
            except Exception as error:  # noqa: BLE001 - as in `Client.fetch`
                self.got.error = self._deadline.reason(error)
            self.got.end = self._now()

    def connect(self) -> None:
        """Up to the last byte before the request."""
        self._connection.connect()
        self._deadline.add(self._connection.sock)
        self._connection.putrequest("GET", urlsplit(self.got.url).path or "/")  # asks for "identity"
        self._connection.putheader("Accept", "*/*")

    def send(self) -> None:
        self.got.begin = self._now()
        self._connection.endheaders()

    def receive(self) -> None:
        answer = self._connection.getresponse()
        parts = iter(lambda: answer.read(2**16), b"")
        self.got.body = _unpacked(parts, answer.getheader("content-encoding", ""))
        if answer.length:
            raise IncompleteRead(self.got.body, answer.length)
        self._deadline.check()
        self.got.status, self.got.headers = answer.status, answer.getheaders()

    def close(self) -> None:
        self._connection.close()


def at_once(
    urls: Sequence[str], *, seconds: float = MAX_SECONDS, now: Callable[[], float] = time.time
) -> list[Got]:
    """Returns what came of one GET for each of `urls` (http), all of them ready before the first goes out.

    One thread sends all requests, within a millisecond or two. Threads of their own would send them over tens
    of milliseconds: the app would have answered the first before the second comes.
    """
    with _Deadline(seconds, []) as deadline, ThreadPoolExecutor(len(urls)) as pool:
        visitors = [_Visitor(url, deadline, now) for url in urls]
        list(pool.map(lambda one: one.take(_Visitor.connect), visitors))
        for visitor in visitors:
            visitor.take(_Visitor.send)
        list(pool.map(lambda one: one.take(_Visitor.receive), visitors))
        for visitor in visitors:
            visitor.close()
    return [visitor.got for visitor in visitors]

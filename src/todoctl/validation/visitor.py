"""Visitors: they ask the app over HTTP, and write down what they asked and what came back."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import httpx

from todoctl.commands import SILENT, Commands
from todoctl.evidence.crowd import at_once
from todoctl.evidence.history import History, Request, Role
from todoctl.targets.endpoint import Entrance
from todoctl.validation.contract import PROBES

LONGEST = 500
"""Characters of a path or a header field that people would type."""

REQUEST_SECONDS = 30.0
"""Far above what the app may let a visitor wait: a slow page is no failure."""

INTERVAL_SECONDS = 0.05
"""Between two page views of `streaming`."""


class Visitors:
    """Ask the app by `entrance`; every request goes into `history`, under the scenario that plays."""

    def __init__(self, entrance: Entrance, history: History, commands: Commands = SILENT) -> None:
        self.url = entrance.url
        self._commands = commands
        self.scenario = ""
        self.servers = [entrance.url]
        """The addresses that are asked in turn."""
        self._turn = itertools.count()
        self._history = history
        self._numbers = itertools.count(1)
        self._inside = entrance.transport is not None
        # Not the environment's proxies: the app is on this machine. A connection each: while an app starts or
        # is replaced, an old one may lead elsewhere.
        # To load the certificates of authorities takes a while, and only HTTPS needs them.
        # Bytes as they are: a proxy on the way may pack them, which is none of the app's doing.
        self._http, self._staying = (
            httpx.Client(
                transport=entrance.transport,
                trust_env=False,
                verify=entrance.url.startswith("https:"),
                timeout=REQUEST_SECONDS,
                limits=httpx.Limits(max_keepalive_connections=kept),
                headers={"Accept-Encoding": "identity"},
            )
            for kept in (0, 1)
        )

    def close(self) -> None:
        self._http.close()
        self._staying.close()

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Within the block, requests go over one connection, as those of a browser do."""
        self._http, self._staying = self._staying, self._http
        try:
            yield
        finally:
            self._http, self._staying = self._staying, self._http

    def ask(
        self,
        role: Role,
        method: str,
        path: str,
        *,
        sent: Sequence[tuple[str, str]] = (),
        visit: int = 0,
        crowd: str = "",
        probe: str = "",
        content: bytes = b"",
    ) -> Request:
        """One request. That there is no answer is written down as well."""
        server = self._next_server()
        if role is not Role.CACHE and not crowd:  # todoctl's own looks are no part of what is tried
            plain = path.partition("?")[0] if role is Role.PICTURE else path  # the page adds a version
            words = curl(role, method, urljoin(self._shown(server), plain), sent, content)
            if max(map(len, words)) <= LONGEST:
                self._commands.tell(words)
        began, answer, error = time.time(), None, ""
        try:
            chunked = any(name == "transfer-encoding" for name, _ in sent)  # httpx tells no length of these
            found = self._http.request(
                method,
                urljoin(server, path),
                headers=list(sent),
                content=[content] if chunked else content,
            )
            answer = self._history.answer(found.status_code, found.headers.multi_items(), found.content)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            error = str(problem) or type(problem).__name__
        return self._note(
            Request(
                begin=began,
                end=time.time(),
                scenario=self.scenario,
                role=role,
                method=method,
                url=path,
                sent=list(sent),
                answer=answer,
                error=error,
                visit=visit,
                crowd=crowd,
                probe=probe,
                server=self._other(server),
            )
        )

    def _note(self, request: Request) -> Request:
        self._history.events.append(request)
        return request

    def _next_server(self) -> str:
        return self.servers[next(self._turn) % len(self.servers)]

    def _other(self, server: str) -> str:
        """An address that is not the one all know."""
        return "" if server == self.url else urlsplit(server).netloc

    def _shown(self, server: str) -> str:
        """An address as people know it."""
        return self._history.facts.url if server == self.url else server

    def probe(self, name: str, *sent: tuple[str, str], path: str = "") -> Request:
        """One of `contract.PROBES`, at another `path` where one is given."""
        probe = PROBES[name]
        return self.ask(
            Role.PROBE,
            probe.method,
            path or probe.path,
            sent=[*probe.sent, *sent],
            probe=name,
            content=probe.content,
        )

    def view(self, *, crowd: str = "") -> Request:
        """One page view: an access."""
        return self.ask(Role.PAGE, "GET", "/", visit=next(self._numbers), crowd=crowd)

    def picture(self, source: str, visit: int) -> Request:
        """The picture that a page shows by its `src`."""
        path = urljoin("/", source)
        if urlsplit(path).netloc and urlsplit(path).netloc != urlsplit(self.url).netloc:
            path = "/image"  # a visitor's browser would go there; we stay with the app
        return self.ask(Role.PICTURE, "GET", path, visit=visit)

    def crowd(self, number: int) -> list[Request]:
        """`number` page views at once."""
        name = f"crowd {next(self._numbers)}"
        curls = ["xargs", "-n1", f"-P{number}", "curl", "--silent", "--output", "page.html"]
        self._commands.tell(["yes", f"{self._shown(self.url)}/"], ["head", f"-n{number}"], curls)
        if self._inside:  # the way there is the same for all of them
            with ThreadPoolExecutor(number) as visitors:
                return list(visitors.map(lambda _: self.view(crowd=name), range(number)))
        servers = [self._next_server() for _ in range(number)]
        guests = at_once([urljoin(server, "/") for server in servers], REQUEST_SECONDS)
        return [
            self._note(
                Request(
                    begin=guest.begin,
                    end=guest.end,
                    scenario=self.scenario,
                    role=Role.PAGE,
                    method="GET",
                    url="/",
                    answer=None
                    if guest.error
                    else self._history.answer(guest.status, guest.headers, guest.body),
                    error=guest.error,
                    visit=next(self._numbers),
                    crowd=name,
                    server=self._other(server),
                )
            )
            for guest, server in sorted(zip(guests, servers, strict=True), key=lambda pair: pair[0].end)
        ]


def curl(
    role: Role, method: str, url: str, sent: Sequence[tuple[str, str]] = (), content: bytes = b""
) -> list[str]:
    """The command that sends the same request."""
    words = ["curl"]
    if role is Role.PICTURE:
        words += ["--output", "picture.jpg"]  # it is not for a terminal
    if method == "HEAD":
        words.append("--head")
    elif method != "GET" or content:
        words += ["--request", method]
    for name, value in sent:
        words += ["--header", f"{name}: {value}"]
    if content:
        words += ["--data", content.decode()]
    return [*words, url]


@contextmanager
def streaming(view: Callable[[], object], *, running: bool = True) -> Iterator[None]:
    """Page views, one after the other, until the end of the block: as a site has them while it changes."""
    ending = threading.Event()

    def run() -> None:
        while running and not ending.is_set():
            began = time.monotonic()
            view()
            ending.wait(INTERVAL_SECONDS - (time.monotonic() - began))

    with ThreadPoolExecutor(1) as visitor:
        streamed = visitor.submit(run)
        try:
            yield
        finally:
            ending.set()
        streamed.result()  # raises what has ended it

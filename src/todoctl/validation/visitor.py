"""Visitors: they ask the app over HTTP, and write down what they asked and what came back."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

from todoctl.commands import SILENT, Commands
from todoctl.evidence.history import History, Request, Role
from todoctl.evidence.http import Client, Got, at_once
from todoctl.evidence.pages import joined
from todoctl.targets.endpoint import Entrance
from todoctl.validation.contract import PROBES

LONGEST = 500
"""Characters of a path or a header field that people would type."""

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
        # A connection each: while an app starts or is replaced, an old one may lead elsewhere.
        self._http, self._staying = (
            Client(entrance.url, transport=entrance.transport, keep_alive=kept) for kept in (False, True)
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
        chunked = any(name == "transfer-encoding" for name, _ in sent)
        got = self._http.fetch(
            method, joined(server, path), headers=sent, content=[content] if chunked else content
        )
        return self._note(
            got,
            role=role,
            method=method,
            url=path,
            sent=list(sent),
            visit=visit,
            crowd=crowd,
            probe=probe,
            server=self._other(server),
        )

    def _note(self, got: Got, **more: Any) -> Request:  # noqa: ANN401 - the fields of a request
        answer = None if got.error else self._history.answer(got.status, got.headers, got.body)
        request = Request(
            begin=got.begin, end=got.end, scenario=self.scenario, answer=answer, error=got.error, **more
        )
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
        path = joined("/", source)
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
        answered = zip(at_once([urljoin(server, "/") for server in servers]), servers, strict=True)
        return [
            self._note(
                got,
                role=Role.PAGE,
                method="GET",
                url="/",
                visit=next(self._numbers),
                crowd=name,
                server=self._other(server),
            )
            for got, server in sorted(answered, key=lambda pair: pair[0].end)
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

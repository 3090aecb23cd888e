"""Visitors: they ask the app over HTTP, and write down what they asked and what came back."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import httpx

from todoctl.validation.contract import PROBES
from todoctl.validation.history import Answer, History, Request, Role

REQUEST_SECONDS = 30.0
"""Far above what the app may let a visitor wait: a slow page is no failure."""

INTERVAL_SECONDS = 0.05
"""Between two page views of `streaming`."""


class Visitors:
    """Ask the app at `url`; every request goes into `history`, under the scenario that plays."""

    def __init__(self, url: str, history: History) -> None:
        self.url = url
        self.scenario = ""
        self.servers = [url]
        """The addresses that are asked in turn."""
        self._turn = itertools.count()
        self._history = history
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        # Not the environment's proxies: the app is on this machine. A connection each: while an app starts or
        # is replaced, an old one may lead elsewhere.
        # Bytes as they are: a proxy on the way may pack them, which is none of the app's doing.
        self._http = httpx.Client(
            trust_env=False,
            timeout=REQUEST_SECONDS,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        self._http.close()

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
        server = self.servers[next(self._turn) % len(self.servers)]
        began, answer, error = time.time(), None, ""
        body = b""
        try:
            found = self._http.request(method, urljoin(server, path), headers=list(sent), content=content)
            body = found.content
            answer = (found.status_code, found.headers)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            error = str(problem) or type(problem).__name__
        ended = time.time()
        with self._lock:
            request = Request(
                begin=began,
                end=ended,
                scenario=self.scenario,
                role=role,
                method=method,
                url=path,
                sent=list(sent),
                answer=answer
                and Answer(
                    status=answer[0],
                    headers=[(name.lower(), value) for name, value in answer[1].multi_items()],
                    body=self._history.keep(body),
                ),
                error=error,
                visit=visit,
                crowd=crowd,
                probe=probe,
                server="" if server == self.url else urlsplit(server).netloc,
            )
            self._history.events.append(request)
        return request

    def probe(self, name: str, *sent: tuple[str, str]) -> Request:
        """One of `contract.PROBES`."""
        probe = PROBES[name]
        return self.ask(
            Role.PROBE,
            probe.method,
            probe.path,
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
        doors = threading.Barrier(number)

        def come() -> Request:
            doors.wait()
            return self.view(crowd=name)

        with ThreadPoolExecutor(number) as visitors:
            return [future.result() for future in [visitors.submit(come) for _ in range(number)]]


@contextmanager
def streaming(view: Callable[[], object], *, running: bool = True) -> Iterator[None]:
    """Page views, one after the other, until the end of the block: as a site has them while it changes."""
    ending = threading.Event()

    def run() -> None:
        while not ending.is_set():
            began = time.monotonic()
            view()
            ending.wait(INTERVAL_SECONDS - (time.monotonic() - began))

    thread = threading.Thread(target=run, daemon=True)
    if running:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        if running:
            thread.join()

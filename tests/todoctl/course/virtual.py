"""Apps in virtual time: time passes when a visitor waits, and when an answer takes some.

With a real clock the same apps are served on 127.0.0.1.
"""

import io
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from PIL import Image

from todoctl.course.claims import judge
from todoctl.course.run import App, Run, SystemClock
from todoctl.evidence.history import File, History
from todoctl.evidence.http import Client
from todoctl.evidence.verdict import Verdict

URL = "http://app.test/"
BEGAN = 1_790_000_000.0
NUMBERS = itertools.count()


@cache
def picture(number: int, quality: int = 0) -> bytes:
    """Returns a picture of its own for each number; encoded in another way for each `quality`."""
    made = io.BytesIO()
    image = Image.new("RGB", (60, 60), (number * 53 % 256, number * 97 % 256, number * 31 % 256))
    image.putpixel((0, 0), (number // 256, 0, 0))
    image.save(made, "PNG", compress_level=quality % 10, dpi=(72 + quality, 72))
    return made.getvalue()


class VirtualClock(SystemClock):
    """A clock that stands still while nobody waits; `steps` are (moment, seconds by which it is set then)."""

    def __init__(self, *steps: tuple[float, float]) -> None:
        self.moment, self.steps = BEGAN, steps

    def now(self) -> float:
        return self.moment

    def wall(self) -> float:
        return self.moment + sum(by for at, by in self.steps if BEGAN + at <= self.moment)

    def wait(self, moment: float) -> None:
        self.moment = max(self.moment, moment)


def html(content: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/html"}, text=content)


def png(content: bytes) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "image/png"}, content=content)


@dataclass
class VirtualApp(httpx.BaseTransport):
    """An app with a picture of `ttl` seconds; times are in seconds after the run's begin.

    `graces` views get the old picture after its time. With `timer` it is renewed whoever visits, first at
    `phase`; else the first picture is as old as `phase` at the begin. `slow` gives how long a visit takes.
    `by_wall` apps go by the machine's clock. `fault` changes the answer of a visit. Visits count from 1.
    `others` are what other addresses lead to, `asked` the paths that were asked for.
    """

    clock: SystemClock = field(default_factory=VirtualClock)
    ttl: float = 600.0
    graces: float = 1
    timer: bool = False
    late: float = 0.0
    phase: float = 0.0
    slow: Callable[[int], float] = lambda _: 0.02
    by_wall: bool = True
    decides: str = "page"
    page: Callable[["VirtualApp"], str] = lambda app: f'<img src="/p">{app.labels()}'
    others: dict[str, Callable[["VirtualApp"], bytes]] = field(default_factory=dict)
    fault: Callable[["VirtualApp", int], httpx.Response | None] = lambda *_: None
    labelled: bool = False
    clock_ahead: float = 0.0
    cookie: bool = False
    encoded: bool = False
    kept: bool = True
    visits: int = 0
    counted: int = 0
    number: int = 1
    spent: int = 0
    path: str = ""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = self.time()
        self.born = self.began - self.phase

    def time(self) -> float:
        return self.clock.wall() if self.by_wall else self.clock.now()

    def restart(self) -> Callable[[], bool]:
        if not self.kept:
            self.renew()
        return self.crash()

    def crash(self) -> Callable[[], bool]:
        until = self.clock.now() + 5
        return lambda: self.clock.now() >= until

    def look(self, history: History) -> list[File]:
        return [File(name="p.png", size=1, modified=self.born, body=history.keep(picture(self.number)))]

    def renew(self) -> None:
        self.number, self.born, self.spent, self.counted = self.number + 1, self.time(), 0, 0

    def age(self) -> float:
        return self.time() - self.born

    def turn(self) -> None:
        """What time does to the picture."""
        if self.timer:
            passed = self.time() - self.began - self.phase
            number = 1 if passed < 0 else 2 + int(max(0.0, passed - self.late) / (self.ttl + self.late))
            if number != self.number:
                self.number, self.counted = number, 0

    def view(self) -> None:
        """What a view does to a picture that is too old."""
        if not self.timer and self.age() > self.ttl:
            self.spent += 1
            if self.spent > self.graces:
                self.renew()

    def labels(self) -> str:
        if not self.labelled:
            return ""

        def said(moment: float) -> str:
            return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(moment + self.clock_ahead))

        word = "Valid" if self.age() <= self.ttl else "Grace period"
        return (
            f"Image Download time: {said(self.born)} Image Expiry time: {said(int(self.born) + self.ttl)} "
            f"Site Access count: {self.visits} Image Access count: {self.counted} "
            f"Last Site Access: {said(self.time())} Status: {word}"
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.path = request.url.path
        self.asked.append(self.path)
        self.turn()
        if self.path == "/":
            self.visits += 1
            if self.decides == "page":
                self.view()
            self.counted += 1
        answer = self.fault(self, self.visits) or self.answer(request)
        self.turn()
        return answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, content = self.path, self.page(self)
        self.clock.wait(self.clock.now() + self.slow(self.visits) / 2)
        if path == "/":
            answer = html(content)
            if self.cookie:
                answer.headers["set-cookie"] = f"visit={self.visits}"
            return answer
        self.turn()
        if self.cookie and request.headers.get("cookie") != f"visit={self.visits}":
            return httpx.Response(403, text="no visitor")
        if path in self.others:
            return png(self.others[path](self))
        if not path.startswith("/p"):
            return httpx.Response(404, text="not here")
        if self.decides == "picture" and not self.graces:
            self.view()
        body = picture(self.number, next(NUMBERS) if self.encoded else 0)
        if self.decides == "picture" and not self.timer and self.age() > self.ttl:
            self.spent += 1
            if self.spent >= self.graces:
                self.renew()
        return png(body)


def played(app: VirtualApp, *, restart: bool = False, url: str = URL, **options: object) -> Run:
    """Returns a run that is over."""
    acts = {"restart": app.restart} if restart else {}
    known = {"url": url, "ttl": app.ttl, "acts": acts} | options
    asked = App(**known)  # type: ignore[arg-type]
    run = Run(asked, app.clock, client=Client(url, transport=app, now=app.clock.now))
    run.play()
    return run


def judged(app: VirtualApp, *, restart: bool = False, **options: object) -> Verdict:
    """Returns the verdict on a whole run."""
    return judge(played(app, restart=restart, **options).history)  # type: ignore[arg-type]


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {result.name: result.outcome.value for result in verdict.scenarios}


def reason(verdict: Verdict, name: str) -> str:
    return next(result.reason for result in verdict.scenarios if result.name == name)


def said(verdict: Verdict) -> str:
    """All that a verdict says, for a test that fails."""
    lines = [
        f"{result.name}: {result.outcome.value}: {result.reason} {result.notes}"
        for result in verdict.scenarios
    ]
    return "\n".join([f"{verdict.outcome.value} after {verdict.seconds:.0f} s", *lines])


@contextmanager
def served(app: VirtualApp) -> Iterator[str]:
    """Serves `app`, one request at a time; gives its address."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                answer = app.handle_request(httpx.Request("GET", f"http://app{self.path}"))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Nothing is written to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

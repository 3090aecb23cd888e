"""An imitation of the ways in which apps of the course differ, on 127.0.0.1, with its image service."""

import base64
import contextlib
import io
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image

NUMBERS = itertools.count()

BLOB = """<div id="root"></div><script>
fetch("/image").then(answer => answer.blob()).then(blob => {
  const image = document.createElement("img");
  image.src = URL.createObjectURL(blob);
  document.getElementById("root").append(image);
});
</script>"""

REACT = """<div id="root"></div><img src="/logo.svg"><script>
setTimeout(() => {
  const image = document.createElement("img");
  image.src = "/image?of=" + Date.now();
  document.getElementById("root").append(image);
}, 50);
</script>"""


def picture(size: int = 64) -> bytes:
    """A PNG that there was never before."""
    made = io.BytesIO()
    Image.effect_noise((size, size), 40 + next(NUMBERS) / 997).save(made, "PNG")
    return made.getvalue()


@dataclass
class Imitation:
    """`show` is how the page shows the picture, `renew` what makes a new one come.

    `show`: img, far (hotlink to the service), react, blob, data, none, error, drip (a page without an end).
    `renew`: grace (as documented), view (no grace), before and after (in the background, begun before and
    after the answer), timer, never. `labels`: right or unreset. `late`: seconds by which a timer is late.
    `behind` is how far the labels' zone is from UTC.
    """

    ttl: float = 8.0
    show: str = "img"
    renew: str = "grace"
    labels: str = ""
    directory: Path | None = None
    late: float = 0.0
    behind: float = 0.0
    views: int = 0
    picture_views: int = 0
    spent: bool = False
    since: float = 0.0
    body: bytes = b""
    asked: list[tuple[float, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    service: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def command(self, what: str = "restart") -> str:
        """A command that restarts or breaks it."""
        return f"{sys.executable} -c \"import urllib.request as r; r.urlopen('{self.service}/{what}')\""

    def start(self) -> None:
        """The process begins: what is not on the volume is new."""
        self.body, self.since, self.spent = b"", 0.0, False
        file = self.directory / "cache" / "picture.png" if self.directory else None
        if file and file.exists():
            self.body, self.since = file.read_bytes(), file.stat().st_mtime
        else:
            self.fetch()

    def fetch(self) -> None:
        (
            self.body,
            self.since,
            self.spent,
        ) = picture(), time.time(), False
        if self.labels != "unreset":
            self.picture_views = 0
        if self.directory:
            (self.directory / "cache").mkdir(exist_ok=True)
            (self.directory / "cache" / "picture.png").write_bytes(self.body)

    @property
    def old(self) -> bool:
        return time.time() - self.since > self.ttl

    def tick(self) -> None:
        """What a timer does, some times a second."""
        if self.body and time.time() - self.since > self.ttl + self.late:
            self.fetch()

    def page(self) -> tuple[str, bool]:
        """The page, and whether the picture is renewed when it has been sent."""
        after = False
        if not self.body:
            self.fetch()
        if self.old and self.renew == "grace" and not self.spent:
            self.spent = True
        elif self.old and self.renew in {"grace", "view", "before"}:
            self.fetch()
        elif self.old and self.renew in {"after", "late"}:
            after = self.renew == "after" or self.spent
            self.spent = True
        self.views += 1
        self.picture_views += 1
        shown = {
            "img": '<img src="/icon.png"><img src="/image" alt="picture">',
            "far": f'<img src="{self.service}/500">',
            "react": REACT,
            "blob": BLOB,
            "data": f'<img src="data:image/png;base64,{base64.b64encode(self.body).decode()}">',
            "none": "<p>To do</p>",
        }[self.show]
        return f"<html><title>Todo</title><body><h1>Todo</h1>{shown}{self.told()}</body></html>", after

    def told(self) -> str:
        if not self.labels:
            return ""
        download, expiry, now = (
            time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(moment + self.behind))
            for moment in (self.since, self.since + self.ttl, time.time())
        )
        return (
            f"<div><b>Metadata</b><br/>Image Download time: {download}<br/>Image Expiry time: {expiry}<br/>"
            f"Site Access count: {self.views}<br/>Image Access count: <i>{self.picture_views}</i><br/>"
            f"Last Site Access: {now}<br/>Status: {'Grace period' if self.spent else 'Valid'}<br/></div>"
        )


class _Handler(BaseHTTPRequestHandler):
    app: Imitation
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Not told."""

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def drip(self) -> None:
        """A byte now and then, for as long as somebody reads them."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            while True:
                self.wfile.write(b"<")
                time.sleep(0.02)

    def do_GET(self) -> None:
        app = self.app
        path = self.path.partition("?")[0]
        app.asked.append((time.time(), self.path, dict(self.headers)))
        if app.show == "error":
            self.answer(500, "text/html", b"<img src='/image'>")
        elif app.show == "drip":
            self.drip()
        elif path == "/":
            with app.lock:
                html, after = app.page()
            self.answer(200, "text/html; charset=utf-8", html.encode())
            if after:
                time.sleep(0.03)
                app.fetch()
        elif path == "/icon.png":
            self.answer(200, "image/png", picture(16))
        elif path == "/image":
            self.answer(200, "image/png", app.body)
        else:
            self.answer(404, "text/plain", b"no")


class _Service(_Handler):
    def do_GET(self) -> None:
        if self.path == "/restart":
            self.app.start()
        if self.path == "/break":
            self.app.show = "error"
        self.answer(200, "image/png", picture())


@contextlib.contextmanager
def imitation(app: Imitation) -> Iterator[Imitation]:
    """Serves `app`, and the image service that it knows."""
    with contextlib.ExitStack() as running:
        urls = []
        for kind in (_Handler, _Service):
            handler = type("Handler", (kind,), {"app": app})
            server = running.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            running.callback(thread.join)
            running.callback(server.shutdown)
            urls.append(f"http://127.0.0.1:{server.server_port}")
        app.url, app.service = urls[0], urls[1].replace("127.0.0.1", "localhost")
        ending = threading.Event()

        def tick() -> None:
            while not ending.wait(0.02):
                app.tick()

        if app.renew == "timer":
            timer = threading.Thread(target=tick)
            timer.start()
            running.callback(timer.join)
            running.callback(ending.set)
        yield app

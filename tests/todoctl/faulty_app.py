"""An app over real HTTP that can be given faults, to show that a validation finds them.

It is the contract in small, kept in memory. Never a proof that the real app works: that is what the
tests with the real one are for.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from todoctl.home import Home
from todoctl.settings import Settings
from todoctl.target import File, Finding, Listing, Progress

FAULTS = {
    "another picture while valid": "valid",
    "no grace": "grace",
    "never renews": "renew",
    "image count is never reset": "renew",
    "never fetches": "fresh",
    "counts twice": "valid",
    "labels differ": "valid",
    "wrong expiry": "fresh",
    "loses a count on restart": "restart",
    "new picture on restart": "restart",
    "restart does nothing": "restart",
    "gap in the rollout": "restart",
    "volume is not mounted": "mount",
    "another copy of the volume": "mount",
    "no metadata file": "mount",
}
"""Every fault, and the scenario that has to fail because of it."""


class FaultyApp:
    """The contract's state and rules, with `fault` (one of `FAULTS`, or none) built in."""

    def __init__(self, ttl: float, fault: str = "") -> None:
        self.ttl = ttl
        self.fault = fault
        self.lock = threading.RLock()
        self.down = False
        self.before_view: Callable[[], None] = lambda: None
        self.clear()

    def clear(self) -> None:
        self.picture = b""
        self.downloaded_at: float | None = None
        self.last_access_at: float | None = None
        self.grace_used = False
        self.views = self.image_views = 0

    @property
    def status(self) -> str:
        if self.downloaded_at is None:
            return "empty"
        if time.time() < self.downloaded_at + self.ttl:
            return "valid"
        return "grace" if self.grace_used else "expired"

    def fetch(self) -> None:
        self.downloaded_at = time.time()
        self.picture = f"picture {self.downloaded_at}".encode()
        self.grace_used = False
        if self.fault != "image count is never reset":
            self.image_views = 0

    def view(self) -> None:
        with self.lock:
            status = self.status
            if status == "expired" and self.fault != "no grace":
                self.grace_used = True
            elif status == "valid":
                if self.fault == "another picture while valid":
                    self.picture += b"!"
            elif self.fault != "never fetches" and not (status == "grace" and self.fault == "never renews"):
                self.fetch()
            by = 2 if self.fault == "counts twice" else 1
            self.views += by
            self.image_views += by
            self.last_access_at = time.time()

    def restarted(self) -> None:
        if self.fault == "loses a count on restart":
            self.views -= 1
        if self.fault == "new picture on restart":
            self.fetch()

    def state(self) -> dict[str, Any]:
        expires = None if self.downloaded_at is None else self.downloaded_at + self.ttl
        if expires and self.fault == "wrong expiry":
            expires += 1
        return {
            "status": self.status,
            "downloaded_at": self.downloaded_at,
            "expires_at": expires,
            "last_access_at": self.last_access_at,
            "ttl": self.ttl,
            "grace_used": self.grace_used,
            "access_count": self.views,
            "image_access_count": self.image_views,
            "image": {
                "sha256": hashlib.sha256(self.picture).hexdigest(),
                "content_type": "image/jpeg",
                "size": len(self.picture),
            }
            if self.picture
            else None,
            "source": "sample:",
            "last_error": None,
        }

    def page(self) -> str:
        state = self.state()
        words = {"valid": "Valid", "grace": "Grace period"}.get(state["status"], "No picture yet")
        count = state["access_count"] + (1 if self.fault == "labels differ" else 0)
        rows: list[tuple[str, object]] = [
            ("Image Download time", _time(state["downloaded_at"])),
            ("Image Expiry time", _time(state["expires_at"])),
            ("Site Access count", state["access_count"]),
            ("Image Access count", count if self.fault == "labels differ" else state["image_access_count"]),
            ("Last Site Access", _time(state["last_access_at"])),
            ("Status", words),
        ]
        return (
            "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows) + "</dl>"
        )


def _time(moment: float | None) -> str:
    if moment is None:
        return "–"
    stamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'<time datetime="{stamp}">{stamp}</time>'


def _handler(app: FaultyApp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if app.down:
                self._answer(502, b"", "text/plain")
            elif self.path == "/":
                app.before_view()
                with app.lock:
                    app.view()
                    self._answer(200, app.page().encode(), "text/html; charset=utf-8")
            elif self.path == "/api/cache":
                self._answer(200, json.dumps(app.state()).encode(), "application/json")
            elif self.path == "/image":
                self._answer(200, app.picture, "image/jpeg")
            else:
                self._answer(200, b"ok", "text/plain")

        def do_HEAD(self) -> None:
            self.send_response(502 if app.down else 200)
            self.end_headers()

        def _answer(self, code: int, body: bytes, kind: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Handler


class FaultyTarget:
    """A target in memory that rolls: enough of one to play the scenarios on."""

    name = "faulty"
    rolling = True

    def __init__(self, app: FaultyApp, settings: Settings, home: Home) -> None:
        self.app = app
        self.directory = home.path / self.name
        self.restarts = 0
        self.aside: dict[str, Any] | None = None
        self.started_with: list[Settings] = []
        self._settings = settings

    def findings(self, port: int) -> list[Finding]:
        return []

    def settings(self) -> Settings | None:
        return self._settings

    def up(self, settings: Settings, progress: Progress) -> bool:
        raise NotImplementedError

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        raise NotImplementedError

    def instances(self) -> frozenset[str]:
        return frozenset({f"instance {self.restarts}"})

    def details(self) -> dict[str, str]:
        return {}

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        return iter(())

    def restart(self) -> None:
        seen = self.app.views
        deadline = time.monotonic() + 30
        while self.app.views < seen + 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.app.fault == "gap in the rollout":
            self.app.down = True
            time.sleep(0.3)
            self.app.down = False
        if self.app.fault != "restart does nothing":
            self.restarts += 1
        with self.app.lock:
            self.app.restarted()

    def stop(self) -> None:
        self.app.down = True

    def start(self, settings: Settings) -> None:
        self.started_with.append(settings)
        self.app.ttl = settings.ttl
        self.app.down = False
        self.restarts += 1

    def listings(self) -> tuple[Listing, Listing]:
        files = [File(name="cached_image.jpg", size=len(self.app.picture), modified=1)]
        if self.app.fault != "no metadata file":
            files.insert(0, File(name="cache_metadata.json", size=10, modified=1))
        inside = [] if self.app.fault == "volume is not mounted" else list(files)
        if self.app.fault == "another copy of the volume":
            inside[-1] = File(name="cached_image.jpg", size=len(self.app.picture), modified=2)
        return Listing(seen_from="host", files=tuple(files)), Listing(seen_from="app", files=tuple(inside))

    def is_set_aside(self) -> bool:
        return self.aside is not None

    def set_aside(self) -> None:
        self.aside = {
            name: getattr(self.app, name)
            for name in ("picture", "downloaded_at", "last_access_at", "grace_used", "views", "image_views")
        }
        self.app.clear()

    def empty(self) -> None:
        self.app.clear()

    def put_back(self) -> None:
        for name, value in (self.aside or {}).items():
            setattr(self.app, name, value)
        self.aside = None


@contextmanager
def serve(app: FaultyApp) -> Iterator[str]:
    """The app over HTTP on a random port; gives its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(app)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def faulty_target(home: Path, fault: str = "", ttl: float = 600.0) -> Iterator[FaultyTarget]:
    """A target whose app answers over HTTP on a random port."""
    app = FaultyApp(ttl, fault)
    with serve(app) as url:
        settings = Settings(port=int(url.rsplit(":", 1)[1]), ttl=ttl, image_url="sample:")
        yield FaultyTarget(app, settings, Home(home))

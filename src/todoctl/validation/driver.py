"""Acts on the app and observes it: all that is done and seen is written into the history."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.evidence import pages as reading
from todoctl.evidence.history import (
    Act,
    ClockStep,
    Download,
    Event,
    File,
    History,
    Log,
    Op,
    Request,
    Role,
    Volume,
)
from todoctl.evidence.http import Client, Got, at_once
from todoctl.evidence.pages import STATE, Observation, joined, or_none
from todoctl.evidence.times import Span, now
from todoctl.image_service.client import Controlled
from todoctl.image_service.service import ResponseMode
from todoctl.settings import Settings
from todoctl.targets.base import Endpoint, Target, View
from todoctl.targets.base import File as Content
from todoctl.validation import contents
from todoctl.validation.claims import LOG_LINES
from todoctl.validation.probes import PARTS, PROBES

REPLACED = "What runs the app was replaced, and not by todoctl"

CLOCK_STEP = 0.1
"""Seconds by which this machine's clock differs from its own progress where somebody has set it."""

INTERVAL_SECONDS = 0.05
"""Between two page views of a stream."""

Written = TypeVar("Written", bound=Event)


class Driver:
    """Acts on the app on `target`, which visitors reach by `endpoint`; `service` is an image service of ours.

    `deployed` is what `up` was asked for, `settings` what runs now.
    """

    def __init__(
        self,
        target: Target,
        endpoint: Endpoint,
        history: History,
        deployed: Settings,
        service: Controlled | None,
    ) -> None:
        self.target = target
        self.history = history
        self.service = service
        self.deployed = deployed
        self.settings = replace(deployed, image_url=service.url if service else deployed.image_url)
        self.full = history.facts.full
        self.scenario = ""
        self.urls = [endpoint.url]
        """The addresses that are asked in turn."""
        self.fresh: Span | None = None
        """When the present picture was downloaded, by todoctl's clock."""
        self.viewed = 0.0
        """When the last page view was answered."""
        self.detached = False
        """Whether the volume is out of reach."""
        self.needs_restart = False
        """Whether it is not known how the app stands: an act failed, or somebody else has acted."""
        self.interruption = ""
        """What came in between since the scenario began, and makes it worth another try."""
        self._endpoint = endpoint
        self._clients: dict[str, Client] = {}
        self._turn, self._visits, self._looks = itertools.count(), itertools.count(1), itertools.count(1)
        self._shown: tuple[str | None, Span | None] = None, None
        """The picture's SHA-256, and when the app says it was downloaded."""
        self._served = 0
        self._readers = ThreadPoolExecutor(2)
        self._views: tuple[View, View] | None = None
        self._running: frozenset[str] | None = None
        """What runs the app, as far as todoctl knows: None while it is being changed."""
        self._known_since = 0.0
        self._step, self._checked = time.time() - now(), now()
        """How far this machine's clock was set since todoctl began (seconds), and when that was seen."""

    def close(self) -> None:
        self._readers.shutdown()
        for client in self._clients.values():
            client.close()

    def _write(self, kind: type[Written], begin: float, end: float = 0.0, **fields: Any) -> Written:  # noqa: ANN401 - of `kind`
        """Writes an event down, which ends now where no end is given."""
        self._watch_clock()
        event = kind(begin=begin, end=end or now(), scenario=self.scenario, **fields)
        self.history.events.append(event)  # type: ignore[arg-type]  # it is one of the kinds
        return event

    def _watch_clock(self) -> None:
        """Writes down that this machine's clock was set, which the app's may be as well."""
        step, before = time.time() - now() - self._step, self._checked
        self._checked = now()
        if abs(step) > CLOCK_STEP:
            self._step += step
            self.interruption = f"This machine's clock was set by {step:+.1f} s"
            self.needs_restart = True
            self._write(ClockStep, before, self._checked, by=step)

    # Requests

    def ask(self, role: Role, method: str, path: str, **fields: Any) -> Request:  # noqa: ANN401 - of a Request
        """Sends a request, and writes down what came of it, or that there was no answer."""
        url = self._next_url()
        if url not in self._clients:
            self._clients[url] = Client(url, transport=self._endpoint.transport, now=now)
        got = self._clients[url].fetch(method, urljoin(url, path), headers=fields.get("sent", ()))
        return self._asked(got, url, role=role, method=method, url=path, **fields)

    def _asked(self, got: Got, server: str, **fields: Any) -> Request:  # noqa: ANN401 - of a Request
        answer = None if got.error else self.history.answer(got.status, got.headers, got.body)
        fields["server"] = "" if server == self._endpoint.url else urlsplit(server).netloc
        return self._write(Request, got.begin, got.end, answer=answer, error=got.error, **fields)

    def _next_url(self) -> str:
        return self.urls[next(self._turn) % len(self.urls)]

    def probe(self, name: str, *sent: tuple[str, str], path: str = "") -> Request:
        """Sends one of `PROBES`, to another `path` where one is given."""
        probe = PROBES[name]
        return self.ask(Role.PROBE, probe.method, path or probe.path, sent=[*sent], probe=name)

    def view(self, *, crowd: str = "") -> Request:
        """Views the page, and looks at nothing else."""
        request = self.ask(Role.PAGE, "GET", "/", visit=next(self._visits), crowd=crowd)
        self.viewed = request.end
        return request

    def picture(self, address: str = "/image", visit: int = 0) -> Request:
        """Asks for the picture that a page names, at the app: never elsewhere."""
        path = joined("/", address)
        if urlsplit(path).netloc and urlsplit(path).netloc != urlsplit(self._endpoint.url).netloc:
            path = "/image"
        return self.ask(Role.PICTURE, "GET", path, visit=visit)

    def crowd(self, number: int) -> None:
        """Views the page with `number` visitors at once."""
        name = f"crowd {next(self._visits)}"
        if self._endpoint.transport is not None:  # all of them go through the same pod
            with ThreadPoolExecutor(number) as visitors:
                list(visitors.map(lambda _: self.view(crowd=name), range(number)))
            return
        servers = [self._next_url() for _ in range(number)]
        came = at_once([urljoin(server, "/") for server in servers], now=now)
        for got, server in sorted(zip(came, servers, strict=True), key=lambda pair: pair[0].end):
            fields = {"visit": next(self._visits), "crowd": name}
            self._asked(got, server, role=Role.PAGE, method="GET", url="/", **fields)

    def visit(self, *, parts: bool = False) -> Observation:
        """Views the page and all that can be seen after it; returns what the page says.

        With `parts`, loads all that a browser loads for the page.
        """
        request = self.view()
        observed = Observation()
        if request.answer is not None:
            page = reading.answered(self.history, request.answer)
            observed = page.observed
            if page.picture is not None and observed.status != "empty":
                self.picture(page.picture, request.visit)
            for name, address in page.parts if parts else ():
                if name in PARTS and not address.startswith("data:"):
                    self.probe(name, path=urlsplit(joined("/", address)).path)
        if not self.detached:
            self.look_at_volume()  # first: a look at the cache may save what was not saved yet
        self.look(since=request.begin)
        return observed

    # Looks

    def look(self, *, since: float | None = None) -> Observation:
        """Looks at the cache's state; `since` is from when on a picture that is new may have come."""
        request = self.ask(Role.CACHE, "GET", "/api/cache")
        if request.answer is None:
            return Observation()
        read = reading.document(self.history.bodies[request.answer.body], STATE)
        image = read.rest.get("image")
        picture = image.get("sha256") if isinstance(image, dict) else None
        observed = replace(read.observed, picture=picture)
        shown = picture, or_none(observed.downloaded)
        if shown != self._shown:
            self._shown = shown
            self.fresh = None
            if picture is not None:
                self.fresh = Span(self._downloaded(since or request.begin), request.end)
        return observed

    def _downloaded(self, since: float) -> float:
        """When the present picture was asked for, which is known where the image service is our own."""
        self.note_downloads()
        served = (
            event
            for event in reversed(self.history.events)
            if isinstance(event, Download) and event.begin >= since
        )
        return next((event.begin for event in served if event.picture == self._shown[0]), since)

    def page_seconds(self) -> float:
        """Returns how long the quickest of the last page views took, 0 before the first."""
        views = [
            event.end - event.begin
            for event in self.history.events[-200:]
            if isinstance(event, Request) and event.role is Role.PAGE and event.answer and not event.crowd
        ]
        return min(views[-5:], default=0.0)

    def look_at_volume(self) -> None:
        """Looks at the volume from the host and from the app."""
        number = next(self._looks)
        self._views = self._views or self.target.volume.views()
        for began, ended, view, files in list(self._readers.map(_timed, self._views)):
            seen = [
                File(name=one.name, size=one.size, modified=one.modified, body=self.history.keep(one.content))
                for one in files
            ]
            self._write(Volume, began, ended, seen_from=view.seen_from, look=number, files=seen)

    def look_at_log(self) -> None:
        began = now()
        self._write(Log, began, lines=list(self.target.logs(follow=False, lines=LOG_LINES)))

    def note_downloads(self) -> None:
        """Writes down what the image service was asked for since the last time."""
        served = self.service.served() if self.service else []
        for one in served[self._served :]:
            picture = self.history.keep(one.picture) if one.picture else ""
            fields = {"way": one.mode.value, "picture": picture, "retry_after": one.retry_after}
            self._write(Download, one.begin, one.end, **fields)
        self._served = len(served)

    # Somebody else's doing

    def watch(self) -> None:
        """Takes what runs the app now for what todoctl has left there, unless it knows that already."""
        self._watch_clock()
        self.interruption = ""
        if self._running is None:
            self._known_since = now()
            self._running = self.target.instances()

    def note_disturbance(self) -> None:
        """Writes down since when it is not known what ran the app, if so.

        An app can end by itself, but its pod is replaced by those who may: a drain, a rollout, a deletion.
        And where an act did not come to its end, what was seen meanwhile may be the act's doing.
        """
        if not self.target.traits.rolling:
            return
        if self._running is None:
            self._disturbed(Op.FAILED, frozenset(), frozenset())
            return
        with suppress(TodoctlError):
            known, running = self._running, self.target.instances()
            if running != known:
                self._disturbed(Op.REPLACED, known, running)
                self.interruption = REPLACED

    def _disturbed(self, what: Op, before: frozenset[str], after: frozenset[str]) -> None:
        self.needs_restart, self._running, self._views = True, None, None
        self._write(Act, self._known_since, what=what, before=sorted(before), after=sorted(after))

    # Acts

    @contextmanager
    def _acting(self, what: Op) -> Iterator[dict[str, Any]]:
        """Around an act, which is written down when it is done; what the block gets are its fields.

        Raises `UnavailableError` where others have replaced what runs the app.
        """
        began, running = now(), self.target.instances()
        if self.target.traits.rolling and self._running is not None and running != self._running:
            raise UnavailableError(
                REPLACED,
                why=f"{', '.join(sorted(running)) or 'nothing'} runs it now",
                fix="Validate when nobody else restarts, deletes or drains it",
            )
        self._known_since, self._running = began, None
        fields: dict[str, Any] = {"files": {}}
        yield fields
        self._running = self.target.instances()
        fields["files"] = {
            name: "" if content is None else self.history.keep(content)
            for name, content in fields["files"].items()
        }
        fields |= {"before": sorted(running), "after": sorted(self._running)}
        act = self._write(Act, began, what=what, ttl=self.settings.ttl, source=self.settings.source, **fields)
        self._known_since, self._views = act.end, None

    def start(
        self,
        ttl: float,
        *,
        emptied: bool = False,
        what: Op = Op.START,
        make: Callable[[contents.Files], contents.Files] | None = None,
    ) -> None:
        """Stops and starts the app, with another TTL or on an empty volume; the user's is put back later.

        Files are put there in between, which `make` makes of those that the app has left. On a volume of our
        own it is stopped without notice: nothing that it has there is kept.
        """
        began, aside = now(), self.target.volume.is_set_aside()
        if aside and not self.needs_restart:
            self.look_at_log()
        with self._acting(what) as act:
            self.target.stop(at_once=aside)
            act["stopped"] = now()
            self.note_downloads()
            files = self._files() if make else {}
            if emptied or not aside:
                self.target.volume.clear()
            act["emptied"] = emptied = emptied or not aside
            act["files"] = self._put(make(files) if make else {})
            self.settings = replace(self.settings, ttl=self.deployed.ttl if self.full else ttl)
            self.target.start(self.settings)
            if emptied:
                self.fresh, self._shown = None, (None, None)
                self.detached = self.needs_restart = False
        self.look(since=began)

    def restart(self, *, under_views: bool = False) -> None:
        """Restarts the app the documented way; `under_views` where that leaves no gap."""
        with (
            self._acting(Op.RESTART),
            streaming(self.view, running=under_views and self.target.traits.rolling),
        ):
            self.target.restart()

    def kill(self) -> None:
        """Ends the app without notice, and lets it come back."""
        with self._acting(Op.KILL):
            self.target.restart(at_once=True)

    def change(self, what: Op, make: Callable[[contents.Files], contents.Files]) -> None:
        """Changes files under the app that runs: `make` gives them, given those that are there."""
        with self._acting(what) as act:
            act["files"] = self._put(make(self._files()))

    def _put(self, files: contents.Files) -> contents.Files:
        for name, content in files.items():
            self.target.volume.put(name, content)
        return files

    def _files(self) -> contents.Files:
        return {file.name: file.content for file in self.target.volume.host().read()}

    def scale(self, number: int) -> None:
        """Runs the app `number` times on its one volume; requests go to each in turn."""
        with self._acting(Op.SCALE):
            self.urls = [self._endpoint.url]
            self.urls = self.target.scale(number)

    def detach(self) -> None:
        """Takes the volume out of the reach of the app that runs."""
        with self._acting(Op.DETACH):
            self.target.volume.detach()
            self.detached = True

    def attach(self) -> None:
        """Gives it back."""
        with self._acting(Op.ATTACH):
            self.target.volume.attach()
            self.detached = False

    def serve(self, mode: ResponseMode) -> None:
        """Lets the image service answer in another way from now on."""
        if self.service is not None:
            began = now()
            self.service.answer(mode)
            self._write(Act, began, what=Op.SERVE, source=self.settings.source, way=mode.value)


def _timed(view: View) -> tuple[float, float, View, list[Content]]:
    began = now()
    files = view.read()
    return began, now(), view, files


@contextmanager
def streaming(view: Callable[[], object], *, running: bool = True) -> Iterator[None]:
    """Views the page again and again until the end of the block, as visitors do while a site changes."""
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

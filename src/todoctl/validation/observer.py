"""Looking at the app, and writing down what was seen."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

from todoctl.evidence import pages as reading
from todoctl.evidence.history import Download, File, History, Log, Role, Volume
from todoctl.evidence.pages import STATE, Observation, joined, or_none
from todoctl.evidence.times import Span
from todoctl.targets.base import ImageService, Target
from todoctl.targets.volume import Side
from todoctl.validation.contract import LOG_LINES, PARTS
from todoctl.validation.visitor import Visitors


class Observer:
    """Looks at the app on `target`, and at `service`, the image service, where that is todoctl's own."""

    def __init__(
        self, target: Target, visitors: Visitors, history: History, service: ImageService | None
    ) -> None:
        self.target = target
        self.visitors = visitors
        self.history = history
        self.service = service
        self.fresh: Span | None = None
        """When the present picture was downloaded, by todoctl's clock."""
        self.detached = False
        """Whether the volume is out of reach."""
        self._shown: tuple[str | None, Span | None] = None, None
        """The picture's SHA-256, and when the app says it was downloaded."""
        self._looks = itertools.count(1)
        self._served = 0
        self._readers = ThreadPoolExecutor(2)
        self._sides: tuple[Side, Side] | None = None

    @property
    def scenario(self) -> str:
        return self.visitors.scenario

    def close(self) -> None:
        self._readers.shutdown()

    def visit(self, *, parts: bool = False) -> Observation:
        """A page view and all that can be seen after it; returns what the page tells.

        With `parts`, all that a browser loads for the page.
        """
        request = self.visitors.view()
        told = Observation()
        if request.answer is not None:
            page = reading.answered(self.history, request.answer)
            told = page.observed
            if page.picture is not None and told.status != "empty":
                self.visitors.picture(page.picture, request.visit)
            for name, address in page.parts if parts else ():
                if name in PARTS and not address.startswith("data:"):
                    self.visitors.probe(name, path=urlsplit(joined("/", address)).path)
        if not self.detached:
            self.look_at_volume()  # first: a look at the cache may save what was not saved yet
        self.look(since=request.begin)
        return told

    def look(self, *, since: float | None = None) -> Observation:
        """The cache's state; never an access. `since` is from when on a picture that is new may have come."""
        request = self.visitors.ask(Role.CACHE, "GET", "/api/cache")
        if request.answer is None:
            return Observation()
        read = reading.document(self.history.bodies[request.answer.body], STATE)
        image = read.rest.get("image")
        picture = image.get("sha256") if isinstance(image, dict) else None
        told = replace(read.observed, picture=picture)
        shown = picture, or_none(told.downloaded)
        if shown != self._shown:
            self._shown = shown
            self.fresh = None
            if picture is not None:
                self.fresh = Span(self._downloaded(since or request.begin), request.end)
        return told

    def _downloaded(self, since: float) -> float:
        """When the present picture was asked for, which is known where the image service is our own."""
        self.note_downloads()
        served = [
            event for event in self.history.events if isinstance(event, Download) and event.begin >= since
        ]
        return next((event.begin for event in reversed(served) if event.picture == self._shown[0]), since)

    def look_at_volume(self) -> None:
        """Both sides of the volume."""
        number = next(self._looks)
        self._sides = self._sides or self.target.volume.sides()
        self.history.events += self._readers.map(lambda side: self._read(side, number), self._sides)

    def look_elsewhere(self) -> None:
        """Another process or pod may run the app now, so the volume has another side."""
        self._sides = None

    def _read(self, side: Side, look: int) -> Volume:
        began = time.time()
        files = [
            File(name=file.name, size=file.size, modified=file.modified, body=self.history.keep(file.content))
            for file in side.read()
        ]
        return Volume(
            begin=began,
            end=time.time(),
            scenario=self.scenario,
            seen_from=side.seen_from,
            look=look,
            files=files,
        )

    def look_at_log(self) -> None:
        began = time.time()
        lines = list(self.target.logs(follow=False, lines=LOG_LINES))
        self.history.events.append(Log(begin=began, end=time.time(), scenario=self.scenario, lines=lines))

    def note_downloads(self) -> None:
        """Writes down what the image service was asked for since the last time."""
        if self.service is None:
            return
        served = self.service.served()
        for one in served[self._served :]:
            self.history.events.append(
                Download(
                    begin=one.begin,
                    end=one.end,
                    scenario=self.scenario,
                    way=one.way.value,
                    picture=self.history.keep(one.picture) if one.picture else "",
                    retry_after=one.retry_after,
                )
            )
        self._served = len(served)

    def forget(self) -> None:
        """There is no picture any more."""
        self.fresh, self._shown = None, (None, None)

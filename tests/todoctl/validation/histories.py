"""Histories of an app that never ran: made from the model, one step after the other."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.todoctl.validation.pages import BEGAN, SECURITY, SOURCE, Told, png
from todoctl.evidence.history import (
    Act,
    Answer,
    Download,
    Event,
    Facts,
    File,
    History,
    Op,
    Play,
    Request,
    Role,
    Volume,
)
from todoctl.evidence.times import Span
from todoctl.validation import model as policy
from todoctl.validation.claims import CLAIMS
from todoctl.validation.model import Fetch, Kind, State

Change = Callable[[Told], None]


@dataclass
class Script:
    """Writes a history; `now` is the app's clock, `ahead` seconds ahead of todoctl's.

    `asks` is the `Retry-After` of an image service that fails.
    """

    ttl: float = 10.0
    ahead: float = 0.0
    now: float = BEGAN
    asks: str = ""
    state: State = policy.EMPTY
    fetches: list[Fetch] = field(default_factory=list)
    history: History = field(init=False)

    def __post_init__(self) -> None:
        facts = Facts(
            target="made",
            url="http://localhost:1",
            ttl=self.ttl,
            source=SOURCE,
            directory="/cache",
            rolling=False,
            full=False,
            began_at=self.now - self.ahead,
        )
        self.history = History(facts=facts)
        serve = Act(**self._when(0, 0), what=Op.SERVE, source=SOURCE, way="picture")
        self.history.events.append(serve)

    def _when(self, before: float, after: float) -> dict[str, Any]:
        at = self.now - self.ahead
        return {"begin": at - before, "end": at + after, "scenario": "made"}

    def wait(self, seconds: float) -> None:
        """Until a moment at which it is certain whether the picture is valid."""
        self.now += seconds
        while len(policy.statuses(self.state, Span(self.now, self.now), self.ttl)) > 1:
            self.now += 0.001

    def fetch(self, *, well: bool = True) -> Fetch:
        """A request to the image service, just now."""
        content = png(len(self.fetches))
        picture = self.history.keep(content) if well else ""
        download = Download(
            **self._when(0.001, 0.001),
            way="picture" if well else "error",
            picture=picture,
            retry_after="" if well else self.asks,
        )
        self.history.events.append(download)
        asked = float(self.asks) if self.asks.isdecimal() and not well else 0.0
        self.fetches.append(Fetch(Span(self.now - 0.001, self.now + 0.001), picture, asked=asked))
        return self.fetches[-1]

    def start(
        self, *, emptied: bool, ttl: float | None = None, what: str = "start", last: bool = False
    ) -> None:
        """A start, a restart or a kill; on an empty volume with its fetch.

        With `last` somebody else makes the app fetch before it stops.
        """
        self.ttl = ttl or self.ttl
        self.wait(0.6)
        if last:
            self.fetch()
        self.wait(0.4)
        act = Act(
            **self._when(0.5, 0.5),
            what=Op(what),
            ttl=self.ttl,
            source=SOURCE,
            emptied=emptied,
            stopped=self.now - self.ahead - 0.2,
            before=[f"{len(self.history.events)}"],
            after=[f"{len(self.history.events) + 1}"],
        )
        self.history.events.append(act)
        self.wait(1.0)
        self.state = policy.start(self.state, emptied=emptied)
        self.begin()

    def begin(self) -> None:
        """What an app that has just been started does by itself."""
        if self.state.starting:
            self.fetch()
            self.wait(0.01)
            at = Span(self.now, self.now)
            self.state = next(iter(policy.settle(self.state, at, self.fetches)))
            self.state = self.state._replace(downloaded=at)

    def told(self) -> Told:
        state = self.state
        downloaded = state.downloaded.lo if state.downloaded else None
        (status,) = policy.statuses(state, Span(self.now, self.now), self.ttl)
        return Told(
            status=status,
            picture=state.picture,
            downloaded=downloaded,
            expires=None if downloaded is None else downloaded + self.ttl,
            last_view=state.last_view.lo if state.last_view else None,
            views=state.views or 0,
            picture_views=state.picture_views or 0,
            grace_spent=state.grace_spent,
            error=state.error,
        )

    def step(self, *, slow: float = 0.004, well: bool = True) -> Kind:
        """What the next page view does; with `well` the image service sends a picture where it is asked."""
        window, at = Span(self.now - slow, self.now + slow), Span(self.now, self.now)
        fetches = len(self.fetches)
        steps = list(policy.view(self.state, at, window, self.ttl, self.fetches))
        if not steps or steps[0].kind is Kind.KEPT:
            waits = bool(steps)
            if not waits:
                self.fetch(well=well)
                steps = list(policy.view(self.state, at, window, self.ttl, self.fetches))
        step = steps[0]
        self.state = step.state._replace(last_view=at)
        if len(self.fetches) > fetches and step.kind is Kind.RENEW:
            self.state = self.state._replace(downloaded=at)
        if len(self.fetches) > fetches and step.kind is Kind.KEPT:
            self.state = self.state._replace(failed=at)
        return step.kind

    def view(self, change: Change | None = None, *, slow: float = 0.004, well: bool = True) -> Kind:
        """A page view, and the picture that it shows."""
        kind = self.step(slow=slow, well=well)
        told = self.told()
        if change:
            change(told)
        number = len(self.history.events)
        self._answered(Role.PAGE, "/", told.page().encode(), "text/html; charset=utf-8", slow, visit=number)
        self.wait(2 * slow)
        if told.picture:
            self.picture(told.picture, visit=number)
        self.wait(0.02)
        return kind

    def stranger(self) -> None:
        """A page view that is not ours."""
        self.step()
        self.wait(0.05)

    def picture(self, digest: str, *, visit: int = 0) -> None:
        extra = [("etag", f'"{digest}"'), ("cache-control", "no-cache")]
        self._answered(
            Role.PICTURE,
            "/image?v=1",
            self.history.bodies[digest],
            "image/png",
            0.002,
            extra=extra,
            visit=visit,
        )
        self.wait(0.01)

    def look(self, change: Change | None = None, rest: dict[str, object] | None = None) -> None:
        """`GET /api/cache`."""
        told = self.told()
        if change:
            change(told)
        picture = told.picture
        body = {
            "status": told.status,
            "downloaded_at": told.downloaded,
            "expires_at": told.expires,
            "last_access_at": told.last_view,
            "ttl": self.ttl,
            "grace_used": told.grace_spent,
            "access_count": told.views,
            "image_access_count": told.picture_views,
            "image": picture
            and {
                "sha256": picture,
                "content_type": "image/png",
                "size": len(self.history.bodies.get(picture, b"")),
            },
            "source": SOURCE,
            "last_error": "it fails" if told.error else None,
            **(rest or {}),
        }
        self._answered(Role.CACHE, "/api/cache", json.dumps(body).encode(), "application/json", 0.002)
        self.wait(0.01)

    def volume(self, change: Change | None = None) -> None:
        """Both sides of the volume; a change is seen from the app's side alone."""
        look = len(self.history.events)
        for side, changed in (("host", None), ("app", change)):
            told = self.told()
            if changed:
                changed(told)
            contents = {"cache_metadata.json": self.metadata(told)}
            if told.picture:
                contents["cached_image.jpg"] = self.history.bodies[told.picture]
            files = [
                File(name=name, size=len(content), modified=1.0, body=self.history.keep(content))
                for name, content in contents.items()
            ]
            event = Volume(**self._when(0.001, 0.001), seen_from=side, look=look, files=files)
            self.history.events.append(event)
            self.wait(0.01)

    @staticmethod
    def metadata(told: Told) -> bytes:
        """What the app saves."""
        return json.dumps(
            {
                "download_timestamp": told.downloaded,
                "last_access_time": told.last_view,
                "grace_period_used": told.grace_spent,
                "access_count": told.views,
                "image_access_count": told.picture_views,
            }
        ).encode()

    def _answered(
        self,
        role: Role,
        url: str,
        body: bytes,
        kind: str,
        slow: float,
        *,
        extra: list[tuple[str, str]] | None = None,
        visit: int = 0,
    ) -> None:
        headers = [("content-type", kind), ("content-length", str(len(body))), *SECURITY]
        headers += extra or [("cache-control", "no-store")]
        answer = Answer(status=200, headers=headers, body=self.history.keep(body))
        request = Request(
            **self._when(slow, slow), role=role, method="GET", url=url, answer=answer, visit=visit
        )
        self.history.events.append(request)

    def finished(self, *proves: str) -> History:
        """The history as one scenario."""
        assert set(proves) <= CLAIMS.keys()
        events: list[Event] = list(self.history.events)
        begin, end = events[0].begin, self.now - self.ahead + 1
        self.history.plays = [
            Play(name="made", title="Made.", proves=list(proves), tries=1, begin=begin, end=end)
        ]
        self.history.ended_at = end
        return self.history

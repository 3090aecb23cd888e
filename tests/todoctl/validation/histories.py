"""Histories of an app that never ran: made from the model, one step after the other."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.todoctl.validation.pages import BEGAN, SECURITY, SOURCE, Told, png
from todoctl.evidence import pages as reading
from todoctl.evidence.history import (
    Act,
    Answer,
    Download,
    Event,
    Facts,
    File,
    History,
    Log,
    Op,
    Play,
    Request,
    Role,
    Volume,
)
from todoctl.evidence.pages import METADATA, PICTURE_FILE, STATE_FILE
from todoctl.evidence.pictures import media_type
from todoctl.evidence.times import Span
from todoctl.validation import contents
from todoctl.validation import model as policy
from todoctl.validation.checkers import judge
from todoctl.validation.claims import CLAIMS
from todoctl.validation.contents import Files
from todoctl.validation.model import Fetch, Kind, State

Change = Callable[[Told], None]

WRONG = "the saved state has bad values"
AWAY = "the volume cannot be read; counting in memory meanwhile"


@dataclass
class Script:
    """Writes a history; `now` is the app's clock, `ahead` seconds ahead of todoctl's.

    `asks` is the `Retry-After` of an image service that fails. `ailing` is what `last_error` says of the
    volume and of what is on it; `detached` that it is out of reach.
    """

    ttl: float = 10.0
    ahead: float = 0.0
    now: float = BEGAN
    asks: str = ""
    state: State = policy.EMPTY
    fetches: list[Fetch] = field(default_factory=list)
    ailing: str | None = None
    detached: bool = False
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
        if emptied:
            self.detached, self.ailing = False, None
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
        self.ailing = AWAY if self.detached else None
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
        self.ailing = AWAY if self.detached else None
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
            "last_error": self.ailing or ("it fails" if told.error else None),
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

    # The volume

    def files(self) -> Files:
        """What the app has saved."""
        told = self.told()
        files: Files = {STATE_FILE: self.metadata(told)}
        return files | ({PICTURE_FILE: self.history.bodies[told.picture]} if told.picture else {})

    def act(self, what: str, files: Files | None = None, **more: Any) -> Act:  # noqa: ANN401 - of an Act
        """Half a second in which something is done."""
        self.wait(0.5)
        digests = {
            name: "" if content is None else self.history.keep(content)
            for name, content in (files or {}).items()
        }
        act = Act(
            **self._when(0.25, 0.25),
            what=Op(what),
            ttl=self.ttl,
            source=SOURCE,
            files=digests,
            after=["1"],
            **more,
        )
        self.history.events.append(act)
        self.wait(0.5)
        return act

    def lose(self) -> None:
        self.act("lose", contents.lost())

    def spoil(self) -> None:
        self.act("spoil", contents.spoiled(self.files()))
        self.ailing = "the picture is cut short"

    def damage(self, files: Files) -> None:
        """A start on `files`."""
        state = self.state
        act = self.act("damage", files, emptied=True, stopped=self.now - self.ahead + 0.3)
        content, picture = files[STATE_FILE] or b"", act.files[PICTURE_FILE]
        read = reading.document(content, METADATA)
        whole = media_type(self.history.bodies[picture]) is not None
        written = Span(self.now - 0.6, self.now - 0.6)
        self.state = policy.found(state, read.observed, picture if whole else None, written)
        self.ailing = WRONG if whole and read.wrong else None
        self.begin()

    def detach(self) -> None:
        self.act("detach")
        self.detached, self.ailing = True, AWAY

    def attach(self) -> None:
        """The volume holds what it held; the script goes on with what was counted meanwhile."""
        self.act("attach")
        self.detached, self.ailing = False, None

    def scale(self) -> None:
        self.act("scale")

    def log(self, *more: str, named: bool = True) -> None:
        start = f"cache in /cache, TTL {self.ttl:g} s"
        lines = ["Traceback of another start", start, *more, *([str(self.state.picture)] if named else [])]
        self.history.events.append(Log(**self._when(0.001, 0.001), lines=lines))
        self.wait(0.01)

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


def begun(ahead: float = 0.0) -> Script:
    """An app whose picture nobody has seen."""
    script = Script(ahead=ahead, now=BEGAN + ahead)
    script.start(emptied=True)
    script.look()
    return script


def spent() -> Script:
    """An app whose picture has had its grace view."""
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.view()
    return script


def failed(script: Script) -> set[tuple[str, str]]:
    """The claims that are broken, each with the name of what is wrong."""
    return {(check.claim, check.name) for check in judge(script.finished()).scenarios[0].failures}

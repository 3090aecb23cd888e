"""Made-up verdicts, as real as can be: the app's own page, style and pictures, in a run of 11 scenarios."""

from dataclasses import replace
from typing import Any

import msgspec

import todoapp.app
import todoapp.cache
import todoapp.source
from todoapp.policy import Picture, State, counted, fetched, status
from todoctl.evidence.history import (
    Act,
    Download,
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
from todoctl.evidence.pages import WORDS
from todoctl.evidence.verdict import Check, ScenarioResult, Span, Verdict, Visit
from todoctl.validation.claims import CLAIMS

BEGAN = 1_790_000_000.0
TTL = 4.0
SAMPLES = sorted(todoapp.source.SAMPLES.glob("*.jpg"))
STYLE = ((todoapp.app.HERE / "static") / "page.css").read_bytes()
PLACEHOLDER = ((todoapp.app.HERE / "static") / "placeholder.svg").read_bytes()

SCENARIOS = (
    ("mount", "Both sides of the volume show the same files.", "2 files, the same on both sides"),
    ("fresh", "On an empty volume a picture is fetched and served.", "first access, Valid, 1 download"),
    ("valid", "While it is valid the same picture is served.", "the same picture 3 times, no download"),
    (
        "grace",
        "The first view after the expiry gets the same bytes.",
        "the same picture once more, Grace period",
    ),
    ("renew", "The next view gets a new download.", "a new picture, Valid, site count going on"),
    ("restart", "A restart changes nothing.", "same picture, times and counts over a restart"),
    ("kill", "A kill loses no view that was answered.", "same picture and counts after a kill"),
    ("crowd", "Many visitors at once get one grace view and one download.", "12 visitors, 1 grace view"),
    ("outage", "While the image service fails the old picture is kept.", "the old picture over 3 failures"),
    ("settings", "The app keeps to the settings it was started with.", "TTL and source as asked"),
    ("http", "The app speaks HTTP as documented.", "31 requests, each answered as documented"),
)


class Run:
    """Writes a history event by event, with a clock that moves on by what each takes."""

    def __init__(self, *, full: bool = False) -> None:
        facts = Facts(
            target="local",
            url="http://localhost:8081",
            entrance="through the cluster's ingress",
            ttl=600.0,
            source="sample:",
            directory="/data/cache",
            rolling=False,
            full=full,
            began_at=BEGAN,
        )
        self.history = History(facts=facts)
        self.verdict = Verdict(history=self.history)
        self.now = BEGAN
        self.state = State()
        self.scenario = ""
        self.views = self.fetches = 0

    def add(self, kind: type[Any], seconds: float, **fields: object) -> int:
        """Writes an event that takes so long; returns its number."""
        begin, self.now = self.now, self.now + seconds
        self.history.events.append(kind(begin=begin, end=self.now, scenario=self.scenario, **fields))
        return len(self.history.events) - 1

    def get(
        self,
        path: str,
        body: bytes,
        kind: str,
        *,
        role: Role = Role.PROBE,
        visit: int = 0,
        method: str = "GET",
    ) -> int:
        answer = self.history.answer(200, [("content-type", kind)], body)
        url = f"http://127.0.0.1:8081{path}"
        return self.add(Request, 0.012, role=role, method=method, url=url, answer=answer, visit=visit)

    def download(self) -> None:
        content = SAMPLES[self.fetches % len(SAMPLES)].read_bytes()
        self.fetches += 1
        digest = self.history.keep(content)
        self.add(Download, 0.05, way="picture", picture=digest)
        self.state = fetched(self.state, Picture(digest, "image/jpeg", len(content)), self.now)

    def view(self, result: ScenarioResult) -> None:
        self.views += 1
        now = status(self.state, self.now, TTL)
        if now == "expired":
            self.state = self.state._replace(grace_used=True)
        elif now != "valid":
            self.download()
        self.state = counted(self.state, self.now)
        html = todoapp.app.render(todoapp.cache.View(self.state, self.now), TTL).encode()
        at = self.now
        number = self.get("/", html, "text/html; charset=utf-8", role=Role.PAGE, visit=self.views)
        assert self.state.picture is not None
        picture = self.state.picture.sha256
        content = self.history.bodies[picture]
        self.get("/image?v=1", content, "image/jpeg", role=Role.PICTURE, visit=self.views)
        visit = Visit(
            event=number,
            at=at,
            status=status(self.state, at, TTL).value,
            access_count=self.state.access_count,
            image_access_count=self.state.image_access_count,
            picture=picture,
        )
        result.visits.append(visit)

    def look(self) -> None:
        for look, side in enumerate(("the host", "the app")):
            file = File(name="cached_image.jpg", size=15360, modified=self.now, body="0" * 64)
            self.add(Volume, 0.02, seen_from=side, look=look, files=[file])


STEPS = {
    "mount": "look style",
    "fresh": "stop start view",
    "grace": "view wait view",
    "renew": "view",
    "restart": "view restart view",
    "kill": "view kill start view",
    "crowd": "wait" + 12 * " view",
    "outage": "error view slow view login view picture view",
    "http": "silence",
}
"""What is done in each scenario: enough of it for every kind of event and mark."""


def _play(run: Run, result: ScenarioResult) -> None:
    for step in STEPS.get(result.name, "view view view").split():
        match step:
            case "view":
                run.view(result)
            case "wait":
                run.now += TTL
            case "look":
                run.look()
            case "style":
                run.get("/static/page.css", b"", "text/css; charset=utf-8", method="HEAD")
                run.get("/static/page.css", STYLE, "text/css; charset=utf-8")
                run.get("/static/placeholder.svg", PLACEHOLDER, "image/svg+xml")
            case "silence":
                error = "the connection was closed"
                url = "http://127.0.0.1:8081/nowhere"
                run.add(Request, 0.3, role=Role.PROBE, method="GET", url=url, error=error, crowd="probes")
            case "stop" | "kill":
                run.add(Act, 0.5, what=Op(step), before=["process 41"])
            case "start":
                source = "http://127.0.0.1:9/"
                run.add(Act, 0.9, what=Op.START, ttl=TTL, source=source, emptied=True, after=["process 42"])
            case "restart":
                run.add(Act, 1.4, what=Op.RESTART, before=["process 42"], after=["process 43"])
            case way:
                run.add(Act, 0.0, what=Op.SERVE, way=way)
                run.now += 0.8


def _check(claim: str, name: str, value: str, event: int) -> Check:
    sentence = CLAIMS[claim]
    return Check(
        claim=claim, sentence=sentence, name=name, expected=value, seen=value, passed=True, event=event
    )


def verdict(*, names: int = len(SCENARIOS)) -> Verdict:
    """A run in which everything passed, of the first `names` scenarios."""
    run = Run()
    claims = list(CLAIMS)
    for name, title, saw in SCENARIOS[:names]:
        run.scenario = name
        run.now += 0.02
        result = ScenarioResult(name=name, title=title, saw=saw, begin=run.now)
        _play(run, result)
        result.end = run.now
        for number, visit in enumerate(result.visits):
            claim = claims[number % 5]
            result.checks.append(_check(claim, "Status", WORDS[visit.status], visit.event))
            result.checks.append(_check(claim, "Site Access count", str(visit.access_count), visit.event))
        if not result.visits:
            result.checks.append(_check(claims[-1], "files", "2", len(run.history.events) - 1))
        run.verdict.scenarios.append(result)
        run.history.plays.append(
            Play(name=name, title=title, proves=[], tries=1, begin=result.begin, end=result.end)
        )
    run.history.events.append(Log(begin=BEGAN, end=run.now, scenario="", lines=["the app is ready"] * 3))
    run.add(Act, 0.5, what=Op.STOP, before=["process 44"])
    run.history.ended_at = run.now + 0.1
    run.verdict.spans = _spans(run.verdict)
    return run.verdict


def _spans(made: Verdict) -> list[Span]:
    visits = [visit for result in made.scenarios for visit in result.visits]
    moments = [BEGAN, *(visit.at for visit in visits)]
    states = ["empty", *(visit.status for visit in visits)]
    ends = [*moments[1:], made.history.ended_at]
    return [Span(begin=b, end=e, status=s) for b, e, s in zip(moments, ends, states, strict=True)]


def fail(made: Verdict, name: str, *, seen: str = "Valid", times: int = 1) -> ScenarioResult:
    """Lets the last `times` checks of a scenario fail with `seen`."""
    result = find(made, name)
    for number in range(1, times + 1):
        result.checks[-number] = replace(result.checks[-number], seen=seen, passed=False)
    return result


def leave(made: Verdict, name: str) -> ScenarioResult:
    """Makes a scenario one that could not be judged."""
    result = find(made, name)
    result.missing = dict(list(CLAIMS.items())[1:2])
    result.notes = ["try 1 was repeated: another visitor came in between"]
    return result


def find(made: Verdict, name: str) -> ScenarioResult:
    return next(result for result in made.scenarios if result.name == name)


def serve(made: Verdict, name: str, html: bytes) -> Visit:
    """Lets the last page view of a scenario have been answered with `html`."""
    visit = find(made, name).visits[-1]
    event = made.history.events[visit.event]
    assert isinstance(event, Request)
    assert event.answer is not None
    answer = made.history.answer(200, event.answer.headers, html)
    made.history.events[visit.event] = msgspec.structs.replace(event, answer=answer)
    return visit


def wrong(*, event: int) -> Check:
    """A check that failed at an event."""
    return replace(_check(next(iter(CLAIMS)), "picture", "one", event), seen="another", passed=False)

"""Made-up verdicts, as real as can be: the app's own page, style and pictures, in a run of 11 scenarios."""

from dataclasses import replace

import msgspec

import todoapp.app
import todoapp.cache
import todoapp.source
from todoapp.policy import Picture, State, counted, fetched, status
from todoctl.evidence.history import (
    Act,
    Answer,
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
    (
        "renew",
        "The next view gets a new download.",
        "a new picture, Valid, per-image count 1, site count going on",
    ),
    ("restart", "A restart changes nothing.", "same picture, times and counts over a restart"),
    ("kill", "A kill loses no view that was answered.", "same picture and counts after a kill"),
    (
        "crowd",
        "Many visitors at once get one grace view and one download.",
        "12 visitors, 1 grace view, 1 download",
    ),
    (
        "outage",
        "While the image service fails the old picture is kept.",
        "the old picture over 3 kinds of failure",
    ),
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
        self.views = 0
        self.fetches = 0

    def took(self, seconds: float) -> tuple[float, float]:
        begin, self.now = self.now, self.now + seconds
        return begin, self.now

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
        begin, end = self.took(0.012)
        answer = Answer(status=200, headers=[("content-type", kind)], body=self.history.keep(body))
        self.history.events.append(
            Request(
                begin=begin,
                end=end,
                scenario=self.scenario,
                role=role,
                method=method,
                url=f"http://127.0.0.1:8081{path}",
                answer=answer,
                visit=visit,
            )
        )
        return len(self.history.events) - 1

    def act(self, what: str, seconds: float, **more: object) -> None:
        begin, end = self.took(seconds)
        self.history.events.append(
            Act(begin=begin, end=end, scenario=self.scenario, what=Op(what), **more)  # type: ignore[arg-type]
        )

    def download(self) -> None:
        content = SAMPLES[self.fetches % len(SAMPLES)].read_bytes()
        self.fetches += 1
        begin, end = self.took(0.05)
        digest = self.history.keep(content)
        self.history.events.append(
            Download(begin=begin, end=end, scenario=self.scenario, way="picture", picture=digest)
        )
        self.state = fetched(self.state, Picture(digest, "image/jpeg", len(content)), self.now)

    def view(self, result: ScenarioResult) -> Visit:
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
        self.get(
            "/image?v=1", self.history.bodies[picture], "image/jpeg", role=Role.PICTURE, visit=self.views
        )
        visit = Visit(
            event=number,
            at=at,
            status=status(self.state, at, TTL).value,
            access_count=self.state.access_count,
            image_access_count=self.state.image_access_count,
            picture=picture,
        )
        result.visits.append(visit)
        return visit

    def silence(self) -> None:
        """A request that gets no answer."""
        begin, end = self.took(0.3)
        self.history.events.append(
            Request(
                begin=begin,
                end=end,
                scenario=self.scenario,
                role=Role.PROBE,
                method="GET",
                url="http://127.0.0.1:8081/nowhere",
                error="the connection was closed",
                crowd="probes",
            )
        )

    def look(self) -> None:
        for look, side in enumerate(("the host", "the app")):
            begin, end = self.took(0.02)
            file = File(name="cached_image.jpg", size=15360, modified=begin, body="0" * 64)
            self.history.events.append(
                Volume(begin=begin, end=end, scenario=self.scenario, seen_from=side, look=look, files=[file])
            )


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
                run.silence()
            case "stop" | "kill":
                run.act(step, 0.5, before=["process 41"])
            case "start":
                run.act(step, 0.9, ttl=TTL, source="http://127.0.0.1:9/", emptied=True, after=["process 42"])
            case "restart":
                run.act(step, 1.4, before=["process 42"], after=["process 43"])
            case way:
                run.act("serve", 0.0, way=way)
                run.now += 0.8


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
            for what, told in (
                ("Status", WORDS[visit.status]),
                ("Site Access count", str(visit.access_count)),
            ):
                claim = claims[number % 5]
                result.checks.append(
                    Check(
                        claim=claim,
                        sentence=CLAIMS[claim],
                        name=what,
                        expected=told,
                        seen=told,
                        passed=True,
                        event=visit.event,
                    )
                )
        if not result.visits:
            last = len(run.history.events) - 1
            result.checks.append(
                Check(
                    claim=claims[-1],
                    sentence=CLAIMS[claims[-1]],
                    name="files",
                    expected="2",
                    seen="2",
                    passed=True,
                    event=last,
                )
            )
        run.verdict.scenarios.append(result)
        run.history.plays.append(
            Play(name=name, title=title, proves=[], tries=1, begin=result.begin, end=result.end)
        )
    run.history.events.append(Log(begin=BEGAN, end=run.now, scenario="", lines=["the app is ready"] * 3))
    run.act("stop", 0.5, before=["process 44"])
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
    body = made.history.keep(html)
    answer = Answer(status=200, headers=event.answer.headers, body=body)
    made.history.events[visit.event] = msgspec.structs.replace(event, answer=answer)
    return visit


def wrong(*, event: int) -> Check:
    """A check that failed at an event."""
    return Check(
        claim=next(iter(CLAIMS)),
        sentence=next(iter(CLAIMS.values())),
        name="picture",
        expected="one",
        seen="another",
        passed=False,
        event=event,
    )

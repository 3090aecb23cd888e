"""Whole runs in virtual time: apps that keep the rule, and apps that do not."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.todoctl.course.virtual import URL, VirtualApp, VirtualClock, judged, outcomes, picture, said
from todoctl.course.claims import CLAIMS, judge
from todoctl.course.run import App, InterruptedVisits, Run
from todoctl.errors import UnavailableError
from todoctl.evidence.history import Act, File, History, Request, Role
from todoctl.evidence.http import Client
from todoctl.evidence.verdict import Outcome, Verdict

PASSED, FAILED, OPEN = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_JUDGED


def reason(verdict: Verdict, name: str) -> str:
    return next(result.reason for result in verdict.scenarios if result.name == name)


@dataclass
class Case:
    """One app as hypothesis draws it."""

    ttl: float = 600.0
    graces: int = 1
    timer: bool = False
    decides: str = "page"
    age: float = 0.0
    takes: float = 0.02
    slow: dict[int, float] = field(default_factory=dict)
    labelled: bool = False
    ahead: float = 0.0
    cookie: bool = False
    logo: bool = False
    encoded: bool = False
    step: tuple[float, float] | None = None
    restart: bool = False

    def app(self, **changes: object) -> VirtualApp:
        clock = VirtualClock(*([(self.step[0] * self.ttl, self.step[1])] if self.step else []))
        known = {
            "ttl": self.ttl,
            "graces": self.graces,
            "timer": self.timer,
            "decides": self.decides,
            "phase": self.age * self.ttl,
            "slow": lambda number: self.slow.get(number, self.takes),
            "by_wall": not self.timer,
            "labelled": self.labelled and not self.timer and self.decides == "page",
            "clock_ahead": self.ahead,
            "cookie": self.cookie,
            "encoded": self.encoded,
        }
        if self.logo:
            known["page"] = lambda app: f'<img src="/logo.png"><img src="/p">{app.labels()}'
            known["others"] = {"/logo.png": lambda _: picture(7000)}
        return VirtualApp(clock, **known | changes)  # type: ignore[arg-type]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    ttl = draw(st.sampled_from([20.0, 60.0]))
    return Case(
        ttl=ttl,
        graces=draw(st.integers(0, 1)),
        timer=draw(st.booleans()),
        decides=draw(st.sampled_from(["page", "picture"])),
        age=draw(st.floats(0, 0.999)),
        takes=draw(st.sampled_from([0.0, 0.02, 0.3, 1.0])) * min(1.0, ttl / 20),
        slow=draw(st.dictionaries(st.integers(1, 40), st.floats(0, 0.3 * ttl), max_size=2)),
        labelled=draw(st.booleans()),
        ahead=draw(st.sampled_from([0.0, 6.0, 40.0, -30.0, 19806.0])),
        cookie=draw(st.booleans()),
        logo=draw(st.booleans()),
        encoded=draw(st.booleans()),
        step=draw(
            st.none() | st.tuples(st.floats(0.01, 2.2), st.sampled_from([-30.0, -5.0, 3.0, 7.0, 600.0]))
        ),
        restart=draw(st.booleans()),
    )


RUNS = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # to shrink a failing run takes longer than to read it
)


@RUNS
@given(cases())
@example(Case(timer=True, takes=1.0, age=0.5))
@example(Case(ttl=20.0, takes=2.0, decides="picture"))
def test_an_app_that_keeps_the_rule_is_never_failed(case: Case) -> None:
    app = case.app()
    verdict = judged(app, restart=case.restart)
    assert verdict.outcome is not FAILED, f"{case}\n{said(verdict)}"
    if not case.slow and not case.step:
        assert verdict.outcome is PASSED, f"{case}\n{said(verdict)}"
        assert (
            verdict.seconds <= 2 * case.ttl + 0.1 * max(case.ttl, 100) + 40 * case.restart + 12 * case.takes
        )


def error_once(number: int) -> Callable[[VirtualApp, int], httpx.Response | None]:
    return lambda _, visit: httpx.Response(500, text="broken") if visit == number else None


@dataclass
class Other:
    """Shows another picture once."""

    number: int

    def __call__(self, app: VirtualApp, visit: int) -> httpx.Response | None:
        if visit != self.number or app.path != "/p":
            return None
        return httpx.Response(200, headers={"content-type": "image/png"}, content=picture(9000))


WRONG: dict[str, dict[str, Any]] = {
    "half the time": {"share": 0.5},
    "one and a half of the time": {"share": 1.5},
    "two grace views": {"graces": 2, "timer": False},
    "another picture at every view": {"share": 0.0, "graces": 0, "timer": False},
    "a picture that is lost with a restart": {"kept": False, "timer": False},
    "an error, once": {"error": True},
    "another picture, once": {"other": True},
}


@pytest.mark.parametrize("wrong", WRONG)
@settings(RUNS, max_examples=8)
@given(case=cases(), number=st.integers(2, 30))
def test_an_app_that_breaks_the_rule_is_never_passed(wrong: str, case: Case, number: int) -> None:
    changes = dict(WRONG[wrong])
    ttl = case.ttl
    if "share" in changes:
        changes["ttl"] = case.ttl * changes.pop("share")
    if changes.pop("error", False):
        changes["fault"] = error_once(number)
    if changes.pop("other", False):
        changes["fault"] = Other(number)
    case.labelled = False  # a page that says what it does wrong is found by its labels alone
    app = case.app(**changes)
    verdict = judged(app, ttl=ttl, restart="kept" in changes or case.restart)
    if "fault" in changes:
        views = [
            event
            for event in verdict.history.events
            if isinstance(event, Request) and event.role is Role.PAGE
        ]
        if number >= len(views) or views[number - 1].crowd or views[number].crowd:
            return  # the run was over by then, or looked at pages alone
    assert verdict.outcome is not PASSED, f"{wrong}: {case}\n{said(verdict)}"


PHASES = [25.0 * number for number in range(24)]


@pytest.mark.parametrize("phase", PHASES)
def test_a_timer_at_the_true_time_has_its_verdict_in_twice_that(phase: float) -> None:
    verdict = judged(Case(timer=True, takes=1.0, age=(phase + 1) / 600).app())
    assert verdict.outcome is PASSED, said(verdict)
    assert verdict.seconds <= 1205, said(verdict)


@pytest.mark.parametrize(
    ("ttl", "takes", "graces", "age"),
    [(20.0, 1.5, 0, 4.3), (20.0, 2.0, 1, 0.0), (30.0, 2.0, 1, 0.0), (20.0, 3.0, 1, 7.0)],
)
def test_slow_visits_at_a_short_time(ttl: float, takes: float, graces: int, age: float) -> None:
    for number in range(24):
        app = VirtualApp(
            VirtualClock(), ttl=ttl, timer=not graces, by_wall=bool(graces), decides="picture",
            phase=(age + number * ttl / 24) % ttl, slow=lambda _: takes,
        )  # fmt: skip
        verdict = judged(app)
        assert verdict.outcome is PASSED, said(verdict)
        assert verdict.seconds <= (2 if takes < 3 else 3) * ttl + 8 * takes


@pytest.mark.parametrize(
    ("graces", "asked", "outcome"),
    [(0, "", OPEN), (1, "", PASSED), (0, "grace", FAILED), (1, "grace", PASSED)],
)
def test_a_grace_view_is_right_and_none_is_right_unless_it_is_asked_for(
    graces: int, asked: str, outcome: Outcome
) -> None:
    claims = ("stays", "renews", asked) if asked else ()
    verdict = judged(VirtualApp(VirtualClock(), graces=graces), claims=claims)
    assert outcomes(verdict)["grace"] == outcome
    assert verdict.outcome is (FAILED if outcome is FAILED else PASSED), said(verdict)
    if not graces:
        assert "there is no grace view" in reason(verdict, "grace")


def test_two_grace_views_are_wrong_and_so_is_a_late_timer() -> None:
    verdict = judged(VirtualApp(VirtualClock(), graces=2))
    assert verdict.outcome is FAILED
    assert "the new picture came one visit late" in reason(verdict, "renews")
    verdict = judged(VirtualApp(VirtualClock(), graces=math.inf))  # type: ignore[arg-type]
    assert "it is kept for longer than 600 s" in reason(verdict, "renews")
    late = VirtualApp(VirtualClock(), timer=True, late=10.0, by_wall=False, phase=100)
    assert "by a timer, or kept longer" in reason(judged(late), "renews")


def test_a_picture_seen_twice_is_not_another_one_at_every_view() -> None:
    app = VirtualApp(VirtualClock(), ttl=2.2, timer=True, by_wall=False, slow=lambda _: 1.6, phase=0.3)
    verdict = judged(app, ttl=30.0)
    assert outcomes(verdict)["stays"] == FAILED
    seen = [result.visits for result in verdict.scenarios]
    pictures = [visit.picture for visits in seen for visit in visits]
    twice = len(set(pictures)) < len(pictures)
    assert not twice or "at each of" not in reason(verdict, "stays")
    verdict = judged(VirtualApp(VirtualClock(), ttl=0.0, graces=0), ttl=600.0)
    assert "another picture at each of 5 views" in reason(verdict, "stays")
    assert verdict.seconds < 10


PAGES: dict[str, tuple[str, dict[str, Callable[[VirtualApp], bytes]]]] = {
    "a logo before it": ('<img src="/logo"><img src="/p">', {"/logo": lambda _: picture(5000)}),
    "a logo that is another one at every view": (
        '<img src="/ad"><img src="/p">', {"/ad": lambda app: picture(5000 + app.visits)}),
    "an icon before it": ('<img src="/i.ico"><img src="/p">', {}),
    "a placeholder": ('<img src="/wait" data-src="/p">', {"/wait": lambda _: picture(5000)}),
    "a style of its own": ('<div style="background-image: url(/p)"></div>', {}),
    "a style sheet inside": ("<style>body { background: url('/p') }</style>", {}),
    "an address for each": (
        '<img src="/logo"><img src="/p/{number}?at={visits}">', {"/logo": lambda _: picture(5000)}),
    "srcset": ('<img srcset="/p 1x, /p?2 2x">', {}),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_the_picture_that_changes_over_an_expiry_is_the_one(name: str) -> None:
    html, others = PAGES[name]
    app = VirtualApp(
        VirtualClock(), phase=300, others=others,
        page=lambda app: html.replace("{number}", str(app.number)).replace("{visits}", str(app.visits)),
    )  # fmt: skip
    verdict = judged(app)
    assert verdict.outcome is PASSED, said(verdict)
    assert f"{URL}p" in reason(verdict, "shown")


def test_a_style_sheet_names_the_picture() -> None:
    class Styled(VirtualApp):
        def answer(self, path: str, request: httpx.Request, takes: float) -> httpx.Response:
            if path == "/s.css":
                return httpx.Response(
                    200, headers={"content-type": "text/css"}, text=".a { background: url(p) }"
                )
            return super().answer(path, request, takes)

    app = Styled(
        VirtualClock(), ttl=60.0, page=lambda _: '<link rel="stylesheet" href="/s.css"><i class="a"></i>'
    )
    assert judged(app).outcome is PASSED


def test_where_no_picture_can_be_told_from_others_it_is_said_what_to_do() -> None:
    others: dict[str, Callable[[VirtualApp], bytes]] = {
        "/logo": lambda _: picture(5000),
        "/more": lambda _: picture(5001),
    }
    page = '<img src="/logo"><img src="/more">'
    verdict = judged(VirtualApp(VirtualClock(), others=others, page=lambda _: page))
    assert verdict.outcome is OPEN, said(verdict)
    assert "name the right one with --image" in reason(verdict, "stays")
    named = VirtualApp(VirtualClock(), others=others, page=lambda _: page)
    verdict = judged(named, image="/p")
    assert verdict.outcome is PASSED, said(verdict)


def test_a_logo_beside_pictures_that_never_stay_excuses_nobody() -> None:
    page = '<img src="/logo"><img src="/p">'
    others: dict[str, Callable[[VirtualApp], bytes]] = {"/logo": lambda _: picture(5000)}
    app = VirtualApp(VirtualClock(), ttl=0.0, graces=0, others=others, page=lambda _: page)
    verdict = judged(app, ttl=600.0)
    assert verdict.outcome is FAILED, said(verdict)
    assert verdict.seconds < 700


def test_a_picture_that_may_be_put_there_by_a_script_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise UnavailableError("no browser", fix="Install one")

    monkeypatch.setattr("todoctl.course.run.BrowserVisitor", missing)
    others: dict[str, Callable[[VirtualApp], bytes]] = {"/wait": lambda _: picture(5000)}
    page = '<img src="/wait"><script src="/s.js"></script>'
    verdict = judged(VirtualApp(VirtualClock(), others=others, page=lambda _: page))
    assert verdict.outcome is OPEN, said(verdict)
    assert "let a browser visit" in reason(verdict, "renews")
    verdict = judged(VirtualApp(VirtualClock(), page=lambda _: '<div id="root"></div><script></script>'))
    assert verdict.broken
    assert reason(verdict, "shown") == "no browser. Install one."


def test_encoding_anew_is_no_other_picture() -> None:
    verdict = judged(VirtualApp(VirtualClock(), ttl=60.0, encoded=True))
    assert verdict.outcome is PASSED, said(verdict)

    def lossy(app: VirtualApp, visit: int) -> httpx.Response | None:
        import io

        from PIL import Image

        if app.path != "/p":
            return None
        made = io.BytesIO()
        Image.linear_gradient("L").convert("RGB").resize((300, 300)).save(
            made, "JPEG", quality=70 + visit % 20
        )
        return httpx.Response(200, headers={"content-type": "image/jpeg"}, content=made.getvalue())

    verdict = judged(VirtualApp(VirtualClock(), fault=lossy))
    assert verdict.outcome is OPEN, said(verdict)
    assert "cannot be told by its bytes" in reason(verdict, "stays")


@pytest.mark.parametrize("by", [3.0, 5.0, 7.0, -0.6, -5.0, -30.0, 3600.0])
@pytest.mark.parametrize("at", [100.0, 450.0, 597.0, 601.0, 900.0, 1195.0])
@pytest.mark.parametrize("by_wall", [True, False])
def test_a_clock_that_is_set_convicts_nobody_and_is_named(at: float, by: float, by_wall: bool) -> None:
    app = VirtualApp(VirtualClock((at, by)), by_wall=by_wall, labelled=True, page=lambda _: '<img src="/p">')
    verdict = judged(app)
    assert verdict.outcome is not FAILED, said(verdict)
    if verdict.seconds > at + 10:
        assert any("clock was set" in note for result in verdict.scenarios for note in result.notes)


@pytest.mark.parametrize("ahead", [0.0, 6.0, -6.0, 40.0, -12600.0, 20700.0 + 40])
def test_an_app_whose_clock_is_elsewhere_is_right_and_its_labels_save_time(ahead: float) -> None:
    verdict = judged(VirtualApp(VirtualClock(), labelled=True, clock_ahead=ahead, phase=200))
    assert verdict.outcome is PASSED, said(verdict)
    assert {outcomes(verdict)[name] for name in ("counts", "times")} == {PASSED}, said(verdict)
    assert verdict.seconds < 420


def test_labels_that_are_wrong_are_found() -> None:
    def page(app: VirtualApp) -> str:
        return '<img src="/p">' + app.labels().replace(
            "Last Site Access", "Last Site Access: never, or"
        ).replace("600", "")

    class Stale(VirtualApp):
        def labels(self) -> str:
            return super().labels().replace("Image Access count: 1 ", "Image Access count: 99 ")

    verdict = judged(Stale(VirtualClock(), labelled=True, phase=500))
    assert outcomes(verdict)["counts"] == FAILED, said(verdict)
    assert page(VirtualApp(VirtualClock(), labelled=True))


def test_only_what_counts_is_waited_for() -> None:
    assert judged(VirtualApp(VirtualClock()), claims=("shown",)).seconds < 10
    assert judged(VirtualApp(VirtualClock()), claims=("stays",)).seconds < 605
    restarted = VirtualApp(VirtualClock())
    verdict = judged(restarted, restart=True, claims=("restart",))
    assert verdict.outcome is PASSED
    assert verdict.seconds < 40


def test_a_restart_that_loses_the_picture_is_found_though_its_age_was_not_known() -> None:
    verdict = judged(VirtualApp(VirtualClock(), kept=False), restart=True, claims=("restart",))
    assert verdict.outcome is FAILED
    assert "the picture was lost with the restart" in reason(verdict, "restart")
    acts = [event for event in verdict.history.events if isinstance(event, Act)]
    assert len(acts) == 2, "the first time it may have gone anyway"
    assert "page views during the restart answered" in str([result.notes for result in verdict.scenarios])


STARTED: dict[str, tuple[dict[str, Any], Outcome, str]] = {
    "grace": ({}, PASSED, ""),
    "no grace view": ({"graces": 0}, PASSED, ""),
    "slow pages": ({"slow": lambda _: 3.0}, PASSED, ""),
    "a timer": ({"timer": True, "by_wall": False, "phase": 599}, PASSED, ""),
    "too early": ({"ttl": 300.0}, FAILED, "stays"),
    "a little too early": ({"ttl": 580.0}, FAILED, "stays"),
    "too late": ({"ttl": 640.0}, FAILED, "renews"),
    "much too late": ({"ttl": 1200.0}, FAILED, "renews"),
    "two grace views": ({"graces": 2}, FAILED, "renews"),
    "a timer that is too early": ({"timer": True, "by_wall": False, "ttl": 400.0}, FAILED, "stays"),
    "lost with a restart": ({"kept": False}, FAILED, "restart"),
}
"""Apps that are started on an empty volume: what they do, their verdict, and the claim that fails."""


@pytest.mark.parametrize("name", STARTED)
@pytest.mark.parametrize(("boot", "on_volume"), [(2.0, False), (2.0, True), (15.0, False), (15.0, True)])
def test_with_a_known_start_a_run_takes_the_documented_time(name: str, boot: float, on_volume: bool) -> None:
    changes, outcome, claim = STARTED[name]
    clock = VirtualClock()
    app = VirtualApp(clock, **{"phase": boot / 2} | changes)

    def look(history: History) -> list[File]:
        return [File(name="p.png", size=1, modified=app.born, body=history.keep(picture(app.number)))]

    def crash() -> Callable[[], bool]:
        until = clock.now() + 5
        return lambda: clock.now() >= until

    acts = {"restart": app.restart, "crash": crash}
    on_volume = on_volume and not app.timer
    asked = App(url=URL, ttl=600.0, acts=acts, look=look if on_volume else None, started=clock.wall() - boot)
    run = Run(asked, clock, client=Client(URL, transport=app, now=clock.now))
    run.play()
    verdict = judge(run.history)
    assert verdict.outcome is outcome, said(verdict)
    assert {name for name, one in outcomes(verdict).items() if one == FAILED} == {claim} - {""}, said(verdict)
    assert {outcomes(verdict)[name] for name in acts} - {PASSED} == (
        {FAILED} if claim == "restart" else set()
    )
    assert verdict.seconds <= 660, said(verdict)


def test_what_is_wrong_with_a_picture_is_said_with_its_address() -> None:
    gone = VirtualApp(VirtualClock(), page=lambda _: '<img src="/gone.png">')
    assert reason(judged(gone), "shown").endswith(
        f"saw HTTP 404 (text/plain; charset=utf-8) instead of the picture at {URL}gone.png"
    )
    bare = VirtualApp(
        VirtualClock(),
        fault=lambda *_: httpx.Response(200, headers={"content-type": "image/png"}, content=picture(1)),
    )
    verdict = judged(bare)
    assert "a bare picture (image/png) instead of a page" in reason(verdict, "shown")
    html = VirtualApp(VirtualClock(), others={"/p": lambda _: b"<html>"})
    assert "6 bytes that are no JPEG, PNG, GIF, WebP or AVIF (image/png) instead of the picture" in reason(
        judged(html), "shown"
    )


def test_a_run_that_is_too_short_says_how_long_and_what_to_give() -> None:
    class Busy(VirtualApp):
        """Every visit takes so long that nothing can be told."""

    verdict = judged(Busy(VirtualClock(), ttl=20.0, slow=lambda _: 15.0))
    assert verdict.outcome is OPEN, said(verdict)
    assert "--volume" in reason(verdict, "renews") + reason(verdict, "stays"), said(verdict)


def test_files_and_failing_hooks() -> None:
    clock = VirtualClock()
    app = VirtualApp(clock, ttl=60.0)

    def look(history: History) -> list[File]:
        return [File(name="p.png", size=1, modified=0.0, body=history.keep(picture(app.number)))]

    def refuse() -> Callable[[], bool]:
        raise UnavailableError("It does not start", fix="See why")

    asked = App(url=URL, ttl=60.0, look=look, volume="here", acts={"restart": refuse})
    run = Run(asked, clock, client=Client(URL, transport=app, now=clock.now))
    run.play()
    from todoctl.course.claims import judge

    verdict = judge(run.history)
    assert outcomes(verdict)["files"] == PASSED, said(verdict)
    assert reason(verdict, "restart") == "It does not start. See why."


def test_an_interrupted_run_keeps_what_was_seen() -> None:
    class Ended(VirtualClock):
        def wait(self, moment: float) -> None:
            super().wait(moment)
            if moment > 1_790_000_100:
                raise InterruptedVisits

    verdict = judged(VirtualApp(Ended()))
    assert verdict.history.interrupted
    assert verdict.outcome is OPEN
    assert outcomes(verdict)["shown"] == PASSED
    assert set(outcomes(verdict)) == set(CLAIMS)

"""Whole runs in virtual time: apps that keep the rule, and apps that do not."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.todoctl.course.virtual import (
    BEGAN,
    URL,
    VirtualApp,
    VirtualClock,
    judged,
    outcomes,
    picture,
    png,
    reason,
    said,
)
from todoctl.course.claims import CLAIMS
from todoctl.course.run import InterruptedVisits
from todoctl.errors import UnavailableError
from todoctl.evidence.history import Act, Request, Role
from todoctl.evidence.verdict import Outcome

PASSED, FAILED, OPEN = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_JUDGED
LOGO: dict[str, Callable[[VirtualApp], bytes]] = {"/logo": lambda _: picture(5000)}


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
        known = {
            "clock": VirtualClock(*([(self.step[0] * self.ttl, self.step[1])] if self.step else [])),
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
            known["page"] = lambda app: f'<img src="/logo"><img src="/p">{app.labels()}'
            known["others"] = LOGO
        return VirtualApp(**known | changes)  # type: ignore[arg-type]


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
    # to shrink a failing run takes longer than to read it
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@RUNS
@given(cases())
@example(Case(timer=True, takes=1.0, age=0.5))
@example(Case(ttl=20.0, takes=2.0, decides="picture"))
def test_an_app_that_keeps_the_rule_is_never_failed(case: Case) -> None:
    verdict = judged(case.app(), restart=case.restart)
    assert verdict.outcome is not FAILED, f"{case}\n{said(verdict)}"
    if not case.slow and not case.step:
        assert verdict.outcome is PASSED, f"{case}\n{said(verdict)}"
        most = 2 * case.ttl + 0.1 * max(case.ttl, 100) + 40 * case.restart + 12 * case.takes
        assert verdict.seconds <= most


@dataclass
class Once:
    """Answers one visit in another way: with an error, or else with another picture."""

    number: int
    error: bool
    due: bool = False
    before: int = 1

    def __call__(self, app: VirtualApp, visit: int) -> httpx.Response | None:
        if visit != self.number:
            self.before = app.number
            return None
        self.due = self.due or app.number != self.before
        if self.error:
            return httpx.Response(500, text="broken")
        return png(picture(9000)) if app.path == "/p" else None


WRONG: dict[str, dict[str, Any]] = {
    "half the time": {"share": 0.5},
    "one and a half of the time": {"share": 1.5},
    "two grace views": {"graces": 2, "timer": False},
    "another picture at every view": {"share": 0.0, "graces": 0, "timer": False},
    "a picture that is lost with a restart": {"kept": False, "timer": False},
    "an error, once": {"error": True},
    "another picture, once": {"error": False},
}


@pytest.mark.parametrize("wrong", WRONG)
@settings(RUNS, max_examples=8)
@given(case=cases(), number=st.integers(2, 30))
def test_an_app_that_breaks_the_rule_is_never_passed(wrong: str, case: Case, number: int) -> None:
    changes = dict(WRONG[wrong])
    once = Once(number, changes.pop("error")) if "error" in changes else None
    if once:
        changes["fault"] = once
    case.labelled = False  # a page that says what it does wrong is found by its labels alone
    app = case.app(**changes | {"ttl": case.ttl * changes.pop("share", 1.0)})
    verdict = judged(app, ttl=case.ttl, restart="kept" in changes or case.restart)
    if once:
        events = verdict.history.events
        views = [event for event in events if isinstance(event, Request) and event.role is Role.PAGE]
        over = number >= len(views) or views[number - 1].crowd or views[number].crowd
        if over or (once.due and not once.error):
            return  # nobody saw it, or another picture had to come then
    assert verdict.outcome is not PASSED, f"{wrong}: {case}\n{said(verdict)}"


RIGHT: dict[str, tuple[dict[str, Any], list[float]]] = {
    "a timer, each visit takes 1 s": ({"timer": True, "takes": 1.0}, [600.0]),
    "each takes 1.5 s": ({"takes": 1.5}, [20.0, 600.0]),
    "each takes 1.5 s, a timer": ({"takes": 1.5, "timer": True}, [20.0]),
    "each takes 2 s, half of it the picture": ({"takes": 2.0, "decides": "picture"}, [20.0, 30.0]),
    "each takes 3 s": ({"takes": 3.0}, [30.0]),
    "each takes 3 s, the picture decides": ({"takes": 3.0, "decides": "picture"}, [600.0]),
    "one takes 10 s": ({"once": 10.0}, [30.0, 600.0]),
    "one takes 10 s, no grace view": ({"once": 10.0, "graces": 0}, [20.0]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_app_passes_however_long_its_visits_take(name: str) -> None:
    known, ttls = RIGHT[name]
    changes = dict(known)
    once = changes.pop("once", 0.0)
    for ttl in ttls:
        for number in range(12):
            case = Case(ttl=ttl, age=number / 12, slow={2 * number + 1: once} if once else {}, **changes)
            verdict = judged(case.app())
            assert verdict.outcome is PASSED, f"{case}\n{said(verdict)}"
            most = 3.3 if once else 2
            assert verdict.seconds <= most * ttl + 10 * case.takes, f"{case}\n{said(verdict)}"


STARTED: dict[str, tuple[dict[str, Any], str]] = {
    "grace": ({}, ""),
    "no grace view": ({"graces": 0}, ""),
    "slow pages": ({"slow": lambda _: 3.0}, ""),
    "a timer": ({"timer": True, "by_wall": False, "phase": 599}, ""),
    "too early": ({"ttl": 300.0}, "stays"),
    "a little too early": ({"ttl": 580.0}, "stays"),
    "too late": ({"ttl": 640.0}, "renews"),
    "much too late": ({"ttl": 1200.0}, "renews"),
    "two grace views": ({"graces": 2}, "renews"),
    "a timer that is too early": ({"timer": True, "by_wall": False, "ttl": 400.0}, "stays"),
    "lost with a restart": ({"kept": False}, "restart"),
}
"""Apps that are started on an empty volume: what they do, and the claim that fails."""


@pytest.mark.parametrize("name", STARTED)
@pytest.mark.parametrize("boot", [2.0, 15.0])
@pytest.mark.parametrize("on_volume", [False, True])
def test_with_a_known_start_a_run_takes_the_documented_time(name: str, boot: float, on_volume: bool) -> None:
    changes, claim = STARTED[name]
    app = VirtualApp(**{"phase": boot / 2} | changes)
    verdict = judged(
        app,
        ttl=600.0,
        acts={"restart": app.restart, "crash": app.crash},
        look=app.look if on_volume and not app.timer else None,
        started=BEGAN - boot,
    )
    found = outcomes(verdict)
    assert {one for one in found if found[one] == FAILED} == {claim} - {""}, said(verdict)
    assert found["crash"] == PASSED
    assert found["restart"] == (FAILED if claim == "restart" else PASSED)
    assert verdict.outcome is (FAILED if claim else PASSED), said(verdict)
    assert verdict.seconds <= 660, said(verdict)


SAID: dict[str, tuple[dict[str, Any], dict[str, Any], str, Outcome, str]] = {
    "a grace view": ({}, {}, "grace", PASSED, "the old picture at the first view"),
    "none": ({"graces": 0}, {}, "grace", OPEN, "there is no grace view, and none is needed"),
    "none, asked for": (
        {"graces": 0}, {"claims": ("stays", "renews", "grace")}, "grace", FAILED, "there is no grace view"),
    "two": ({"graces": 2}, {}, "renews", FAILED, "the new picture came one visit late"),
    "for ever": ({"graces": math.inf}, {}, "renews", FAILED, "it is kept for longer than 600 s"),
    "a late timer": (
        {"timer": True, "late": 10.0, "by_wall": False, "phase": 100}, {}, "renews", FAILED,
        "by a timer, or kept longer"),
    "always another": ({"ttl": 0.0, "graces": 0}, {"ttl": 600}, "stays", FAILED, "at each of 5 views"),
    "one seen twice": (
        {"ttl": 2.2, "timer": True, "by_wall": False, "slow": lambda _: 0.5, "phase": 0.3}, {"ttl": 30.0},
        "stays", FAILED, "another one after"),
    "lost, its age unknown": (
        {"kept": False}, {"restart": True, "claims": ("restart",)}, "restart", FAILED,
        "the picture was lost with the restart"),
    "wrong counts": (
        {"page": lambda _: '<img src="/p">Image Access count: 99', "phase": 500}, {}, "counts", FAILED,
        "image count"),
    "no picture there": (
        {"page": lambda _: '<img src="/gone.png">'}, {}, "shown", FAILED,
        f"saw HTTP 404 (text/plain; charset=utf-8) instead of the picture at {URL}gone.png"),
    "a bare picture": (
        {"fault": lambda *_: png(picture(1))}, {}, "shown", FAILED,
        "a bare picture (image/png) instead of a page"),
    "no picture": (
        {"others": {"/p": lambda _: b"<html>"}}, {}, "shown", FAILED,
        "6 bytes that are no JPEG, PNG, GIF, WebP or AVIF (image/png) instead of the picture"),
    "too slow": ({"ttl": 20.0, "slow": lambda _: 15.0}, {}, "renews", OPEN, "half of that with --volume"),
    "encoded anew": ({"ttl": 60.0, "encoded": True}, {}, "stays", PASSED, "the same for"),
}  # fmt: skip
"""What an app does, what is asked for, and what is said of which claim."""


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(name: str) -> None:
    changes, options, claim, outcome, words = SAID[name]
    verdict = judged(VirtualApp(**changes), **options)
    assert outcomes(verdict)[claim] == outcome, said(verdict)
    assert words in reason(verdict, claim), said(verdict)
    counts = claim != "grace" or "grace" in options.get("claims", ())
    assert verdict.outcome is (outcome if counts else PASSED), said(verdict)
    if name == "always another":
        assert verdict.seconds < 10
    if name == "one seen twice":
        assert "at each of" not in reason(verdict, claim)
    if name.startswith("lost"):
        acts = [event for event in verdict.history.events if isinstance(event, Act)]
        assert len(acts) == 2, "the first time it may have gone anyway"
        assert "page views during the restart answered" in str([one.notes for one in verdict.scenarios])


PAGES: dict[str, tuple[str, dict[str, Callable[[VirtualApp], bytes]]]] = {
    "a logo before it": ('<img src="/logo"><img src="/p">', LOGO),
    "a logo that is another one at every view": (
        '<img src="/ad"><img src="/p">', {"/ad": lambda app: picture(5000 + app.visits)}),
    "an icon before it": ('<img src="/i.ico"><img src="/p">', {}),
    "a placeholder": ('<img src="/logo" data-src="/p">', LOGO),
    "a style of its own": ('<div style="background-image: url(/p)"></div>', {}),
    "a style sheet inside": ("<style>body { background: url('/p') }</style>", {}),
    "an address for each": ('<img src="/logo"><img src="/p/{number}?at={visits}">', LOGO),
    "srcset": ('<img srcset="/p 1x, /p?2 2x">', {}),
    "a style sheet": ('<link rel="stylesheet" href="/s.css"><i class="a"></i>', {}),
}  # fmt: skip


def style_sheet(app: VirtualApp, _: int) -> httpx.Response | None:
    css = httpx.Response(200, headers={"content-type": "text/css"}, text=".a { background: url(p) }")
    return css if app.path == "/s.css" else None


@pytest.mark.parametrize("name", PAGES)
def test_the_picture_that_changes_over_an_expiry_is_the_one(name: str) -> None:
    page, others = PAGES[name]

    def content(app: VirtualApp) -> str:
        return page.replace("{number}", str(app.number)).replace("{visits}", str(app.visits))

    verdict = judged(VirtualApp(phase=300, others=others, page=content, fault=style_sheet))
    assert verdict.outcome is PASSED, said(verdict)
    assert f"{URL}p" in reason(verdict, "shown")


def test_where_no_picture_can_be_told_from_others_it_is_said_what_to_do() -> None:
    app = VirtualApp(
        others=LOGO | {"/more": lambda _: picture(5001)},
        page=lambda _: '<img src="/logo"><img src="/more">',
    )
    verdict = judged(app)
    assert verdict.outcome is OPEN, said(verdict)
    assert "name the right one with --image" in reason(verdict, "stays")
    verdict = judged(app, image="/p")
    assert verdict.outcome is PASSED, said(verdict)


def test_a_logo_beside_pictures_that_never_stay_excuses_nobody() -> None:
    page = '<img src="/logo"><img src="/p">'
    verdict = judged(VirtualApp(ttl=0.0, graces=0, others=LOGO, page=lambda _: page), ttl=600.0)
    assert verdict.outcome is FAILED, said(verdict)
    assert verdict.seconds < 700


def test_a_picture_that_may_be_put_there_by_a_script_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise UnavailableError("no browser", fix="Install one")

    monkeypatch.setattr("todoctl.course.run.BrowserVisitor", missing)
    page = '<img src="/logo"><script src="/s.js"></script>'
    verdict = judged(VirtualApp(others=LOGO, page=lambda _: page))
    assert verdict.outcome is OPEN, said(verdict)
    assert "let a browser visit" in reason(verdict, "renews")
    verdict = judged(VirtualApp(page=lambda _: '<div id="root"></div><script></script>'))
    assert verdict.broken
    assert reason(verdict, "shown") == "no browser. Install one."


def test_a_picture_encoded_with_losses_at_each_view_is_not_judged() -> None:
    def lossy(app: VirtualApp, visit: int) -> httpx.Response | None:
        made = io.BytesIO()
        image = Image.linear_gradient("L").convert("RGB").resize((300, 300))
        image.save(made, "JPEG", quality=70 + visit % 20)
        return png(made.getvalue()) if app.path == "/p" else None

    verdict = judged(VirtualApp(fault=lossy))
    assert verdict.outcome is OPEN, said(verdict)
    assert "cannot be told by its bytes" in reason(verdict, "stays")


@pytest.mark.parametrize("by", [7.0, -0.6, -5.0, -30.0, 3600.0])
@pytest.mark.parametrize("at", [100.0, 450.0, 597.0, 601.0, 1195.0])
@pytest.mark.parametrize("by_wall", [True, False])
def test_a_clock_that_is_set_convicts_nobody_and_is_named(at: float, by: float, by_wall: bool) -> None:
    clock = VirtualClock((at, by))
    verdict = judged(VirtualApp(clock, by_wall=by_wall, page=lambda _: '<img src="/p">'))
    assert verdict.outcome is not FAILED, said(verdict)
    if verdict.seconds > at + 10:
        assert any("clock was set" in note for result in verdict.scenarios for note in result.notes)


@pytest.mark.parametrize("ahead", [0.0, 6.0, -6.0, 40.0, -12600.0, 20700.0 + 40])
def test_an_app_whose_clock_is_elsewhere_is_right_and_its_labels_save_time(ahead: float) -> None:
    verdict = judged(VirtualApp(labelled=True, clock_ahead=ahead, phase=200))
    assert verdict.outcome is PASSED, said(verdict)
    assert {outcomes(verdict)[name] for name in ("counts", "times")} == {PASSED}, said(verdict)
    assert verdict.seconds < 420


@pytest.mark.parametrize(("claim", "seconds"), [("shown", 10), ("stays", 605), ("restart", 40)])
def test_only_what_counts_is_waited_for(claim: str, seconds: float) -> None:
    verdict = judged(VirtualApp(), restart=claim == "restart", claims=(claim,))
    assert verdict.outcome is PASSED, said(verdict)
    assert verdict.seconds < seconds


def test_an_operation_that_fails_is_the_reason_and_the_files_are_judged() -> None:
    def refuse() -> Callable[[], bool]:
        raise UnavailableError("It does not start", fix="See why")

    app = VirtualApp(ttl=60.0)
    verdict = judged(app, look=app.look, volume="here", acts={"restart": refuse})
    assert outcomes(verdict)["files"] == PASSED, said(verdict)
    assert reason(verdict, "restart") == "It does not start. See why."


def test_an_interrupted_run_keeps_what_was_seen() -> None:
    class Ended(VirtualClock):
        def wait(self, moment: float) -> None:
            super().wait(moment)
            if moment > BEGAN + 100:
                raise InterruptedVisits

    verdict = judged(VirtualApp(Ended()))
    assert verdict.history.interrupted
    assert verdict.outcome is OPEN
    assert outcomes(verdict)["shown"] == PASSED
    assert set(outcomes(verdict)) == set(CLAIMS)

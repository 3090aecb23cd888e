"""Whole runs on imitations of the ways in which apps of the course differ, judged claim by claim."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.todoctl.course.imitation import Imitation, imitation
from todoctl.course.judge import judge
from todoctl.course.options import CourseOptions, course_options
from todoctl.course.validate import validate
from todoctl.course.verdict import CLAIMS
from todoctl.evidence.history import History, Request, Role
from todoctl.evidence.verdict import Outcome, Verdict

PACE = 0.1
TTL = 8.0

TRIES = 3
"""Where the machine is busy, a visit may come at a time that tells nothing."""


class Board:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, float]] = []

    @contextmanager
    def side_by_side(self, names: Sequence[str]) -> Iterator[Callable[[str, str, float], None]]:
        yield lambda *told: self.told.append(told)


def wanted(*apps: Imitation, ttl: float, restart: bool, claims: str | None) -> list[CourseOptions]:
    volumes = [app.directory for app in apps if app.directory]
    return course_options(
        [app.url for app in apps],
        ttl=ttl,
        volumes=volumes if len(volumes) == len(apps) else (),
        restarts=[app.command() for app in apps] if restart else (),
        claims=claims,
    )


def run(*apps: Imitation, restart: bool = True, claims: str | None = None, ttl: float = TTL) -> list[Verdict]:
    with ExitStack() as running:
        for app in apps:
            running.enter_context(imitation(app))
        return validate(
            wanted(*apps, ttl=ttl, restart=restart, claims=claims), Board(), lambda _: None, pace=PACE
        )


def outcomes(verdict: Verdict) -> str:
    """The claims in their order: + passed, - failed, . not judged."""
    sign = {Outcome.PASSED: "+", Outcome.FAILED: "-", Outcome.NOT_JUDGED: "."}
    return "".join(sign[result.outcome] for result in verdict.scenarios)


def reason(verdict: Verdict, name: str) -> str:
    return next(result.reason for result in verdict.scenarios if result.name == name)


def all_of(verdict: Verdict) -> str:
    return "\n".join(f"{result.name}: {result.reason} {result.notes}" for result in verdict.scenarios)


def settled(play: Callable[[float], list[Verdict]], *expected: str) -> list[Verdict]:
    """The verdicts that are expected. A busy machine may leave open what could be judged: then all is played
    again, with as many times the time as `play` is told. It may never lead to a wrong verdict.
    """
    for attempt in range(TRIES):
        verdicts = play(2.0**attempt)
        if [outcomes(verdict) for verdict in verdicts] == list(expected):
            return verdicts
        for verdict, right in zip(verdicts, expected, strict=True):
            for seen, wanted_one in zip(outcomes(verdict), right, strict=True):
                assert seen in {wanted_one, "."}, all_of(verdict)
    pytest.fail("\n\n".join(all_of(verdict) for verdict in verdicts))


assert CLAIMS == ("shown", "stays", "grace", "renews", "restart", "counts", "times", "files")

WAYS = {
    "healthy": (Imitation(), "++++-...", {"restart": "lost with the restart"}),
    "no grace": (Imitation(renew="view"), "++-+-...", {"grace": "there is no grace view"}),
    "after the answer": (Imitation(renew="after"), "++++-...", {}),
    "one visit late": (Imitation(renew="late"), "+++--...", {"renews": "one visit late"}),
    "before the answer": (Imitation(renew="before"), "++-+-...", {}),
    "timer": (Imitation(renew="timer", late=3.0), "++.--...", {"renews": "renewed by a timer"}),
    "timer in time": (Imitation(renew="timer"), "++-+-...", {}),
    "never": (Imitation(renew="never"), "++.-....", {"renews": "it is kept for longer than 8 s"}),
    "a short time": (Imitation(ttl=1.5), "+-......", {"stays": "expected the same for 8 s, saw another"}),
    "hotlink": (Imitation(show="far"), "+-......", {"stays": "another picture at every view"}),
    "data": (Imitation(show="data"), "++++-...", {}),
    "error": (Imitation(show="error"), "-.......", {"shown": "HTTP 500"}),
    "labels": (Imitation(labels="right", behind=-4.5 * 3600), "++++-++.", {}),
    "unreset": (
        Imitation(labels="unreset"),
        "++++--+.",
        {"counts": "from 1 again with a new picture, saw it went on"},
    ),
}


def test_the_ways_are_judged_right() -> None:
    left = dict(WAYS)
    for _ in range(TRIES):
        apps = [replace(app, lock=threading.Lock(), asked=[]) for app, _, _ in left.values()]
        wrong = {}
        for (way, (_, expected, reasons)), verdict in zip(left.items(), run(*apps), strict=True):
            accused = [pair for pair in zip(outcomes(verdict), expected, strict=True) if pair == ("-", "+")]
            assert not accused or left[way][0].renew != "grace", f"{way}: {all_of(verdict)}"
            right = all(text in reason(verdict, name) for name, text in reasons.items())
            if outcomes(verdict) != expected or not right:
                wrong[way] = f"{way}: {outcomes(verdict)} instead of {expected}\n{all_of(verdict)}"
        if not wrong:
            break
        left = {way: left[way] for way in wrong}
    assert not wrong, "\n\n".join(wrong.values())


def test_one_with_a_volume_passes_everything(tmp_path: Path) -> None:
    apps: list[Imitation] = []

    def play(times: float) -> list[Verdict]:
        apps.append(Imitation(ttl=TTL * times, labels="right", behind=5.75 * 3600, directory=tmp_path))
        return run(apps[-1], ttl=TTL * times)

    [verdict] = settled(play, "++++++++")
    app = apps[-1]
    assert verdict.passed
    assert "page views during the restart answered" in reason(verdict, "restart")
    again = judge(History.from_json(json.loads(json.dumps(verdict.history.to_json()))))
    assert [result.reason for result in again.scenarios] == [result.reason for result in verdict.scenarios]
    agents = {headers["User-Agent"].split("/")[0] for _, path, headers in app.asked if path == "/"}
    assert agents == {"Mozilla"}
    assert not [headers for _, _, headers in app.asked if "Cookie" in headers]


def test_a_visit_is_the_page_and_then_its_picture_once_at_the_pace() -> None:
    app = Imitation(show="img")
    [verdict] = run(app, restart=False)
    paths = [path for _, path, _ in app.asked]
    assert paths == ["/", "/icon.png", "/image"] * (len(paths) // 3)
    visits = [
        event.begin
        for event in verdict.history.events
        if isinstance(event, Request) and event.role is Role.PAGE
    ]
    assert len(visits) == len(paths) // 3
    assert min(later - sooner for sooner, later in pairwise(visits)) > 0.8 * PACE


def test_pages_whose_picture_comes_by_javascript() -> None:
    def play(times: float) -> list[Verdict]:
        apps = [Imitation(ttl=20 * times, show=show, labels="right") for show in ("react", "blob")]
        return run(*apps, ttl=20 * times, restart=False)

    for verdict in settled(play, "++++.++.", "++++.++."):
        pictures = [
            event.visit
            for event in verdict.history.events
            if isinstance(event, Request) and event.role is Role.PICTURE
        ]
        assert len(pictures) == len(set(pictures)), "a picture once a visit"


def test_without_a_browser_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    [verdict] = run(Imitation(show="react"))
    assert outcomes(verdict) == "........"
    assert "or name the picture's address with --image" in reason(verdict, "shown")
    assert reason(verdict, "restart") == "the run did not come to the restart"
    assert not verdict.passed
    assert verdict.broken


def test_several_apps_side_by_side_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("no way")

    monkeypatch.setattr("todoctl.course.watch.BrowserVisitor", break_down)

    def play(times: float) -> list[Verdict]:
        apps = Imitation(), Imitation(renew="view"), Imitation(show="react"), Imitation(show="error")
        slow = [replace(app, ttl=TTL * times, lock=threading.Lock(), asked=[]) for app in apps]
        return run(*slow, ttl=TTL * times, restart=False)

    verdicts = settled(play, "++++....", "++-+....", "........", "-.......")
    began = [verdict.history.facts.began_at for verdict in verdicts[:2]]
    ended = [verdict.history.ended_at for verdict in verdicts[:2]]
    assert max(began) + TTL < min(ended), "both at the same time"
    assert reason(verdicts[2], "shown") == "Unexpected: no way"
    assert [verdict.passed for verdict in verdicts] == [True, False, False, False]
    assert [verdict.broken for verdict in verdicts] == [False, False, True, False]


def test_the_named_claims_count_and_have_to_be_judged() -> None:
    def play(times: float) -> list[Verdict]:
        app = Imitation(ttl=TTL * times, renew="view")
        return run(app, restart=False, claims="stays,renews", ttl=TTL * times)

    [verdict] = settled(play, "++-+....")
    assert verdict.passed
    [verdict] = run(Imitation(show="far"), restart=False, claims="renews")
    assert not verdict.passed


def test_a_restart_that_fails_and_a_volume_that_goes(tmp_path: Path) -> None:
    volume = tmp_path / "volume"

    def play(times: float) -> list[Verdict]:
        volume.mkdir()
        with imitation(Imitation(ttl=TTL * times)) as app:
            [one] = course_options([app.url], ttl=TTL * times, volumes=[volume], restarts=["false"])
            volume.rmdir()
            return validate([one], Board(), lambda _: None, pace=PACE)

    [verdict] = settled(play, "++++....")
    assert reason(verdict, "restart").startswith(
        "The command 'false' failed with exit code 1. Run it by hand"
    )
    assert "is no directory" in reason(verdict, "files")


def test_the_volume_as_a_command_lists_it(tmp_path: Path) -> None:
    def play(times: float) -> list[Verdict]:
        with imitation(Imitation(ttl=TTL * times, directory=tmp_path)) as app:
            listing = f"ls -lR --time-style=full-iso {tmp_path}"
            [one] = course_options(
                [app.url], ttl=TTL * times, volume_execs=[listing], restarts=[app.command()]
            )
            return validate([one], Board(), lambda _: None, pace=PACE)

    [verdict] = settled(play, "+++++..+")
    assert reason(verdict, "files") == "the picture is picture.png"


def test_an_app_that_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoctl.course.plan.Plan.most_settling", 0.5)

    def play(times: float) -> list[Verdict]:
        with imitation(Imitation(ttl=TTL * times)) as app:
            [one] = course_options([app.url], ttl=TTL * times, restarts=[app.command("break")])
            return validate([one], Board(), lambda _: None, pace=PACE)

    [verdict] = settled(play, "++++-...")
    assert "HTTP 500" in reason(verdict, "restart")


def test_an_interrupted_run_reports_what_was_seen() -> None:
    reports: list[list[Verdict]] = []
    app = Imitation(ttl=60)
    with imitation(app):
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            validate(course_options([app.url], ttl=60), Board(), reports.append, pace=PACE)
    [[verdict]] = reports
    assert outcomes(verdict) == "+......."
    assert verdict.history.interrupted
    assert not verdict.passed

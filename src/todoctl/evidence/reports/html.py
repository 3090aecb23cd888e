"""The verdict as one HTML page that needs nothing else: no server, no script, no network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from todoctl.evidence.history import Act
from todoctl.evidence.reports import phrases, report
from todoctl.evidence.reports.frames import Frame, frames
from todoctl.evidence.reports.timeline import LEFT, RIGHT, WIDTH, timeline
from todoctl.evidence.verdict import Outcome, ScenarioResult, Verdict

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_EVENTS = 3000
"""Rows of the history table; the JSON has all of them."""

MOST_LINKS = 6
"""Events that are named of checks that are alike."""

MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.NOT_JUDGED: "–"}
URGENCY = (Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.PASSED)
STATUSES = ("empty", "valid", "expired", "grace", "stale")


@report(".html")
def write(verdicts: Sequence[Verdict]) -> bytes:
    """Returns the report, with an overview where there are several verdicts."""
    return render(*verdicts).encode()


def render(*verdicts: Verdict) -> str:
    """The whole page, with everything that it shows inside it."""
    environment = _environment()
    several = len(verdicts) > 1
    runs = [
        _run(environment, verdict, at=f"app{number}-" if several else "", share=len(verdicts))
        for number, verdict in enumerate(verdicts, start=1)
    ]
    passed = sum(verdict.passed for verdict in verdicts)
    first = verdicts[0]
    return environment.get_template("report.html").render(
        verdicts=verdicts,
        runs=runs,
        outcome=_worst(verdicts),
        claims=[result.name for result in first.scenarios],
        title=f"{passed} of {len(verdicts)} apps passed: todoctl validate"
        if several
        else f"{phrases.headline(first)}: todoctl validate {phrases.short(phrases.place(first), 60)}",
        about=f"{passed} of {len(verdicts)} apps passed"
        if several
        else f"{phrases.place(first)}: {phrases.headline(first)}, {phrases.summary(first)}",
        marks=MARKS,
    )


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("todoctl.evidence.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=phrases.clock,
        day=phrases.day,
        seconds=phrases.seconds,
        short=phrases.short,
        picture=phrases.picture,
        status=phrases.status,
        headline=phrases.headline,
        by_sentence=phrases.by_sentence,
    )
    return environment


def _run(environment: "Environment", verdict: Verdict, *, at: str, share: int) -> str:
    """One verdict; every `id` in it begins with `at`."""
    began = verdict.history.facts.began_at
    environment.filters["since"] = lambda moment: f"{moment - began:+.1f} s"
    return environment.get_template("run.html").render(
        at=at,
        main="div" if at else "main",
        verdict=verdict,
        facts=verdict.history.facts,
        headline=phrases.headline(verdict),
        summary=phrases.summary(verdict),
        scenarios=_by_urgency(verdict, share),
        timeline=timeline(verdict),
        pictures=phrases.pictures(verdict),
        events=[
            (number, event, phrases.describe(event))
            for number, event in enumerate(verdict.history.events[:MOST_EVENTS])
        ],
        more_events=max(len(verdict.history.events) - MOST_EVENTS, 0),
        acts=list(
            dict.fromkeys(e.what for e in verdict.history.events if isinstance(e, Act) and e.what != "serve")
        ),
        most_links=MOST_LINKS,
        marks=MARKS,
        statuses=STATUSES,
        counted=phrases.counted,
        left=LEFT,
        right=RIGHT,
        width=WIDTH,
    )


def _worst(verdicts: Sequence[Verdict]) -> Outcome:
    return min((verdict.outcome for verdict in verdicts), key=URGENCY.index)


def _by_urgency(verdict: Verdict, share: int) -> list[tuple[ScenarioResult, list[Frame]]]:
    """Whoever opens the report of a failed run sees first what failed."""
    pairs = list(zip(verdict.scenarios, frames(verdict, share=share), strict=True))
    return sorted(pairs, key=lambda pair: URGENCY.index(pair[0].outcome))

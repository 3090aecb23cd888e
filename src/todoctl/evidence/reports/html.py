"""The verdict as one HTML page that needs nothing else: no server, no script, no network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from todoctl.evidence.reports import phrases, report
from todoctl.evidence.reports.frames import Frame, frames
from todoctl.evidence.reports.timeline import WIDTH, Timeline
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
def render(verdicts: Sequence[Verdict]) -> bytes:
    """Returns a page with everything that it shows inside it; an overview first, of several verdicts."""
    environment, first = _environment(), verdicts[0]
    if len(verdicts) == 1:
        runs = [_run(environment, first, at="", share=1)]
        subject, headline = phrases.subject(first), phrases.headline(first)
        title = f"{headline}: todoctl validate {phrases.short(subject, 60)}"
        about = f"{subject}: {headline}, {phrases.summary(first)}"
    else:
        runs = [
            _run(environment, verdict, at=f"app{number}-", share=len(verdicts))
            for number, verdict in enumerate(verdicts, start=1)
        ]
        about = f"{sum(verdict.passed for verdict in verdicts)} of {len(verdicts)} apps passed"
        title = f"{about}: todoctl validate"
    page = environment.get_template("report.html").render(
        verdicts=verdicts,
        runs=runs,
        outcome=min((verdict.outcome for verdict in verdicts), key=URGENCY.index),
        claims=[result.name for result in first.scenarios],
        title=title,
        about=about,
    )
    return page.encode()


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("todoctl.evidence.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("clock", "day", "seconds", "short", "picture", "status", "headline", "by_sentence")
    environment.filters.update({name: getattr(phrases, name) for name in names})
    environment.globals.update(
        marks=MARKS, statuses=STATUSES, most_links=MOST_LINKS, width=WIDTH, counted=phrases.counted
    )
    return environment


def _run(environment: "Environment", verdict: Verdict, *, at: str, share: int) -> str:
    """One verdict; every `id` in it begins with `at`."""
    events = verdict.history.events
    began = verdict.history.facts.began_at
    environment.filters["since"] = lambda moment: f"{moment - began:+.1f} s"
    drawn = Timeline(verdict)
    return environment.get_template("run.html").render(
        at=at,
        main="div" if at else "main",
        verdict=verdict,
        facts=verdict.history.facts,
        headline=phrases.headline(verdict),
        summary=phrases.summary(verdict),
        scenarios=_by_urgency(verdict, share),
        timeline=drawn,
        pictures=phrases.pictures(verdict),
        events=[(number, one, phrases.describe(one)) for number, one in enumerate(events[:MOST_EVENTS])],
        more_events=max(len(events) - MOST_EVENTS, 0),
        acts=list(dict.fromkeys(bar.label for bar in drawn.acts)),
    )


def _by_urgency(verdict: Verdict, share: int) -> list[tuple[ScenarioResult, list[Frame]]]:
    """Whoever opens the report of a failed run sees first what failed."""
    pairs = list(zip(verdict.scenarios, frames(verdict, share=share), strict=True))
    return sorted(pairs, key=lambda pair: URGENCY.index(pair[0].outcome))

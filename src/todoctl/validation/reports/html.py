"""The verdict as one HTML page that needs nothing else: no server, no script, no network."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from todoctl.validation.history import Act
from todoctl.validation.reports import phrases
from todoctl.validation.reports.frames import Frame, frames
from todoctl.validation.reports.spent import spent
from todoctl.validation.reports.timeline import LEFT, RIGHT, WIDTH, timeline
from todoctl.validation.verdict import Outcome, ScenarioResult, Verdict

MOST_EVENTS = 3000
"""Rows of the history table; the JSON has all of them."""

MOST_LINKS = 6
"""Events that are named of checks that are alike."""

MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.NOT_JUDGED: "–"}
URGENCY = (Outcome.FAILED, Outcome.NOT_JUDGED, Outcome.PASSED)
STATUSES = ("empty", "valid", "expired", "grace", "stale")


def write(verdict: Verdict, path: Path) -> None:
    """Writes the report; raises `OSError`."""
    path.write_text(render(verdict), encoding="utf-8")


def render(verdict: Verdict) -> str:
    """The whole page, with everything that it shows inside it."""
    environment = Environment(
        loader=PackageLoader("todoctl.validation.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    began = verdict.history.facts.began_at
    environment.filters.update(
        clock=phrases.clock,
        day=phrases.day,
        seconds=phrases.seconds,
        short=phrases.short,
        picture=phrases.picture,
        status=phrases.status,
        since=lambda moment: f"{moment - began:+.1f} s",
        by_sentence=phrases.by_sentence,
    )
    return environment.get_template("report.html").render(
        verdict=verdict,
        facts=verdict.history.facts,
        headline=phrases.headline(verdict),
        summary=phrases.summary(verdict),
        scenarios=_by_urgency(verdict),
        timeline=timeline(verdict),
        spent=spent(verdict),
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


def _by_urgency(verdict: Verdict) -> list[tuple[ScenarioResult, list[Frame]]]:
    """Whoever opens the report of a failed run sees first what failed."""
    pairs = list(zip(verdict.scenarios, frames(verdict), strict=True))
    return sorted(pairs, key=lambda pair: URGENCY.index(pair[0].outcome))

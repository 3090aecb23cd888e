"""From a history of `validate --url` to its verdict, claim by claim; needs nothing but the history."""

from collections.abc import Callable

from todoctl.course import lifetimes, statements
from todoctl.course.files import files
from todoctl.course.sightings import lives, sightings
from todoctl.course.verdict import verdict
from todoctl.evidence.history import History, no_history
from todoctl.evidence.reports.phrases import short
from todoctl.evidence.verdict import ScenarioResult, Span, Verdict, Visit

JUDGES: dict[str, Callable[[History, ScenarioResult], None]] = {
    "shown": lifetimes.shown,
    "stays": lifetimes.stays,
    "grace": lifetimes.grace,
    "renews": lifetimes.renews,
    "restart": lifetimes.restart,
    "counts": statements.counts,
    "times": statements.times,
    "files": files,
}


def judge(history: History) -> Verdict:
    """The verdict on what was seen so far; raises `BadUsageError` where a claim is unknown."""
    return verdict(
        history,
        scenarios=[_result(history, play.name, play.title, play.error) for play in history.plays],
        spans=_spans(history),
    )


def _result(history: History, name: str, title: str, error: str) -> ScenarioResult:
    if name not in JUDGES:
        raise no_history(f"'{short(name, 60)}' is no claim")
    within = [event for event in history.events if event.scenario == name]
    result = ScenarioResult(
        name=name,
        title=title,
        error=error,
        visits=_visits(history, name),
        begin=min((event.begin for event in within), default=history.ended_at),
        end=max((event.end for event in within), default=history.ended_at),
    )
    JUDGES[name](history, result)
    return result


def _visits(history: History, phase: str) -> list[Visit]:
    return [
        Visit(
            event=seen.event,
            at=seen.begin,
            status=seen.told.status or seen.problem or "a picture",
            access_count=seen.told.views,
            image_access_count=seen.told.picture_views,
            picture=seen.picture or None,
        )
        for seen in sightings(history)
        if seen.phase == phase
    ]


def _spans(history: History) -> list[Span]:
    """For how long each picture was young, and then too old."""
    found = []
    for life in lives(history):
        begin, end = life.seen[0].end, max(life.seen[-1].end, life.seen[0].end)
        old = life.born.hi + history.facts.ttl
        found.append(Span(begin=begin, end=min(end, max(old, begin)), status="valid"))
        if end > old:
            found.append(Span(begin=max(old, begin), end=end, status="expired"))
    return found

"""What the page tells, held against what was seen: counts and times."""

from itertools import pairwise
from math import isinf

from todoctl.course.lifetimes import check, leave
from todoctl.course.sightings import CLOCKS, Life, Sighting, lives, sightings, zone
from todoctl.evidence.history import History, Request, Role
from todoctl.evidence.times import Span
from todoctl.evidence.verdict import ScenarioResult

ROUNDING = 1.05
"""Seconds: each time is told without its fraction."""

ALIKE = 4
"""Views at which a count goes up by the same too much before it is the app's doing, not other visitors'."""


def counts(history: History, result: ScenarioResult) -> None:
    """Each view is one more; with a new picture its count begins again."""
    visits = sightings(history)
    _site_count(history, result, [seen for seen in visits if seen.told.views is not None])
    _picture_count(history, result)
    if not result.checks:
        told = any(seen.told.views is not None for seen in visits)
        leave(result, "other visitors came between ours" if told else "the page tells no counts")
    elif not result.failures:
        result.saw = "one more with each view"


def _site_count(history: History, result: ScenarioResult, visits: list[Sighting]) -> None:
    more = []
    for one, other in pairwise(visits):
        went = (other.told.views or 0) - (one.told.views or 0)
        least, most = _views_between(history, one, other)
        if went < least or went <= most:
            seen = f"{one.told.views}, then {other.told.views}"
            expected = f"{least} more after {least} page view{'' if least == 1 else 's'}"
            check(result, "site count", expected, seen, other.event, passed=went >= least)
        elif most == 1:
            more.append(went)
    others = result.checks
    if len(more) >= ALIKE and len(set(more)) == 1 and not others:
        check(
            result,
            "site count",
            "1 more with each view",
            f"{more[0]} more each time",
            visits[-1].event,
            passed=False,
        )
    elif more:
        result.notes.append("the site count went up by more than our views at times: others came in between")


def _picture_count(history: History, result: ScenarioResult) -> None:
    before: Sighting | None = None
    for life in lives(history):
        told = [seen for seen in life.seen if seen.told.picture_views is not None]
        for one, other in pairwise(told[1:] if life.fresh else told):
            went = (other.told.picture_views or 0) - (one.told.picture_views or 0)
            least, most = _views_between(history, one, other)
            if went <= most:
                seen = f"{one.told.picture_views}, then {other.told.picture_views}"
                check(result, "image count", f"{least} more", seen, other.event, passed=went >= least)
        # The picture may have changed between the first page that shows it and its own request.
        if before and len(told) > 1:
            _begun_again(history, result, before, told[1])
        before = told[-1] if told else None


def _begun_again(history: History, result: ScenarioResult, old: Sighting, new: Sighting) -> None:
    """The count of a new picture cannot be higher than the views since the old one was seen last."""
    told, before = new.told.picture_views or 0, old.told.picture_views or 0
    least, most = _views_between(history, old, new)
    if old.told.views is not None and new.told.views is not None:
        room = max(new.told.views - old.told.views, most)
    else:
        room = most if told <= most or told == before + least else told  # others may have come
    right = 1 <= told <= room
    seen = f"{told}" if right else f"it went on from {before} to {told}" if told > before else f"{told}"
    check(result, "image count", "from 1 again with a new picture", seen, new.event, passed=right)


def _views_between(history: History, one: Sighting, other: Sighting) -> tuple[int, int]:
    """How many page views came after `one` up to `other`: those that were answered well, and all."""
    views = [
        event
        for event in history.events[one.event + 1 : other.event + 1]
        if isinstance(event, Request) and event.role is Role.PAGE
    ]
    return sum(bool(view.answer and view.answer.status == 200) for view in views), len(views)


def times(history: History, result: ScenarioResult) -> None:
    """The times and the status beside the labels are what was seen, in one zone for all."""
    away = zone(history)
    for seen in sightings(history):
        _view_times(history, result, seen, away)
    for life in lives(history):
        # The picture may have changed between the first page that shows it and its own request.
        sure = life.seen[1:] if life.fresh else life.seen
        _download_times(result, life, sure, away)
        for seen in sure:
            word = _status(seen, life.born, history.facts.ttl)
            if word and seen.told.status:
                saw = seen.told.status
                _time(result, seen, "Status", word, right=saw == word, saw=saw)
    if not result.checks:
        leave(result, "the page tells no times under the documented labels")
    elif not result.failures:
        result.saw = "what the labels tell is what was seen"


def _view_times(history: History, result: ScenarioResult, seen: Sighting, away: float | None) -> None:
    told, ttl = seen.told, history.facts.ttl
    ahead = 0.0 if told.zoned else away
    if told.last_view and ahead is not None:
        right = _wide(Span(seen.begin, seen.end), CLOCKS).meets(told.last_view.shifted(-ahead))
        _time(result, seen, "Last Site Access", "the time of the view", right=right)
    if told.downloaded and told.expires:
        lasts = told.expires.lo - told.downloaded.lo
        right = abs(lasts - ttl) <= ROUNDING
        saw = "" if right else f"{lasts:g} s after the download"
        _time(result, seen, "Image Expiry time", f"{ttl:g} s after the download", right=right, saw=saw)


def _download_times(result: ScenarioResult, life: Life, sure: list[Sighting], away: float | None) -> None:
    """Right for the picture, and the same for as long as it is shown."""
    told = [(seen, seen.told.downloaded) for seen in sure if seen.told.downloaded]
    for seen, moment in told:
        ahead = 0.0 if seen.told.zoned else away
        if ahead is not None:
            right = _wide(life.born, CLOCKS).meets(moment.shifted(-ahead))
            _time(result, seen, "Image Download time", "when the picture came", right=right)
        right = moment == told[0][1]
        _time(result, seen, "Image Download time", "the same for the same picture", right=right)


def _status(seen: Sighting, born: Span, ttl: float) -> str:
    """The word that must stand there; empty where more than one may."""
    if not isinf(born.lo) and seen.end < born.lo + ttl:
        return "Valid"
    return "Grace period" if seen.begin > born.hi + ttl else ""


def _time(
    result: ScenarioResult, seen: Sighting, name: str, expected: str, *, right: bool, saw: str = ""
) -> None:
    check(result, name, expected, saw or (expected if right else "another time"), seen.event, passed=right)


def _wide(span: Span, by: float) -> Span:
    return Span(span.lo - by, span.hi + by)

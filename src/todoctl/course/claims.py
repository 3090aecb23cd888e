"""What is claimed of any app of the course, each a function from observations to findings, and their verdict.

A claim is registered where it is written; options, help and documents list what is registered.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf

from todoctl.course.observations import NO_PICTURE, Interval, Observations, View, slack
from todoctl.evidence import pictures
from todoctl.evidence.history import Act, File, History, Request, Role, Volume, no_history
from todoctl.evidence.reports.phrases import counted, short
from todoctl.evidence.times import Span
from todoctl.evidence.verdict import Check, ScenarioResult, Verdict
from todoctl.evidence.verdict import Span as StatusSpan
from todoctl.evidence.verdict import Visit as PageView

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
"""Of a file that may be a picture where a listing is all there is."""

ROUNDING = 1.05
"""Seconds: each time on the page is given without its fraction."""

CLOCKS = 1.0
"""Seconds by which times of the app's clock may be off, beside how far that clock is ahead."""

MIN_SHARE = 0.7
"""The share of its time for which a picture must be seen by more than its last view, a grace view maybe."""

QUICK = 2
"""Views of the old picture after its time that still are due to visits, not to a timer."""


Judge = Callable[[Observations, ScenarioResult], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """`needs` is what the user must give for it to be judged; `timed` ones are judged by waiting.

    `essential` ones that count must have been judged for a run to pass. `optional` ones count where they are
    named.
    """

    name: str
    sentence: str
    judge: Judge
    needs: str
    essential: bool
    timed: bool
    optional: bool


CLAIMS: dict[str, Claim] = {}
"""By name, in the order in which they are shown."""


def claim(
    sentence: str, *, needs: str = "", essential: bool = False, timed: bool = False, optional: bool = False
) -> Callable[[Judge], Judge]:
    """Registers a function as the claim of its name."""

    def register(judge: Judge) -> Judge:
        name = judge.__name__
        CLAIMS[name] = Claim(name, sentence, judge, needs, essential, timed, optional)
        return judge

    return register


def check(result: ScenarioResult, name: str, expected: str, seen: str, event: int, *, passed: bool) -> None:
    """Notes one expectation."""
    result.checks.append(
        Check(
            claim=f"course.{result.name}",
            sentence=result.title,
            name=name,
            expected=expected,
            seen=seen,
            passed=passed,
            event=event,
        )
    )


def leave(result: ScenarioResult, why: str) -> None:
    """Says why a claim cannot be judged; the first reason stays."""
    result.error = result.error or why


@claim("The page shows a picture.", essential=True)
def shown(seen: Observations, result: ScenarioResult) -> None:
    """Every visit shows a picture, from the first one on that did."""
    disturbed = {act.scenario for act in seen.disturbances}
    visits = [view for view in seen.views if view.phase not in disturbed]
    first = next((number for number, view in enumerate(visits) if view.picture), None)
    if first is None:
        if visits and not result.error:
            check(result, "page", "a picture", visits[-1].problem, visits[-1].event, passed=False)
        return leave(result, "nothing was visited")
    for view in visits[first:]:
        check(result, "visit", "a picture", view.problem or "a picture", view.event, passed=not view.problem)
    without = [view.problem for view in visits[:first] if view.problem != NO_PICTURE]
    if without:
        which = "visit" if len(without) == 1 else f"{len(without)} visits"
        result.notes.append(f"the first {which} had no picture yet: {without[0]}")
    result.saw = f"{short(seen.address, 120)} at each of {counted(len(visits) - first, 'visit')}"
    return None


@claim("Everyone sees the same picture for the documented time.", essential=True, timed=True)
def stays(seen: Observations, result: ScenarioResult) -> None:
    """A picture is there for the documented time; one that was seen to come does not go before that."""
    ttl, expected = seen.ttl, f"the same for {seen.ttl:g} s"
    early = [interval for interval in seen.intervals if interval.went_early(ttl)]
    if any(_encoded_anew(seen, interval) for interval in early):
        return leave(
            result,
            "each view gets other bytes of what looks like one picture: it is encoded anew for each, and "
            "whether it is another one cannot be told by its bytes",
        )
    single = len(seen.intervals) > 2 and all(len(interval.views) == 1 for interval in seen.intervals)
    each = f": another picture at each of {counted(len(seen.intervals), 'view')}" if single else ""
    for interval in early:
        saw = f"another one after {_span(interval.lasted)}{each}"
        check(result, "picture", expected, saw, interval.next.event if interval.next else 0, passed=False)
    if seen.unclear:
        return leave(result, seen.unclear)
    for interval in seen.intervals:
        if interval in early:
            continue
        if _long_enough(interval, ttl):
            saw = f"the same for {interval.lasted.lo:.1f} s at least"
            check(result, "picture", expected, saw, interval.views[-1].event, passed=True)
            result.saw = f"{saw}, at {counted(len(interval.views), 'view')}"
        elif interval.next and not interval.restarted and not interval.fresh:
            result.notes.append(f"picture {interval.picture[:12]} went when it may just have been old")
    if not result.checks:
        longest = max((interval.lasted.lo for interval in seen.intervals), default=0.0)
        leave(result, f"no picture was watched for long enough: {longest:.1f} s at most; {_more(seen)}")
    return None


def _encoded_anew(seen: Observations, interval: Interval) -> bool:
    bodies, one = seen.history.bodies, interval.picture
    other = interval.next.picture if interval.next else one
    return other != one and pictures.same_pixels(bodies[one], bodies[other])


def _long_enough(interval: Interval, ttl: float) -> bool:
    """Whether a picture was seen for its time, as well as visits that take a while can tell."""
    enough = needed(interval, ttl)
    if interval.lasted.lo < enough or len(interval.views) < 2:
        return False
    # The last view may be a grace view of a shorter time; the one before it is none.
    before, last = interval.views[-2:]
    takes = min(before.seconds, last.seconds)  # one of them may have been slow once
    return interval.age(before.asked, before.end).lo >= min(MIN_SHARE * ttl, enough - 4 * takes)


def needed(interval: Interval, ttl: float) -> float:
    """Returns the seconds a picture must be seen: less where visits, or the app's start, take long."""
    slow = slack(ttl) + min(interval.width, ttl / 10) + 2 * interval.views[-1].seconds
    return ttl - min(max(min(10.0, ttl / 6), slow), 0.4 * ttl)


@claim(
    "After that time the old picture comes once more, with the first view: the grace view.",
    timed=True,
    optional=True,
)
def grace(seen: Observations, result: ScenarioResult) -> None:
    """The first view that surely comes after the picture's time gets it once more, if that is asked for."""
    ttl, name, expected = seen.ttl, "first view after the expiry", "the old picture once more"
    asked = any(play.proves for play in seen.history.plays if play.name == "grace")
    watched = _watched(seen)
    for interval in reversed(watched):
        old = interval.surely_old(ttl)
        if old and interval.next and len(old) <= QUICK:
            result.saw = "the old picture at the first view after its time"
            return check(result, name, expected, expected, old[0].event, passed=True)
        if interval.next and not interval.maybe_old(ttl) and not interval.went_early(ttl):
            saw = "a new picture: there is no grace view"
            if not asked:
                return leave(result, f"{saw}, and none is needed; --claims grace asks for one")
            if interval.fresh and not _others_came(seen, interval):
                return check(result, name, expected, saw, interval.next.event, passed=False)
    most = max((len(interval.surely_old(ttl)) for interval in watched), default=0)
    if most > QUICK:
        return leave(result, "no grace view can be told from a picture that stays long after its time")
    if most:
        return leave(result, "the run ended before a new picture could come")
    return leave(result, "it is not certain which view was the first after a picture's time")


def _watched(seen: Observations) -> list[Interval]:
    """The pictures as they were seen until something was done to the app."""
    until = min((act.begin for act in seen.disturbances), default=inf)
    found = []
    for one in seen.intervals:
        views = [view for view in one.views if view.begin < until]
        following = one.next if one.next and one.next.begin < until else None
        if views:
            found.append(replace(one, views=views, next=following))
    return found


def _others_came(seen: Observations, interval: Interval) -> bool:
    """Whether the page's counts say that somebody else may have had the grace view."""
    last, following = interval.views[-1], interval.next
    if following is None or last.labels.views is None or following.labels.views is None:
        return False
    return following.labels.views - last.labels.views > _views_between(seen, last, following)[1]


@claim("Then comes a new picture, with the next view.", essential=True, timed=True)
def renews(seen: Observations, result: ScenarioResult) -> None:
    """A picture comes at one view after its time at most; the next one gets a new picture."""
    ttl, name, expected = seen.ttl, "view after the grace view", "a new picture"
    if seen.unclear:
        return leave(result, seen.unclear)
    doubtful = False
    for interval in _watched(seen):
        old, maybe, following = interval.surely_old(ttl), interval.maybe_old(ttl), interval.next
        if len(old) > 1 and not following and _may_be_a_placeholder(seen):
            leave(
                result,
                "the page has scripts, which may show another picture than its HTML: let a browser visit "
                "(Chromium and todoctl[browser]; --no-sandbox as root), or give --image",
            )
        elif len(old) > 1:
            check(result, name, expected, _too_late(interval, ttl), old[1].event, passed=False)
        elif not following or interval.went_early(ttl):
            continue
        elif interval.lasted.hi < inf and len(maybe) < 2:
            which = name if maybe else "view after the expiry"
            check(result, which, expected, expected, following.event, passed=True)
            result.saw = f"a new picture with the {'next' if maybe else 'first'} view"
        else:
            doubtful = doubtful or len(maybe) > 1
    if not result.checks:
        if doubtful:
            leave(result, f"more than one view may have come after the picture's time; {_more(seen)}")
        leave(result, f"no picture was watched from when it came to beyond its time; {_more(seen)}")
    return None


def _too_late(interval: Interval, ttl: float) -> str:
    """What was seen of a picture that was there at two views after its time."""
    old = interval.surely_old(ttl)
    late = interval.age(old[-1].begin, old[-1].begin).lo - ttl
    if not interval.next:
        return f"the old one still {late:.1f} s after its time: it is kept for longer than {ttl:g} s"
    if len(old) <= QUICK:
        return "the old one again: the new picture came one visit late"
    when = _span(Span(late, interval.lasted.hi - ttl))
    return f"a new one only {when} after its time: by a timer, or kept longer"


def _more(seen: Observations) -> str:
    """What would have been enough to judge."""
    minutes = math.ceil(2.2 * seen.ttl / 60)
    slowest = max((view.seconds for view in seen.views), default=0.0)
    return (
        f"{counted(minutes, 'minute')} are enough where visits are quick (the slowest took {slowest:.1f} s), "
        "and half of that with --volume, which shows when a picture came"
    )


def _may_be_a_placeholder(seen: Observations) -> bool:
    """Whether a picture that never changes may be replaced by a script that only a browser runs."""
    asked = [event for event in seen.history.events if isinstance(event, Request) and event.answer]
    if len(seen.intervals) > 1 or any(event.sent or event.probe == "named" for event in asked):
        return False  # a browser has visited, or the picture is known
    bodies = [seen.history.bodies.get(event.answer.body, b"") for event in asked if event.answer]
    return any(b"<script" in body for body in bodies)


@claim("A restart of the app keeps the picture.", needs="--restart-command", essential=True)
def restart(seen: Observations, result: ScenarioResult) -> None:
    kept_by(seen, result, "restart")


@claim("A crash of the app keeps the picture.", needs="todoctl grade", essential=True)
def crash(seen: Observations, result: ScenarioResult) -> None:
    kept_by(seen, result, "crash")


def kept_by(seen: Observations, result: ScenarioResult, what: str) -> None:
    """Judges whether the first visit after a `restart`, say, shows the picture of the last one before it."""
    ttl, name, expected = seen.ttl, f"picture after the {what}", "the one from before it"
    early = [interval.lasted.lo for interval in seen.intervals if interval.went_early(ttl)]
    for act in seen.acts(what):
        before = [view for view in seen.views if view.end <= act.begin and view.picture]
        found = next((view for view in seen.views if view.begin >= act.end), None)
        if not before or not found:
            leave(result, f"the app was not visited on both sides of the {what}")
            continue
        interval = next(one for one in seen.intervals if before[-1] in one.views)
        age = interval.age(found.begin, found.end).hi
        answered = _answered(seen, act)
        if not found.picture:
            check(result, name, expected, found.problem, found.event, passed=False)
        elif found.picture == before[-1].picture:
            check(result, name, expected, expected, found.event, passed=True)
            result.saw = f"the same picture; {answered}"
        elif age >= min([ttl - slack(ttl), *early]):
            old = "is of unknown age" if age == inf else f"may have been {age:.0f} s old"
            leave(result, f"another picture came, but the one from before {old}: it may have gone anyway")
        else:
            saw = f"another one: the picture was lost with the {what}"
            check(result, name, expected, saw, found.event, passed=False)
        result.notes.append(answered)
    if result.checks:
        result.error = ""
    leave(result, "" if result.checks else f"nothing was done that is a {what}")


def _answered(seen: Observations, act: Act) -> str:
    events = (event for event in seen.history.events if act.begin <= event.begin <= act.end)
    views = [event for event in events if isinstance(event, Request) and event.crowd]
    return f"{sum(map(_is_well, views))} of {counted(len(views), 'page view')} during the {act.what} answered"


def _is_well(request: Request) -> bool:
    return request.answer is not None and request.answer.status == 200


@claim("Every view is counted once, and the count of the picture begins again at 1 with a new picture.")
def counts(seen: Observations, result: ScenarioResult) -> None:
    visits = [(view, view.labels.views) for view in seen.views if view.labels.views is not None]
    _count_up(seen, result, "site count", visits)
    before: tuple[View, int] | None = None
    for interval in seen.intervals:
        labelled = [(view, view.labels.picture_views) for view in interval.views]
        said = [(view, number) for view, number in labelled if number is not None]
        # The picture may have changed between the first page that shows it and its own request.
        sure = said[1:] if interval.before else said
        _count_up(seen, result, "image count", sure)
        if before and sure:
            _begun_again(seen, result, before, sure[0])
        before = said[-1] if said else None
    if not result.checks:
        leave(result, "other visitors came between ours" if visits else "the page has no counts")
    elif not result.failures:
        result.saw = "one more with each view"


def _count_up(seen: Observations, result: ScenarioResult, name: str, said: list[tuple[View, int]]) -> None:
    """A count goes up by our views; by more where others have come, whoever they are."""
    for (one, then), (other, now) in pairwise(said):
        least, most = _views_between(seen, one, other)
        if now - then <= most:
            expected = f"{least} more after {counted(least, 'page view')}"
            passed = now - then >= least
            check(result, name, expected, f"{then}, then {now}", other.event, passed=passed)
        elif not result.notes:
            result.notes.append(
                f"the {name} went up by more than our views: by others', or it counts too much"
            )


def _begun_again(
    seen: Observations, result: ScenarioResult, old: tuple[View, int], new: tuple[View, int]
) -> None:
    """The count of a new picture cannot be higher than the views since the old one was seen last."""
    (one, before), (other, now) = old, new
    least, most = _views_between(seen, one, other)
    if one.labels.views is not None and other.labels.views is not None:
        most = max(other.labels.views - one.labels.views, most)
    elif now > most and now != before + least:
        most = now  # others may have come
    saw = f"it went on from {before} to {now}" if now > before else f"{now}"
    check(result, "image count", "from 1 again with a new picture", saw, other.event, passed=1 <= now <= most)


def _views_between(seen: Observations, one: View, other: View) -> tuple[int, int]:
    """How many page views came after `one` up to `other`: those that were answered well, and all."""
    between = seen.history.events[one.event + 1 : other.event + 1]
    views = [event for event in between if isinstance(event, Request) and event.role is Role.PAGE]
    return sum(map(_is_well, views)), len(views)


@claim(
    "The page tells when the picture came, when it expires, when the site was last asked for, and its status."
)
def times(seen: Observations, result: ScenarioResult) -> None:
    """The times and the status beside the labels are what was seen, by one clock in one zone for all."""
    ahead = seen.clock_offset()
    if ahead and abs((ahead.lo + ahead.hi) / 2) > CLOCKS:
        by = (ahead.lo + ahead.hi) / 2
        result.notes.append(f"the page's clock is {by:+.0f} s from this machine's, zone and all")
    for view in seen.views:
        said = view.labels
        if said.last_view and ahead:
            right = _meets(Span(view.begin, view.page_end), said.last_view, ahead)
            _compare(result, view, "Last Site Access", "the time of the view", right=right)
        if said.downloaded and said.expires:
            lasts = said.expires.lo - said.downloaded.lo
            right, saw = abs(lasts - seen.ttl) <= ROUNDING, f"{lasts:g} s after the download"
            _compare(
                result, view, "Image Expiry time", f"{seen.ttl:g} s after the download", right=right, saw=saw
            )
    for interval in seen.intervals:
        # The picture may have changed between the first page that shows it and its own request.
        _picture_times(
            seen, result, interval, interval.views[1:] if interval.before else interval.views, ahead
        )
    if result.failures and seen.steps:
        result.checks.clear()
        leave(result, "this machine's clock was set during the run, and the app may go by it")
    elif not result.checks:
        leave(result, "the page has no times beside the documented labels")
    elif not result.failures:
        result.saw = "what the labels say is what was seen"


def _compare(
    result: ScenarioResult, view: View, label: str, expected: str, *, right: bool, saw: str = "another time"
) -> None:
    check(result, label, expected, expected if right else saw, view.event, passed=right)


def _picture_times(
    seen: Observations, result: ScenarioResult, interval: Interval, sure: list[View], ahead: Span | None
) -> None:
    """Right for the picture, and the same for as long as it is shown; `sure` are the views that show it."""
    label = "Image Download time"
    first = next((view.labels.downloaded for view in sure if view.labels.downloaded), None)
    for view in sure:
        said = view.labels.downloaded
        if said and ahead:
            right = _meets(interval.seen, said, ahead)
            _compare(result, view, label, "when the picture came", right=right)
        if said:
            _compare(result, view, label, "the same for the same picture", right=said == first)
        word, saw = _status(interval, view, seen.ttl), view.labels.status
        if word and saw:
            _compare(result, view, "Status", word, right=saw == word, saw=saw)


def _meets(moment: Span, said: Span, ahead: Span) -> bool:
    """Whether a label can mean a moment, by a clock that is `ahead`."""
    wide = Span(moment.lo + ahead.lo - CLOCKS, moment.hi + ahead.hi + CLOCKS)
    return wide.meets(said)


def _status(interval: Interval, view: View, ttl: float) -> str:
    """The word that must stand there; empty where more than one may."""
    if interval.age(view.begin, view.end).hi < ttl:
        return "Valid"
    return "Grace period" if view in interval.surely_old(ttl) else ""


@claim(
    "The picture is a file on the volume, and outlasts a restart there.",
    needs="--volume or --volume-exec",
    essential=True,
)
def files(seen: Observations, result: ScenarioResult) -> None:
    """The picture that was shown before and after a look at the volume is a file there."""
    for number, event in enumerate(seen.history.events):
        if isinstance(event, Volume):
            before = [view.picture for view in seen.views if view.picture and view.event < number]
            after = [view.picture for view in seen.views if view.picture and view.event > number]
            if before and after and before[-1] == after[0]:
                _look(seen, result, number, event, after[0])
    if not result.checks:
        leave(result, "the volume was not looked at while one picture was shown")
    elif not result.failures:
        result.saw = f"the picture is {result.checks[-1].seen}"


def _look(seen: Observations, result: ScenarioResult, number: int, event: Volume, digest: str) -> None:
    bodies, same = seen.history.bodies, seen.same_picture(digest)
    content, sizes = bodies[digest], {len(bodies[body]) for body in same}
    files = event.files
    there = next((one.name for one in files if (one.body in same if one.body else one.size in sizes)), "")
    alike = next((one.name for one in files if pictures.alike(bodies.get(one.body, b""), content)), "")
    there = there or (f"{alike}, which the page shows in another form" if alike else "")
    if not there and any(_may_be_one(seen, file) for file in files):
        return leave(result, "no file has the picture's bytes, but the page may show it in another form")
    disturbed = event.scenario in {act.scenario for act in seen.disturbances}
    what = f"after the {event.scenario}" if disturbed else "on the volume"
    none = f"{counted(len(files), 'file')}, none of them the picture" if files else "no files at all"
    expected = there or f"the picture, {len(content)} bytes"
    check(result, what, expected, there or none, number, passed=bool(there))
    return None


def _may_be_one(seen: Observations, file: File) -> bool:
    """Whether a file may hold the page's picture in another form: an earlier picture does not."""
    if file.body in seen.history.bodies:  # only pictures are kept
        return not any(file.body in seen.same_picture(view.picture) for view in seen.views)
    return not file.body and file.name.lower().endswith(SUFFIXES)


def _span(seconds: Span) -> str:
    """`61 to 63 s`, `3 s`, `at most 4 s`."""
    lo, hi = seconds
    if lo <= 0:
        return f"at most {hi:.1f} s"
    return f"{lo:.1f} s" if hi - lo < 0.1 or hi == inf else f"{lo:.1f} to {hi:.1f} s"


def judge_claim(seen: Observations, name: str, error: str = "") -> ScenarioResult:
    """Returns what one claim comes to, on what was seen so far. A fault of ours judges nobody."""
    within = [event for event in seen.history.events if event.scenario == name]
    result = ScenarioResult(
        name=name,
        title=CLAIMS[name].sentence,
        error=error,
        begin=min((event.begin for event in within), default=seen.history.ended_at),
        end=max((event.end for event in within), default=seen.history.ended_at),
    )
    try:
        CLAIMS[name].judge(seen, result)
    except Exception as fault:  # noqa: BLE001 - the other claims, and other apps, keep their verdict
        result.checks.clear()
        result.error = f"todoctl failed to judge it: {short(repr(fault), 200)}"
    return result


def judge(history: History) -> Verdict:
    """Returns the verdict; raises `BadUsageError` where the history has a claim that there is not."""
    seen = Observations(history)
    results = []
    for play in history.plays:
        if play.name not in CLAIMS:
            raise no_history(f"'{short(play.name, 60)}' is no claim")
        result = judge_claim(seen, play.name, play.error)
        result.visits = [_page_view(view) for view in seen.views if view.phase == play.name]
        if result.name in TIMED | {"times"}:
            result.notes += [
                f"this machine's clock was set by {step.by:+.1f} s during the run" for step in seen.steps
            ]
        results.append(result)
    counts = frozenset(play.name for play in history.plays if play.proves)
    named = "grace" in counts or not {name for name in DEFAULT if not CLAIMS[name].needs} <= counts
    return Verdict(
        history=history,
        scenarios=results,
        spans=_spans(seen),
        counted=counts,
        needed=counts if named else counts & ESSENTIAL,
        broken=any(play.name == "shown" and play.error for play in history.plays),
    )


def _page_view(view: View) -> PageView:
    return PageView(
        event=view.event,
        at=view.begin,
        status=view.labels.status or view.problem or "a picture",
        access_count=view.labels.views,
        image_access_count=view.labels.picture_views,
        picture=view.picture or None,
    )


def _spans(seen: Observations) -> list[StatusSpan]:
    """For how long each picture was young, and then too old."""
    found = []
    for interval in seen.intervals:
        begin, end = interval.views[0].end, interval.views[-1].end
        old = max(begin, interval.born.hi + seen.ttl)
        found.append(StatusSpan(begin=begin, end=min(end, old), status="valid"))
        if end > old:
            found.append(StatusSpan(begin=old, end=end, status="expired"))
    return found


TIMED = frozenset(name for name, one in CLAIMS.items() if one.timed)
ESSENTIAL = frozenset(name for name, one in CLAIMS.items() if one.essential)
DEFAULT = frozenset(name for name, one in CLAIMS.items() if not one.optional)
"""Claims that are judged by waiting; that must have been judged; that count where none are named."""

"""What the pictures' lives tell: shown, stays, grace, renews, restart. Only what is certain is judged."""

from dataclasses import dataclass
from math import inf, isinf

from todoctl.course.sightings import NO_PICTURE, Life, Sighting, lives, sightings
from todoctl.evidence.history import Act, History, Request, Role
from todoctl.evidence.reports.phrases import counted
from todoctl.evidence.verdict import Check, ScenarioResult
from todoctl.validation.claims import COURSE

QUICK = 2
"""Views of the old picture after its time that still are those of visits, not of a timer."""


MOST_OF_IT = 0.7
"""The part of its time for which a picture has to be seen by more views than the last one."""


def slack(ttl: float) -> float:
    """Seconds by which the app may count otherwise than we do."""
    return min(2.0, ttl / 10)


def nearly(ttl: float) -> float:
    """Seconds for which a picture has to be seen: it is asked for just before its time is over, and after."""
    return ttl - min(10.0, ttl / 6)


def span(lo: float, hi: float) -> str:
    """`61 to 63 s`, `3 s`, `at most 4 s`."""
    if lo <= 0:
        return f"at most {hi:.1f} s"
    return f"{lo:.1f} s" if hi - lo < 0.1 else f"{lo:.1f} to {hi:.1f} s"


def together(life: Life, ttl: float) -> float:
    """Seconds between two views at most that are as good as one: both cannot have been grace views.

    Where the picture's age is not known at all, its time may end just between them: they have to be closer.
    """
    return min(4.0, ttl / 100) if isinf(life.born.lo) else min(4.0, ttl / 10)


def check(result: ScenarioResult, name: str, expected: str, seen: str, event: int, *, passed: bool) -> None:
    """Notes one expectation."""
    claim = f"course.{result.name}"
    result.checks.append(
        Check(
            claim=claim,
            sentence=COURSE[claim],
            name=name,
            expected=expected,
            seen=seen,
            passed=passed,
            event=event,
        )
    )


def leave(result: ScenarioResult, why: str) -> None:
    """What cannot be judged is said to be so, with the first reason."""
    result.error = result.error or why


def shown(history: History, result: ScenarioResult) -> None:
    """Every visit shows a picture, from the first one on that did."""
    visits = [seen for seen in sightings(history) if seen.phase != "restart"]
    first = next((number for number, seen in enumerate(visits) if seen.picture), None)
    if first is None:
        if visits and not result.error:
            check(result, "page", "a picture", visits[-1].problem, visits[-1].event, passed=False)
        return leave(result, "nothing was visited")
    for seen in visits[first:]:
        check(
            result, "visit", "a picture", seen.problem or "a picture", seen.event, passed=bool(seen.picture)
        )
    without = [seen for seen in visits[:first] if seen.problem != NO_PICTURE]
    if without:
        first_ones = "visit" if len(without) == 1 else f"{len(without)} visits"
        told = f"the first {first_ones} had no picture yet: {without[0].problem}"
        result.notes.append(told)
    result.saw = f"a picture at each of {counted(len(visits) - first, 'visit')}"
    return None


def early(history: History) -> list[Life]:
    """The pictures that went before their time without doubt: we have seen them come."""
    ttl = history.facts.ttl
    known = [life for life in lives(history) if life.fresh and not life.restarted]
    return [life for life in known if life.at_most < ttl - slack(ttl)]


def stays(history: History, result: ScenarioResult) -> None:
    """A picture that came while we looked on stays for the documented time."""
    ttl, all_of_them = history.facts.ttl, lives(history)
    expected = f"the same for {ttl:g} s"
    gone = early(history)
    restless = len(gone) > 1 and all(len(life.seen) == 1 for life in gone)
    for life in gone:
        seen = f"another one after {span(life.at_least, life.at_most)}"
        seen += ": another picture at every view" if restless else ""
        check(result, "picture", expected, seen, life.seen[-1].event, passed=False)
    for life in all_of_them:
        if life not in gone and life.at_least >= nearly(ttl) and life.twice >= MOST_OF_IT * ttl:
            seen = f"the same for {life.at_least:.1f} s at least"
            check(result, "picture", expected, seen, life.seen[-1].event, passed=True)
            result.saw = f"{seen}, at {counted(len(life.seen), 'view')}"
            if life.twice < nearly(ttl):
                result.notes.append(
                    f"after {life.twice:.0f} s it was viewed only once: when it had come was not known"
                )
        elif life not in gone and life.gone < inf and not life.restarted:
            old = f"picture {life.picture[:12]} went when it may just have been old"
            result.notes.append(f"{old}: the next one was watched as well")
    if not result.checks:
        longest = max(all_of_them, key=lambda life: life.at_least, default=None)
        least = max(0.0, longest.at_least) if longest else 0.0
        if longest and least >= nearly(ttl):
            seen = f"was there for {least:.1f} s, but only for {max(0.0, longest.twice):.1f} s"
            leave(result, f"a picture {seen} without its last view, which may have been a grace view")
        leave(result, f"no picture was watched for long enough: {least:.1f} s at most")


@dataclass(frozen=True, slots=True)
class Expiry:
    """The visits that surely came after a picture's time: those that got the old one, the first new one.

    `doubtful` says that an earlier visit may have come after it as well: where the old picture was seen
    once more, if that is likely enough; where a new one came at once, if it is possible at all.
    """

    life: Life
    olds: list[Sighting]
    new: Sighting | None
    doubtful: bool

    def late(self, ttl: float) -> str:
        """How long after its time the old picture was there, at least, and the new one, at most."""
        least = self.olds[-1].begin - self.life.born.hi - ttl
        most = self.new.end - self.life.born.lo - ttl if self.new else inf
        return f"{least:.1f} s" if most == inf else span(least, most)


def expiry(history: History) -> Expiry | None:
    """The last expiry that was watched, one without doubt if there is; else None."""
    ttl, all_of_them = history.facts.ttl, lives(history)
    restart = next((act.begin for act in _restarts(history)), inf)  # what comes after it is not watched
    best: Expiry | None = None
    for number in reversed(range(len(all_of_them))):
        life = all_of_them[number]
        surely, perhaps = life.born.hi + ttl, life.born.lo + ttl
        olds = [seen for seen in life.seen if surely < seen.begin < restart]
        following = all_of_them[number + 1].seen[0] if number + 1 < len(all_of_them) else None
        new = following if following and surely < following.begin < restart else None
        if olds or new:
            before = [seen for seen in life.seen if seen.begin <= surely]
            doubtful = (
                bool(before)
                and before[-1].end > perhaps
                and (
                    not olds  # nobody is accused of what may not be
                    or len(before) < 2
                    or before[-1].end - before[-2].begin > together(life, ttl)
                )
            )
            best = best if best and doubtful else Expiry(life, olds, new, doubtful)
            if not doubtful:
                break
    return best


def grace(history: History, result: ScenarioResult) -> None:
    """The first view that surely comes after the picture's time gets it once more."""
    ttl, found = history.facts.ttl, expiry(history)
    if found is None:
        return leave(result, "no picture was watched beyond its time")
    name, expected = "first view after the expiry", "the old picture once more"
    if found.new and not found.olds:
        if found.doubtful:
            return leave(result, "the grace view may have been spent before the picture was surely too old")
        seen = "a new picture: there is no grace view"
        return check(result, name, expected, seen, found.new.event, passed=False)
    if found.new is None or len(found.olds) > QUICK:
        views = counted(len(found.olds), "view")
        return leave(
            result,
            f"the old picture was there at {views}, up to {found.late(ttl)} after its time: "
            "no grace view can be told from that",
        )
    check(result, name, expected, expected, found.olds[0].event, passed=True)
    result.saw = "the old picture at the first view after its time"
    return None


def renews(history: History, result: ScenarioResult) -> None:
    """The view after the grace view gets a new picture."""
    ttl, found = history.facts.ttl, expiry(history)
    if found is None:
        return leave(result, "no picture was watched beyond its time")
    name, expected = "view after the grace view", "a new picture"
    late = len(found.olds)
    if found.new and late == 1 and found.doubtful:
        return leave(result, "a view may have come after the picture's time before it surely was over")
    if found.new and late <= 1:
        check(
            result,
            name if late else "view after the expiry",
            expected,
            expected,
            found.new.event,
            passed=True,
        )
        result.saw = "a new picture with the next view" if late else "a new picture with the first view"
        return None
    if found.new is None and (late <= QUICK or history.interrupted):
        return leave(result, "the run ended before a new picture could come")
    if found.new is None:
        seen = f"the old one still {found.late(ttl)} after its time: it is kept for longer than {ttl:g} s"
    elif late <= QUICK:
        seen = "the old one again: the new picture came one visit late"
    else:
        seen = f"a new one only {found.late(ttl)} after its time: renewed by a timer, or kept for longer"
    return check(result, name, expected, seen, found.olds[1].event, passed=False)


def restart(history: History, result: ScenarioResult) -> None:
    """The first visit after the restart shows the picture of the last one before it."""
    acts = _restarts(history)
    if not acts:
        return leave(result, "nothing was restarted: --restart-command CMD does it")
    act, visits, ttl = acts[-1], sightings(history), history.facts.ttl
    before = [seen for seen in visits if seen.end <= act.begin and seen.picture]
    after = [seen for seen in visits if seen.begin >= act.end]
    if not before or not after or result.error:
        return leave(result, "the app was not visited on both sides of the restart")
    name, expected, found = "picture after the restart", "the one from before it", after[0]
    life = next(life for life in lives(history) if before[-1] in life.seen)
    if not found.picture:
        check(result, name, expected, found.problem, found.event, passed=False)
    elif found.picture == before[-1].picture:
        check(result, name, expected, expected, found.event, passed=True)
        result.saw = f"the same picture; {_answered(history, act)}"
    elif found.end - life.born.lo >= min([ttl - slack(ttl), *(gone.at_least for gone in early(history))]):
        old = f"may have been {found.end - life.born.lo:.0f} s old" if life.fresh else "is of unknown age"
        leave(result, f"another picture came, but the one from before {old}: it may have gone anyway")
    else:
        seen = "another one: the picture was lost with the restart"
        check(result, name, expected, seen, found.event, passed=False)
    result.notes.append(_answered(history, act))
    return None


def _restarts(history: History) -> list[Act]:
    return [event for event in history.events if isinstance(event, Act) and event.what == "restart"]


def _answered(history: History, act: Act) -> str:
    views = [
        event
        for event in history.events
        if isinstance(event, Request) and event.role is Role.PAGE and act.begin <= event.begin <= act.end
    ]
    well = sum(bool(view.answer and view.answer.status == 200) for view in views)
    return f"{well} of {counted(len(views), 'page view')} during the restart answered"

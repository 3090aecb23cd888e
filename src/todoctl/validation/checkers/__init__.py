"""The verdict: what each checker finds in a history, put together scenario by scenario.

A checker is a function from a history to findings. `policy` alone replays the model; the others read what it
has learned: how many page views of others there were, and which picture the app had.
"""

from collections.abc import Callable

import msgspec

from todoctl.evidence.history import Act, ClockStep, History, Op, Request, Role
from todoctl.evidence.verdict import Check, ScenarioResult, Span, Verdict
from todoctl.validation.checkers import counters, http, policy, volume
from todoctl.validation.checkers.timeline import Timeline
from todoctl.validation.claims import CLAIMS, SEEN

Checker = Callable[[Timeline, policy.Replayed], list[Check]]

CHECKERS: list[Checker] = [http.check, volume.check, counters.check]
"""All but the one that replays the model, which the others build on."""


def part(history: History, scenario: str) -> History:
    """Returns the history of `scenario` alone, with the TTL and the picture source that it began with."""
    numbers = [number for number, event in enumerate(history.events) if event.scenario == scenario]
    before = history.events[: numbers[0]] if numbers else []
    acts = [event for event in before if isinstance(event, Act)]
    facts = history.facts
    for act in acts:
        if act.ttl is not None:
            facts = msgspec.structs.replace(facts, ttl=act.ttl, source=act.source)
    serving = [act for act in acts if act.what is Op.SERVE][:1]
    return msgspec.structs.replace(
        history,
        facts=facts,
        events=[*serving, *(history.events[number] for number in numbers)],
        plays=[play for play in history.plays if play.name == scenario],
    )


def judge(history: History) -> Verdict:
    """Returns the verdict on what was done and seen so far; needs nothing but `history`."""
    timeline = Timeline(history)
    replayed = policy.replay(timeline)
    checks = [*replayed.findings.checks]
    for check in CHECKERS:
        checks += check(timeline, replayed)

    def of(number: int) -> str:
        return history.events[number].scenario

    scenarios = []
    for play in history.plays:
        result = ScenarioResult(name=play.name, title=play.title, begin=play.begin, end=play.end)
        scenarios.append(result)
        result.error = play.error
        result.checks = [
            found
            for found in sorted(checks, key=lambda found: found.event)
            if of(found.event) == play.name and (found.passed or not _is_excused(history, found))
        ]
        result.visits = [visit for visit in replayed.visits if of(visit.event) == play.name]
        proved = {check.claim for check in result.checks if check.passed}
        result.missing = {claim: CLAIMS.get(claim, claim) for claim in play.proves if claim not in proved}
        seen = (SEEN[claim] for claim in play.proves if claim in proved and claim in SEEN)
        result.saw = "; ".join(dict.fromkeys(seen))
        if meanwhile := _views_meanwhile(history, play.name):
            result.saw += f"; {meanwhile} page views meanwhile"
        if others := sum(count for number, count in replayed.others.items() if of(number) == play.name):
            result.notes.append(f"{others} page view{'s' if others > 1 else ''} of others came in between")
        if play.tries > 1:
            result.notes.append(f"played {play.tries} times, because something came in between")
    return Verdict(history=history, scenarios=scenarios, spans=_spans(history, replayed.statuses))


def _is_excused(history: History, check: Check) -> bool:
    """Whether it is not known what ran the app then, or what its clock said.

    After this machine's clock was set, what the app does is no evidence until it starts on an empty volume.
    """
    event = history.events[check.event]
    for number, before in enumerate(history.events):
        if event.begin < before.begin:
            continue
        if isinstance(before, Act) and before.what in policy.UNKNOWN and event.begin <= before.end:
            return True
        if isinstance(before, ClockStep) and before.scenario == event.scenario:
            starts = (one for one in history.events[number:] if isinstance(one, Act) and one.emptied)
            anew = next(starts, None)
            if anew is None or event.begin < anew.end:
                return True
    return False


def _views_meanwhile(history: History, scenario: str) -> int:
    """Returns how many page views were answered while the app was being restarted."""
    events = [event for event in history.events if event.scenario == scenario]
    restarts = [act for act in events if isinstance(act, Act) and act.what is Op.RESTART]
    return sum(
        any(act.begin <= event.begin < act.end for act in restarts)
        for event in events
        if isinstance(event, Request) and event.role is Role.PAGE and event.answer
    )


def _spans(history: History, statuses: list[tuple[float, str]]) -> list[Span]:
    """Each status from when it was seen until another one was."""
    changes: list[tuple[float, str]] = []
    for at, status in sorted(statuses):
        if not changes or changes[-1][1] != status:
            changes.append((at, status))
    ends = [at for at, _ in changes[1:]] + [max(history.ended_at, changes[-1][0])] if changes else []
    return [Span(begin=at, end=end, status=status) for (at, status), end in zip(changes, ends, strict=True)]

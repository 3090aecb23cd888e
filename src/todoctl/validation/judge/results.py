"""From a history to its verdict: the judge's checks, scenario by scenario."""

import msgspec

from todoctl.evidence.history import Act, History, Request, Role
from todoctl.evidence.verdict import ScenarioResult, Span, Verdict
from todoctl.validation.contract import CLAIMS, SEEN
from todoctl.validation.judge.acts import UNKNOWN
from todoctl.validation.judge.events import Judge


def part(history: History, scenario: str) -> History:
    """Returns the history of `scenario` alone, with the TTL and the picture source that it began with."""
    numbers = [number for number, event in enumerate(history.events) if event.scenario == scenario]
    before = history.events[: numbers[0]] if numbers else []
    acts = [event for event in before if isinstance(event, Act)]
    facts = history.facts
    for act in acts:
        if act.ttl is not None:
            facts = msgspec.structs.replace(facts, ttl=act.ttl, source=act.source)
    serving = [act for act in acts if act.what == "serve"][:1]
    return msgspec.structs.replace(
        history,
        facts=facts,
        events=[*serving, *(history.events[number] for number in numbers)],
        plays=[play for play in history.plays if play.name == scenario],
    )


def judge(history: History) -> Verdict:
    """The verdict on what was done and seen so far; needs nothing but `history`."""
    found = Judge(history)
    found.run()
    scenarios = [
        ScenarioResult(name=play.name, title=play.title, begin=play.begin, end=play.end, error=play.error)
        for play in history.plays
    ]
    by_name = {result.name: result for result in scenarios}
    unknown = [act for act in history.events if isinstance(act, Act) and act.what in UNKNOWN]
    for check in found.checks.found:
        event = history.events[check.event]
        result = by_name.get(event.scenario)
        excused = not check.passed and any(act.begin <= event.begin <= act.end for act in unknown)
        if result is not None and not excused:
            result.checks.append(check)
    for visit in found.visits:
        result = by_name.get(history.events[visit.event].scenario)
        if result is not None:
            result.visits.append(visit)
    for play in history.plays:
        result = by_name[play.name]
        proved = {check.claim for check in result.checks if check.passed}
        result.missing = {claim: CLAIMS.get(claim, claim) for claim in play.proves if claim not in proved}
        result.saw = "; ".join(
            dict.fromkeys(SEEN[claim] for claim in play.proves if claim in proved and claim in SEEN)
        )
        meanwhile = _views_meanwhile(history, play.name)
        if meanwhile:
            result.saw += f"; {meanwhile} page views meanwhile"
        strangers = found.tally.others[play.name]
        if strangers:
            result.notes.append(
                f"{strangers} page view{'s' if strangers > 1 else ''} of others came in between"
            )
        if play.tries > 1:
            result.notes.append(f"played {play.tries} times, because something came in between")
    return Verdict(history=history, scenarios=scenarios, spans=_spans(history, found.sightings))


def _views_meanwhile(history: History, scenario: str) -> int:
    """Page views that were answered while the app was being restarted."""
    restarts = [
        act
        for act in history.events
        if isinstance(act, Act) and act.what == "restart" and act.scenario == scenario
    ]
    return sum(
        any(act.begin <= event.begin < act.end for act in restarts)
        for event in history.events
        if isinstance(event, Request)
        and event.role is Role.PAGE
        and event.scenario == scenario
        and event.answer
    )


def _spans(history: History, sightings: list[tuple[float, str]]) -> list[Span]:
    """Each status from when it was seen until another one was."""
    changes: list[tuple[float, str]] = []
    for at, status in sorted(sightings):
        if not changes or changes[-1][1] != status:
            changes.append((at, status))
    ends = [at for at, _ in changes[1:]] + [max(history.ended_at, changes[-1][0])] if changes else []
    return [Span(begin=at, end=end, status=status) for (at, status), end in zip(changes, ends, strict=True)]

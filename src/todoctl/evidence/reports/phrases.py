"""What reports say of events and values: short, on one line, whatever the app has sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from todoctl.evidence.history import Act, ClockStep, Download, Log, Op, Request, Role, Volume
from todoctl.evidence.pages import WORDS
from todoctl.evidence.verdict import Check, Outcome, Verdict

AnyEvent = Request | Volume | Download | Act | Log | ClockStep

LONGEST = 300
"""Characters that are shown of a text; the JSON has all of it."""

WELL = "picture"
"""How an image service answers that is well; anything else is an outage."""


def short(text: object, longest: int = LONGEST) -> str:
    """`text` on one line that no screen or parser stumbles over, cut where it is too long to be read."""
    whole = str(text)
    shown = "".join(_visible(char) for char in whole[:longest])
    return f"{shown}… ({len(whole)} characters)" if len(whole) > longest else shown


def _visible(char: str) -> str:
    # Control characters, lone surrogates and characters that turn the direction of writing.
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def clock(moment: float) -> str:
    """The time of day in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S.%f")[:-3]


def day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def seconds(number: float) -> str:
    return f"{number:.1f} s"


def counted(number: int, thing: str) -> str:
    """`1 check`, `2 checks`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def headline(verdict: Verdict) -> str:
    """Passed, Failed or Interrupted; an interrupted run says nothing of what it has not played."""
    if verdict.history.interrupted:
        return "Interrupted"
    return verdict.outcome.value.capitalize()


def summary(verdict: Verdict) -> str:
    """How many scenarios, or claims, passed, failed and could not be judged."""
    outcomes = [result.outcome for result in verdict.scenarios]
    text = f"{outcomes.count(Outcome.PASSED)} of {counted(len(outcomes), verdict.thing)} passed"
    for outcome in (Outcome.FAILED, Outcome.NOT_JUDGED):
        if number := outcomes.count(outcome):
            text += f", {number} {outcome.value}"
    return text


def subject(verdict: Verdict) -> str:
    """Where the app runs: a target, or the address of an app that todoctl knows nothing else of."""
    facts = verdict.history.facts
    return short(facts.url if facts.kind == "claims" else facts.target)


def origin(verdict: Verdict) -> str:
    """What the sentences are from."""
    return "the exercise" if verdict.thing == "claim" else "the contract"


@dataclass(slots=True)
class Alike:
    """A check, and every event that it was made of with the same result: a crowd's answers are all alike."""

    check: Check
    events: list[int]


def by_sentence(checks: Iterable[Check]) -> dict[str, list[Alike]]:
    """Checks under the sentence of the contract that they hold the app to, those that are alike as one."""
    found: dict[str, dict[tuple[object, ...], Alike]] = {}
    for check in checks:
        key = (check.name, check.expected, check.seen, check.passed)
        alike = found.setdefault(check.sentence, {}).setdefault(key, Alike(check, []))
        alike.events.append(check.event)
    return {sentence: list(same.values()) for sentence, same in found.items()}


def status(key: str) -> str:
    """A status as the page names it."""
    return short(WORDS.get(key, key), 60)


def picture(digest: str | None) -> str:
    """A picture by the beginning of its SHA-256, as the checks name it; `–` where it is not known."""
    return f"picture {short(digest[:12])}" if digest else "–"


def pictures(verdict: Verdict) -> list[str]:
    """The SHA-256 of each that was downloaded or shown, in that order."""
    seen = [
        *((event.begin, event.picture) for event in verdict.history.events if isinstance(event, Download)),
        *((visit.at, visit.picture) for result in verdict.scenarios for visit in result.visits),
    ]
    return list(dict.fromkeys(digest for _, digest in sorted(seen, key=lambda found: found[0]) if digest))


def event(verdict: Verdict, number: int) -> str:
    """Event number `number` in a few words; a check may name one that is not there."""
    events = verdict.history.events
    if not 0 <= number < len(events):
        return f"event {number}"
    after = events[number].begin - verdict.history.facts.began_at
    return f"event {number}, {after:+.1f} s: {describe(events[number])}"


def describe(found: AnyEvent) -> str:
    """What an event was, in a few words."""
    match found:
        case Request():
            return _request(found)
        case Volume():
            files = ", ".join(f"{short(file.name, 60)} ({file.size} bytes)" for file in found.files)
            return f"volume as {short(found.seen_from, 60)} sees it: {files or 'empty'}"
        case Download():
            sent = picture(found.picture) if found.picture else "no picture"
            return f"image service asked, answers with {short(found.way, 60)}: {sent}"
        case Log():
            return f"{counted(len(found.lines), 'log line')} of the app"
        case ClockStep():
            return f"this machine's clock is set by {found.by:+.1f} s"
    return _act(found)


def _request(found: Request) -> str:
    answer = found.answer
    is_picture = answer and found.role is Role.PICTURE and answer.status == 200
    parts = [
        f"{short(found.server, 60)}: " if found.server else "",
        f"{short(found.method, 20)} {short(found.url, 120)} → ",
        str(answer.status) if answer else f"no answer ({short(found.error, 120)})",
        f", {picture(answer.body)}" if answer and is_picture else "",
        f", page view {found.visit}" if found.visit else "",
        f", in crowd {short(found.crowd, 40)}" if found.crowd else "",
    ]
    return "".join(parts)


def _act(found: Act) -> str:
    if found.what is Op.SERVE:
        return f"image service answers with {short(found.way, 60)} from now on"
    before, after = (short(", ".join(names) or "none", 80) for names in (found.before, found.after))
    parts = [
        found.what.description,
        "" if found.ttl is None else f", TTL {found.ttl:g} s",
        f", pictures from {short(found.source, 80)}" if found.source else "",
        ", on an empty volume" if found.emptied else "",
        f": {before} → {after}" if found.before or found.after else "",
    ]
    return "".join(parts)

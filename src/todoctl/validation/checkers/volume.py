"""The volume and the log: documented in form, and the same from both sides."""

from todoctl.evidence import pages as reading
from todoctl.evidence.history import File, Log, Volume
from todoctl.evidence.pages import METADATA, STATE_FILE
from todoctl.evidence.verdict import Check
from todoctl.validation.checkers.policy import Replayed
from todoctl.validation.checkers.timeline import Findings, Timeline
from todoctl.validation.claims import LOG_LINES

TRACEBACK = "Traceback (most recent call last)"
"""Some logs have the time and the level before it."""


def check(timeline: Timeline, replayed: Replayed) -> list[Check]:
    """Returns what is found of the volume and of the log."""
    findings = Findings()
    first: dict[int, tuple[int, Volume]] = {}
    for number, event in timeline.order:
        if isinstance(event, Log):
            _log(timeline, replayed, number, event, findings)
        elif isinstance(event, Volume):
            _metadata(timeline, number, event, findings)
            other = first.setdefault(event.look, (number, event))
            if other[1] is not event and not {number, other[0]} & replayed.behind:
                _both(timeline, number, (other[1], event), findings)
    return findings.checks


def _metadata(timeline: Timeline, number: int, event: Volume, findings: Findings) -> None:
    for file in event.files:
        if file.name == STATE_FILE:
            wrong = reading.document(timeline.history.bodies[file.body], METADATA).wrong
            seen = ", ".join(wrong) or "as documented"
            findings.same(number, "volume-state", "metadata", "as documented", seen)


def _both(timeline: Timeline, number: int, sides: tuple[Volume, Volume], findings: Findings) -> None:
    """Compares two sides, unless somebody has viewed the page in between."""
    one, other = ({file.name: file for file in side.files} for side in sides)
    if _views(timeline, one) != _views(timeline, other):
        return
    for name in sorted(one | other):
        seen = (_in_words(side.get(name)) for side in (one, other))
        findings.same(number, "volume-same", f"{name} on both sides", *seen)


def _views(timeline: Timeline, files: dict[str, File]) -> object:
    if STATE_FILE not in files:
        return None
    return reading.document(timeline.history.bodies[files[STATE_FILE].body], METADATA).observed.views


def _in_words(file: File | None) -> str:
    if file is None:
        return "none"
    return f"{file.size} bytes, changed at {file.modified:.6f}, SHA-256 {file.body[:12]}"


def _log(timeline: Timeline, replayed: Replayed, number: int, event: Log, findings: Findings) -> None:
    """Reads the app's log as the original README reads it."""
    directory, ttl = timeline.history.facts.directory, f"TTL {replayed.ttls[number]:.15g} s"
    starts = [at for at, line in enumerate(event.lines) if directory in line and ttl in line]
    if not starts and len(event.lines) >= LOG_LINES:
        return  # the start is further back than was read
    lines = event.lines[starts[-1] :] if starts else []
    text = "\n".join(lines)
    found = {"cache directory": (directory, directory in text), "TTL": (ttl, ttl in text)}
    if pictures := replayed.named.get(number):
        found["picture"] = ("the picture's SHA-256", any(picture in text for picture in pictures))
    for name, (expected, passed) in found.items():
        seen = "named" if passed else "not named"
        findings.note(number, "log", f"{name} in the log", expected, seen, passed=passed)
    before = event.lines[starts[-2] :] if len(starts) > 1 else lines  # how the one before it has ended
    raised = "a traceback" if any(TRACEBACK in line for line in before) else "none"
    findings.same(number, "traceback", "traceback in the log", "none", raised)

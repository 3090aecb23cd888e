"""The volume and the log, held against the possible states."""

from collections.abc import Callable

from todoctl.evidence import pages as reading
from todoctl.evidence.history import Event, File, Log, Volume
from todoctl.evidence.pages import METADATA, PICTURE_FILE, STATE_FILE, Observation
from todoctl.evidence.times import Span
from todoctl.validation.contract import LOG_LINES
from todoctl.validation.judge.checks import Checks
from todoctl.validation.judge.words import told_in_words
from todoctl.validation.model.possible import Possible

TRACEBACK = "Traceback (most recent call last)"
"""Some logs have the time and the level before it."""


class Files:
    """Judges looks at the volume; the two sides of one look are held against each other as well."""

    def __init__(self, checks: Checks, possible: Possible, came: Callable[[Event, int], None]) -> None:
        """`came` is told of page views of others."""
        self._checks = checks
        self._possible = possible
        self._came = came
        self._shown: tuple[set[str | None], set[str | None]] = (set(), set())
        """The pictures that were possible after the last two events."""
        self._first: dict[int, tuple[Volume, int | None, bool]] = {}

    def observed(self) -> None:
        """An event was held against the possible states."""
        self._shown = (self._shown[1], {state.picture for state in self._possible.states})

    def volume(self, number: int, event: Volume, at: Span) -> None:
        """One side of the volume."""
        files = {file.name: file for file in event.files}
        views = self._state(number, event, files.get(STATE_FILE), at).views
        moves = self._picture(number, files.get(PICTURE_FILE), at)
        other = self._first.pop(event.look, None)
        if other is None:
            self._first[event.look] = (event, views, moves)
        elif views == other[1] and not moves and not other[2]:  # else somebody viewed the page in between
            self._both(number, other[0], event)

    def _state(self, number: int, event: Volume, file: File | None, at: Span) -> Observation:
        if file is None:
            nothing_known = not any(state.picture for state in self._possible.states)
            expected, missing = f"{STATE_FILE} with all that is known", f"no {STATE_FILE}"
            self._checks.note(number, "volume-state", "metadata", expected, missing, passed=nothing_known)
            return Observation()
        read = reading.document(self._checks.history.bodies[file.body], METADATA)
        self._checks.same(
            number, "volume-state", "metadata", "as documented", ", ".join(read.wrong) or "as documented"
        )
        seen = self._possible.look(at, read.observed, saved=True)
        self._came(event, seen.strangers)
        self._checks.mismatches(number, seen.mismatches, ["volume-state"])
        return read.observed

    def _picture(self, number: int, file: File | None, at: Span) -> bool:
        """Whether a newer one is being saved just now: its JSON comes first."""
        told = Observation(picture=file.body if file else None)
        seen = self._possible.look(at, told, saved=True)
        self._checks.mismatches(number, seen.mismatches, ["volume-picture"])
        if file and not seen.mismatches:
            self._checks.note(
                number,
                "volume-picture",
                PICTURE_FILE,
                "the picture of the moment",
                told_in_words(told.known()),
                passed=True,
            )
        return seen.behind

    def _both(self, number: int, one: Volume, other: Volume) -> None:
        ours, theirs = ({file.name: file for file in side.files} for side in (one, other))
        for name in sorted(ours | theirs):
            self._checks.same(
                number, "volume-same", f"{name} on both sides", _told(ours.get(name)), _told(theirs.get(name))
            )

    def log(self, number: int, event: Log, directory: str) -> None:
        """The app's log, read as the original README reads it."""
        pictures = {state.picture for state in self._possible.states}
        earlier, _ = self._shown
        ttl = f"TTL {self._possible.ttl:.15g} s"
        starts = [place for place, line in enumerate(event.lines) if directory in line and ttl in line]
        if not starts and len(event.lines) >= LOG_LINES:
            return  # the start is further back than was read
        lines = event.lines[starts[-1] :] if starts else []
        text = "\n".join(lines)
        found = {
            "cache directory": (directory, directory in text),
            "TTL": (ttl, ttl in text),
        }
        if None not in pictures and pictures == earlier:  # else it may have been shown before it is named
            named = any(picture in text for picture in pictures if picture)
            found["picture"] = ("the picture's SHA-256", named)
        for name, (expected, passed) in found.items():
            self._checks.note(
                number,
                "log",
                f"{name} in the log",
                expected,
                "named" if passed else "not named",
                passed=passed,
            )
        before = event.lines[starts[-2] :] if len(starts) > 1 else lines  # how the one before it has ended
        raised = "a traceback" if any(TRACEBACK in line for line in before) else "none"
        self._checks.same(number, "traceback", "traceback in the log", "none", raised)


def _told(file: File | None) -> str:
    if file is None:
        return "none"
    return f"{file.size} bytes, changed at {file.modified:.6f}, SHA-256 {file.body[:12]}"

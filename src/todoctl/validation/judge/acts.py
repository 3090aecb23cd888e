"""What was done to the app, and what that makes possible."""

from enum import Enum
from math import inf

from todoctl.evidence import pages as reading
from todoctl.evidence.history import Act, History, no_history
from todoctl.evidence.pages import METADATA, PICTURE_FILE, STATE_FILE, Document, or_none
from todoctl.evidence.pictures import media_type
from todoctl.evidence.times import EVER, Span
from todoctl.validation.judge.checks import Checks
from todoctl.validation.judge.tally import Tally
from todoctl.validation.model.policy import Fetch, Others
from todoctl.validation.model.possible import Possible


class Ailing(Enum):
    """Whether `last_error` tells of the volume or the saved state, whatever the image service does."""

    NO = "no"
    MAY = "may"
    MUST = "must"


UNKNOWN = frozenset({"replaced", "failed"})
"""Acts in whose time it is not known what ran the app: what was seen then is not held against it."""


class Acts:
    """Takes note of acts, one after the other.

    `source` is the image service in force, `started` when the app was started last (by its own clock),
    `since` the act of which the next page view shows what came of it.
    """

    def __init__(self, checks: Checks, possible: Possible, tally: Tally, fetches: list[Fetch]) -> None:
        history: History = checks.history
        self.source = history.facts.source
        self.started = -inf
        self.since: Act | None = None
        self.ailing = Ailing.NO
        self._detached = False
        self._history = history
        self._checks = checks
        self._possible = possible
        self._tally = tally
        self._fetches = fetches
        self._own_sources = {
            act.source for act in history.events if isinstance(act, Act) and act.what == "serve"
        }

    def take(self, number: int, act: Act, at: Span) -> None:
        """The next act, done at some instant of `at`."""
        self._tally.act(act)
        if act.what in {"serve", *UNKNOWN}:
            return
        possible = self._possible
        possible.settle(Span(at.lo, at.lo))
        self.since = None if act.what == "start" else act
        if act.what in {"start", "takeover", "cut", "damage"}:
            self._start(act, at)
        elif act.what in {"restart", "kill"}:
            at_once = act.what == "kill"
            possible.start(possible.ttl, possible.fetches, at, emptied=False, at_once=at_once)
            self.started = at.hi
            self._replaced(number, act)
        elif act.what in {"lose", "spoil"}:
            self.ailing = Ailing.MAY
        elif act.what == "detach":
            self._detached, self.ailing = True, Ailing.MUST
        elif act.what == "attach":
            self._detached, self.ailing = False, Ailing.MAY
            possible.merge(self._others(act), at)

    def viewed(self) -> None:
        """Somebody has viewed the page: what was wrong with the saved state is mended by it."""
        if not self._detached:
            self.ailing = Ailing.NO

    def _start(self, act: Act, at: Span) -> None:
        possible = self._possible
        fetches = self._fetches if act.source in self._own_sources else None
        stopped = at if act.stopped is None else at.shifted(act.stopped - act.begin)
        possible.start(act.ttl or possible.ttl, fetches, stopped, emptied=act.emptied, at_once=True)
        self.source, self.started = act.source, at.hi
        if act.emptied:
            self._detached, self.ailing = False, Ailing.NO
        if act.what == "cut":
            self.ailing = Ailing.MAY
        elif act.what == "damage":
            picture, read = self._file(act, PICTURE_FILE), self._metadata(act)
            whole = media_type(self._history.bodies[picture]) is not None
            possible.find(read.observed, picture if whole else None, self._written(act, at))
            self.ailing = Ailing.MUST if read.wrong and whole else Ailing.MAY

    @staticmethod
    def _written(act: Act, at: Span) -> Span:
        """When a file was put there: by todoctl's clock, which the app's may be behind, in whole seconds."""
        return Span(min(act.begin, at.lo) - 1, max(act.end, at.hi))

    def _metadata(self, act: Act) -> Document:
        return reading.document(self._history.bodies[self._file(act, STATE_FILE)], METADATA)

    @staticmethod
    def _file(act: Act, name: str) -> str:
        """The digest of a file that was put there; raises `BadUsageError` where a saved history has none."""
        if not act.files.get(name):
            raise no_history(f"{name} is missing in an act {act.what.value!r}")
        return act.files[name]

    def _others(self, act: Act) -> Others:
        told = self._metadata(act).observed
        picture = act.files.get(PICTURE_FILE)
        return Others(act.views, picture, or_none(told.downloaded), or_none(told.last_view) or EVER)

    def _replaced(self, number: int, act: Act) -> None:
        kept = sorted(set(act.before) & set(act.after))
        seen = f"still {', '.join(kept)}" if kept else ", ".join(act.after) or "nothing"
        expected = f"no longer {', '.join(act.before)}"
        replaced = bool(act.after) and not kept
        self._checks.note(number, "restart-replaced", "what runs the app", expected, seen, passed=replaced)

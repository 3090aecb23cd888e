"""What only many page views together show: counts that go up, other visitors, a crowd."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from todoctl.evidence.history import Act, Event, Request
from todoctl.evidence.pages import Observation
from todoctl.validation.contract import PROBES
from todoctl.validation.judge.checks import Checks
from todoctl.validation.model.policy import Kind
from todoctl.validation.model.possible import Seen

RUN = 10
"""Views in a row, each with the same number of others' before it: no visitor comes as regularly."""

OVERLAPPING = 64
"""Page views that may be under way at once, and more."""


class Regularity:
    """Tells other visitors from an app that counts wrong."""

    def __init__(self) -> None:
        self._others = 0
        self._length = 0
        self._told = False

    def add(self, others: int) -> int:
        """How many views too many the app counts with each, once that is certain; else 0."""
        self._length = self._length + 1 if others == self._others else 1
        self._others = others
        if self._told or not others or self._length < RUN:
            return 0
        self._told = True
        return others


class Tally:
    """Goes along with the judge; `others` is how many page views of others there were, by scenario."""

    def __init__(self, checks: Checks) -> None:
        self.others: Counter[str] = Counter()
        self._checks = checks
        self._since_view = 0
        self._views = Regularity()
        self._quiet: defaultdict[str, Regularity] = defaultdict(Regularity)
        self._uncounted = ""
        self._counts: list[tuple[float, int]] = []
        self._crowd: list[set[Kind]] = []
        crowds = (event.crowd for event in checks.history.events if isinstance(event, Request))
        self._sizes = Counter(crowd for crowd in crowds if crowd)

    def act(self, act: Act) -> None:
        """A start on an empty volume begins to count anew."""
        if act.emptied:
            self._counts.clear()

    def came(self, event: Event, others: int) -> None:
        """Page views of others have been betrayed by what `event` tells."""
        self._since_view += others
        if others:
            self.others[event.scenario] += others

    def asked(self, event: Request) -> None:
        """A request that is no access: the next look tells whether it was counted."""
        self._uncounted = event.probe or f"{event.method} /image"

    def look(self, number: int, others: int) -> None:
        """The counts were told after a request that is no access."""
        name, self._uncounted = self._uncounted, ""
        if name and (more := self._quiet[name].add(others)):
            seen = f"{more} more after each of {RUN}"
            claim = PROBES[name].claim if name in PROBES else "picture"
            self._checks.note(number, claim, "site count", f"not changed by {name}", seen, passed=False)

    def view(self, number: int, event: Request, told: Observation) -> None:
        """A page view that was answered."""
        if more := self._views.add(self._since_view):
            seen = f"{more + 1} more with each of {RUN} page views in a row"
            self._checks.note(
                number, "counted", "site count", "one more with each page view", seen, passed=False
            )
        self._since_view = 0
        views = told.views
        if views is None:
            return
        before = max((count for end, count in self._counts if end < event.begin), default=-1)
        if views <= before:
            self._checks.note(
                number, "counted", "site count", f"more than {before}", str(views), passed=False
            )
        self._counts = [*self._counts[-OVERLAPPING:], (event.end, views)]

    def crowd(self, number: int, event: Request, seen: Seen) -> None:
        """One of those who came at once; after the last of them, what came of it."""
        self._crowd.append(set() if seen.mismatches else seen.kinds)
        if len(self._crowd) < self._sizes[event.crowd]:
            return
        kinds, self._crowd = self._crowd, []
        if all(len(kind) == 1 for kind in kinds):
            self._summarize(number, [kind.pop() for kind in kinds])

    def _summarize(self, number: int, kinds: Sequence[Kind]) -> None:
        claim = "valid"
        if Kind.GRACE in kinds:
            claim = "grace"
        elif Kind.RENEW in kinds:
            claim = "renew"
        told = ", ".join(f"{kinds.count(kind)} × {kind}" for kind in Kind if kind in kinds)
        name = f"{len(kinds)} visitors at once"
        self._checks.note(
            number, f"crowd-{claim}", name, "each answered, and counted once", told, passed=True
        )

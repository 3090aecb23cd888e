"""The verdict's heart: every event of a history held against the model and the contract."""

from collections.abc import Iterable
from dataclasses import replace

from todoctl.evidence import pages as reading
from todoctl.evidence.history import Act, Answer, Download, Event, History, Log, Request, Role, Volume
from todoctl.evidence.pages import STATE, Document, Observation, or_none
from todoctl.evidence.pictures import media_type
from todoctl.evidence.times import Span, offset
from todoctl.evidence.verdict import Visit
from todoctl.validation.contract import CLAIMS
from todoctl.validation.judge import wire
from todoctl.validation.judge.acts import Acts, Ailing
from todoctl.validation.judge.checks import Checks
from todoctl.validation.judge.files import Files
from todoctl.validation.judge.sequence import in_order
from todoctl.validation.judge.tally import Tally
from todoctl.validation.judge.words import told_in_words
from todoctl.validation.model.policy import LATE, UNKNOWN, Fetch, Kind
from todoctl.validation.model.possible import Possible, Seen

EXPECTED = {
    Kind.VALID: "the same picture, Valid",
    Kind.GRACE: "the old picture once more, Grace period",
    Kind.RENEW: "a new picture, Valid, image count 1",
    Kind.KEPT: "the old picture, or a placeholder, in time",
}
"""What a page view should have shown."""


class Judge:
    """Goes through a history once. `checks` is what it found, `sightings` the statuses with their times."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.checks = Checks(history)
        self.tally = Tally(self.checks)
        self.visits: list[Visit] = []
        self.sightings: list[tuple[float, str]] = []
        self._pages = {
            number: reading.answered(history, event.answer)
            for number, event in enumerate(history.events)
            if isinstance(event, Request)
            and event.role is Role.PAGE
            and event.answer
            and event.answer.status == 200
        }
        self._pictures = {
            event.visit: event.answer.body
            for event in history.events
            if isinstance(event, Request)
            and event.role is Role.PICTURE
            and event.answer
            and event.answer.status == 200
        }
        self._ahead = offset(self._bounds())
        downloads = [
            (number, event) for number, event in enumerate(history.events) if isinstance(event, Download)
        ]
        self._downloads = sorted(downloads, key=lambda found: found[1].begin)
        self._fetches = [
            Fetch(
                self._span(event),
                event.picture,
                took=event.end - event.begin,
                asked=float(event.retry_after) if event.retry_after.isdecimal() else 0.0,
            )
            for _, event in self._downloads
        ]
        self._possible = Possible(history.facts.ttl)
        served = {act.source for act in history.events if isinstance(act, Act) and act.what == "serve"}
        if history.facts.source in served:
            self._possible.fetches = self._fetches
        self._files = Files(self.checks, self._possible, self._came)
        self._acts = Acts(self.checks, self._possible, self.tally, self._fetches)
        self._awaited = False
        self._addresses: dict[str, str] = {}

    def run(self) -> None:
        """Judges the whole history."""
        for number, event in in_order(self.history.events, self._count):
            at = self._span(event)
            match event:
                case Act():
                    self._acts.take(number, event, at)
                case Download():
                    pass  # held against all other events
                case _:
                    self._observe(number, event, at)

    # The clocks

    def _bounds(self) -> Iterable[Span]:
        for number, page in self._pages.items():
            last, event = or_none(page.observed.last_view), self.history.events[number]
            if last is not None:
                yield Span(last.lo - event.end, last.hi - event.begin)

    def _span(self, event: Event) -> Span:
        """When it took effect, by the app's clock; any time where no page view has told of that clock."""
        return Span(event.begin + self._ahead.lo, event.end + self._ahead.hi)

    def _blame_start(self, number: int, at: Span) -> None:
        """A start with no picture has to fetch one by itself."""
        possible = self._possible
        late = at.lo > self._acts.started + LATE
        if possible.fetches is not None and late and all(state.starting for state in possible.states):
            expected = f"one within {LATE:g} s of a start with no picture"
            self.checks.note(number, "start", "download", expected, "none", passed=False)
            possible.states = {state._replace(starting=False) for state in possible.states}

    def _blame_download(self, at: Span) -> None:
        """A download that had ended by then has its cause, once it is known how many views there were."""
        while (fetch := self._possible.unexplained(at)) is not None:
            number = self._downloads[fetch][0]
            expected, seen = "none: nothing called for one", "the image service was asked"
            self.checks.note(number, "fetches", "download", expected, seen, passed=False)

    # What was seen

    def _observe(self, number: int, event: Event, at: Span) -> None:
        self._awaited = all(state.pending is not None for state in self._possible.states)
        self._possible.settle(at)
        self._blame_start(number, at)
        match event:
            case Request() if event.role is Role.PAGE:
                self._view(number, event, at)
            case Request():
                self._request(number, event, at)
            case Volume():
                self._files.volume(number, event, at)
            case Log():
                self._files.log(number, event, self.history.facts.directory)
        self._files.observed()

    def _view(self, number: int, event: Request, window: Span) -> None:
        answer = event.answer
        since = self._acts.since
        meanwhile = since is not None and event.begin < since.end
        well = answer is not None and answer.status == 200
        if meanwhile or not well:
            claim = "restart-answers" if meanwhile else "page"
            said = f"status {answer.status}" if answer else event.error
            self.checks.note(number, claim, "page view", "status 200", said, passed=well)
        if answer is None or not well:
            self._possible.unanswered(window)
            return
        page = self._pages[number]
        self.checks.findings(number, wire.page(answer, page))
        last = or_none(page.observed.last_view)
        at = window.common(last) if last is not None and window.meets(last) else window
        failed = any(state.error for state in self._possible.states)
        seen = self._possible.view(at, window, page.observed)
        self._came(event, seen.strangers)
        self.tally.view(number, event, page.observed)
        self._acts.viewed()
        self._blame_download(at)
        self._judge_view(number, seen, page.observed, self._claims(event, seen, page.observed, failed=failed))
        self._address(number, page.picture)
        if event.crowd:
            self.tally.crowd(number, event, seen)
        self._sight(event, page.observed)
        self.visits.append(
            Visit(
                event=number,
                at=event.end,
                status=page.observed.status or "",
                access_count=page.observed.views,
                image_access_count=page.observed.picture_views,
                picture=self._pictures.get(event.visit),
            )
        )

    def _claims(self, event: Request, seen: Seen, told: Observation, *, failed: bool) -> list[str]:
        """The claims that a page view proves, or breaks: what it was, and what had happened before it."""
        if len(seen.kinds) != 1:
            return []
        (kind,) = seen.kinds
        claims = [kind.value]
        if kind is Kind.VALID and told.views == told.picture_views == 1:
            claims.append("first")
        since = self._acts.since
        if since is not None and event.begin >= since.end and not event.crowd:
            claims += [f"{since.what}-{kind}", since.what]
            self._acts.since = None
        if kind is Kind.KEPT and seen.fetch is not None:
            claims.append(f"outage-{self._downloads[seen.fetch][1].way}")
        if kind is Kind.RENEW and failed:
            claims.append("outage-taken")
        return [claim for claim in claims if claim in CLAIMS]

    def _judge_view(self, number: int, seen: Seen, told: Observation, claims: list[str]) -> None:
        self.checks.mismatches(number, seen.mismatches, claims or ["state"])
        if seen.mismatches:
            return
        said = told_in_words(told.known())
        for claim in claims:
            expected = EXPECTED[next(iter(seen.kinds))]
            self.checks.note(number, claim, "page view", expected, said, passed=True)
        self.checks.note(number, "counted", "counts", "one more than before", said, passed=True)

    def _address(self, number: int, address: str | None) -> None:
        """Two pictures at one address would be one picture to a browser."""
        pictures = {state.picture for state in self._possible.states}
        shown = pictures.pop() if len(pictures) == 1 else None
        if address and shown and shown != UNKNOWN:
            known = self._addresses.setdefault(address, shown)
            expected, seen = (told_in_words({"picture": picture}) for picture in (known, shown))
            self.checks.same(number, "page-picture", f"picture at {address}", expected, seen)

    def _request(self, number: int, event: Request, at: Span) -> None:
        if event.answer is None:
            name = f"{event.method} {event.url}"
            self.checks.note(number, "health", name, "an answer", event.error, passed=False)
        elif event.role is Role.PICTURE:
            self._picture(number, event, event.answer, at)
        elif event.role is Role.CACHE:
            self._cache(number, event, event.answer, at)
        else:
            self.tally.asked(event)
            proxied = self.history.facts.rolling  # on a cluster
            found = wire.probe(event, event.answer, self.history.bodies, proxied=proxied)
            self.checks.findings(number, found)

    def _picture(self, number: int, event: Request, answer: Answer, at: Span) -> None:
        self.tally.asked(event)
        content = self.history.bodies[answer.body]
        self.checks.findings(number, wire.picture(answer, content, answer.body))
        told = Observation(picture=answer.body if answer.status == 200 else None)
        seen = self._possible.look(at, told)
        claim = "page-picture" if event.visit else "picture"
        self.checks.mismatches(number, seen.mismatches, [claim])
        if not seen.mismatches:
            said = told_in_words(told.known())
            self.checks.note(number, claim, "picture", "the picture of the moment", said, passed=True)

    def _cache(self, number: int, event: Request, answer: Answer, at: Span) -> None:
        read = reading.document(self.history.bodies[answer.body], STATE)
        self.checks.findings(number, wire.cache(answer, read))
        if answer.status != 200:
            return
        self.checks.same(number, "ttl", "ttl", self._possible.ttl, read.rest.get("ttl"))
        self.checks.same(number, "source", "source", self._acts.source, read.rest.get("source"))
        self.checks.findings(number, wire.last_error(read.rest.get("last_error")))
        told = self._told(number, read)
        error = told.error
        if self._acts.ailing is not Ailing.NO:
            told.error = None
        untouched = all(state.views == 0 for state in self._possible.states)
        seen = self._possible.look(at, told)
        self._came(event, seen.strangers)
        if self._acts.ailing is Ailing.MUST:
            self.checks.same(number, "last-error", "last_error", "told", "told" if error else "nothing")
        self.tally.look(number, seen.strangers)
        self._blame_download(at)
        self.checks.mismatches(number, seen.mismatches, ["state"])
        said = told_in_words(told.known())
        if not seen.mismatches:
            self.checks.note(number, "state", "state", "a possible one", said, passed=True)
            if untouched and told.picture and told.views == 0:
                self.checks.note(number, "start", "download", "one before any view", said, passed=True)
            if self._awaited and told.picture and told.picture_views == 0:
                self.checks.note(
                    number, "late", "picture that came late", "taken when it came", said, passed=True
                )
        self._sight(event, told)

    def _told(self, number: int, read: Document) -> Observation:
        """What `/api/cache` tells; its facts of the picture are held against that picture's bytes."""
        image = read.rest.get("image")
        told = replace(read.observed, error=read.rest.get("last_error") is not None, picture=None)
        if isinstance(image, dict):
            told.picture = image.get("sha256")
            content = self.history.bodies.get(str(told.picture))
            if content is not None:
                self.checks.same(
                    number, "image-facts", "content_type", media_type(content), image.get("content_type")
                )
                self.checks.same(number, "image-facts", "size", len(content), image.get("size"))
        return told

    def _came(self, event: Event, others: int) -> None:
        """Page views of others have been betrayed by what `event` tells."""
        self.tally.came(event, others)
        if others:
            self._acts.viewed()

    def _sight(self, event: Event, told: Observation) -> None:
        if told.status is not None:
            self.sightings.append((event.end, told.status))

    def _count(self, number: int) -> int | None:
        page = self._pages.get(number)
        return page.observed.views if page else None

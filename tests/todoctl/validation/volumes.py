"""Histories in which something happens to the volume, or several run on it."""

from dataclasses import dataclass
from typing import Any

from tests.todoctl.validation.histories import Change, Script
from tests.todoctl.validation.pages import BEGAN, SOURCE
from todoctl.evidence import pages as reading
from todoctl.evidence.history import Act, Log, Op
from todoctl.evidence.pages import METADATA, PICTURE_FILE, STATE_FILE
from todoctl.evidence.pictures import media_type
from todoctl.evidence.times import Span
from todoctl.validation import contents
from todoctl.validation import model as policy
from todoctl.validation.checkers import judge
from todoctl.validation.contents import Files
from todoctl.validation.model import Kind

WRONG = "the saved state has bad values"
AWAY = "the volume cannot be read; counting in memory meanwhile"


@dataclass
class VolumeScript(Script):
    """`ailing` is what `last_error` tells of the volume and of what is on it; `kept` is what lies there."""

    ailing: str | None = None
    kept: Files | None = None

    @property
    def detached(self) -> bool:
        return self.kept is not None

    def files(self) -> Files:
        """What the app has saved."""
        told = self.told()
        files: Files = {STATE_FILE: self.metadata(told)}
        return files | ({PICTURE_FILE: self.history.bodies[told.picture]} if told.picture else {})

    def act(self, what: str, files: Files | None = None, **more: Any) -> Act:  # noqa: ANN401 - of an Act
        """Half a second in which something is done."""
        self.wait(0.5)
        digests = {
            name: "" if content is None else self.history.keep(content)
            for name, content in (files or {}).items()
        }
        act = Act(
            **self._when(0.25, 0.25),
            what=Op(what),
            ttl=self.ttl,
            source=SOURCE,
            files=digests,
            after=["1"],
            **more,
        )
        self.history.events.append(act)
        self.wait(0.5)
        return act

    def view(self, change: Change | None = None, *, slow: float = 0.004, well: bool = True) -> Kind:
        self.mend()
        return super().view(change, slow=slow, well=well)

    def stranger(self) -> None:
        self.mend()
        super().stranger()

    def mend(self) -> None:
        """What a page view does to what is wrong with the saved state."""
        self.ailing = AWAY if self.detached else None

    def look(self, change: Change | None = None, rest: dict[str, object] | None = None) -> None:
        error = {"last_error": self.ailing} if self.ailing else {}
        super().look(change, {**error, **(rest or {})})

    def start(
        self, *, emptied: bool, ttl: float | None = None, what: str = "start", last: bool = False
    ) -> None:
        if emptied:
            self.kept, self.ailing = None, None
        super().start(emptied=emptied, ttl=ttl, what=what, last=last)

    def lose(self) -> None:
        self.act("lose", contents.lost())

    def spoil(self) -> None:
        self.act("spoil", contents.spoiled(self.files()))
        self.ailing = "the picture is cut short"

    def damage(self, files: Files) -> None:
        """A start on `files`."""
        state = self.state
        act = self.act("damage", files, emptied=True, stopped=self.now - self.ahead + 0.3)
        content, picture = files[STATE_FILE] or b"", act.files[PICTURE_FILE]
        read = reading.document(content, METADATA)
        whole = media_type(self.history.bodies[picture]) is not None
        written = Span(self.now - 0.6, self.now - 0.6)
        self.state = policy.found(state, read.observed, picture if whole else None, written)
        self.ailing = WRONG if whole and read.wrong else None
        self.begin()

    def detach(self) -> None:
        self.kept = self.files()
        self.act("detach")
        self.ailing = AWAY

    def attach(self) -> None:
        """The volume holds what it held; the script goes on with what was counted meanwhile."""
        self.kept = None
        self.act("attach")
        self.ailing = None

    def scale(self) -> None:
        self.act("scale")

    def log(self, *more: str, named: bool = True) -> None:
        start = f"cache in /cache, TTL {self.ttl:g} s"
        lines = ["Traceback of another start", start, *more, *([str(self.state.picture)] if named else [])]
        self.history.events.append(Log(**self._when(0.001, 0.001), lines=lines))
        self.wait(0.01)


def begun(ahead: float = 0.0) -> VolumeScript:
    """An app whose picture nobody has seen."""
    script = VolumeScript(ahead=ahead, now=BEGAN + ahead)
    script.start(emptied=True)
    script.look()
    return script


def spent() -> VolumeScript:
    """An app whose picture has had its grace view."""
    script = begun()
    script.view()
    script.wait(script.ttl)
    script.view()
    return script


def failed(script: VolumeScript) -> set[tuple[str, str]]:
    """The claims that are broken, each with the name of what is wrong."""
    return {(check.claim, check.name) for check in judge(script.finished()).scenarios[0].failures}

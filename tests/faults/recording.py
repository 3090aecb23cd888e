"""The history of a real run on the app without a fault, made once for a state of the source.

What a fault changes in answers is tried on it: an answer is changed as the fault would change it, and the run
judged again, in milliseconds.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock

from tests.faults.trial import trial
from todoctl.evidence.history import Answer, Event, History, Log, Request, Role, Volume
from todoctl.evidence.pages import STATE_FILE
from todoctl.validation.checkers import part

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build"

Change = Callable[[History], History]


@cache
def recorded() -> History:
    """Returns the history of a whole quick run on the local target; nobody may change it."""
    sources = [*(ROOT / "src" / "todoapp").rglob("*.*"), *(ROOT / "src" / "todoctl").rglob("*.py")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources) if path.suffix != ".pyc"))
    kept = KEPT / f"recorded-{digest.hexdigest()[:16]}.json"
    KEPT.mkdir(exist_ok=True)
    with FileLock(KEPT / "recorded.lock"):
        if not kept.exists():
            for _ in range(3):  # a machine that is too busy brings about no situation
                verdict = trial(None)
                if verdict.passed:
                    break
            assert verdict.passed, [(one.name, one.reason) for one in verdict.scenarios if not one.passed]
            for old in KEPT.glob("recorded-*.json"):
                old.unlink()
            kept.write_text(json.dumps(verdict.history.to_json()))
    return History.from_json(json.loads(kept.read_text()))


def of(scenario: str, change: Change) -> History:
    """Returns what was recorded of `scenario`, changed; raises `AssertionError` where nothing was."""
    before = part(recorded(), scenario)
    after = change(before)
    assert after.events != before.events, f"nothing to change in {scenario}"
    return after


# Changes


def events(edit: Callable[[History, Event], Event]) -> Change:
    """Changes events one by one; bodies that `edit` makes are kept in the history that it is given."""

    def change(history: History) -> History:
        made = msgspec.structs.replace(history, bodies=dict(history.bodies))
        made.events = [edit(made, event) for event in history.events]  # type: ignore[misc]
        return made

    return change


def answers(where: str, edit: Callable[[History, Request, Answer], Answer]) -> Change:
    """Changes answers to what `where` names: a role, a probe, or `all`."""

    def one(history: History, event: Event) -> Event:
        if not isinstance(event, Request) or event.answer is None:
            return event
        if where not in {event.role.value, event.probe, "all"}:
            return event
        return msgspec.structs.replace(event, answer=edit(history, event, event.answer))

    return events(one)


def header(where: str, name: str, value: str | Callable[[str], str] | None) -> Change:
    """Answers have another value of a header field, or none."""

    def edit(_: History, __: Request, answer: Answer) -> Answer:
        found = answer.header(name)
        if found is None and not isinstance(value, str):
            return answer
        others = [field for field in answer.headers if field[0] != name]
        told = value(found or "") if callable(value) else value
        return msgspec.structs.replace(answer, headers=others + ([(name, told)] if told is not None else []))

    return answers(where, edit)


def status(where: str, number: int) -> Change:
    """Answers have another status."""
    return answers(where, lambda _, __, answer: msgspec.structs.replace(answer, status=number))


def body(where: str, edit: Callable[[bytes], bytes]) -> Change:
    """Answers with status 200 have another body."""

    def one(history: History, _: Request, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        return msgspec.structs.replace(answer, body=history.keep(edit(history.bodies[answer.body])))

    return answers(where, one)


def html(old: str, new: str) -> Change:
    """Every page has `new` where it had `old`."""
    return body("page", lambda page: page.replace(old.encode(), new.encode()))


def told(key: str, value: Any) -> Change:  # noqa: ANN401 - any JSON, or a function from what was told
    """`/api/cache` has another value of `key` (none for `...`)."""
    return body("cache", lambda content: _with(content, key, value))


def saved(key: str, value: Any) -> Change:  # noqa: ANN401 - as of `told`
    """`cache_metadata.json` has another value of `key`, from both sides."""
    return volume(STATE_FILE, lambda content: _with(content, key, value))


def volume(name: str, edit: Callable[[bytes], bytes | None], side: str = "") -> Change:
    """The file `name` has another content, or is missing; as `side` sees it, or both."""

    def one(history: History, event: Event) -> Event:
        if not isinstance(event, Volume) or not event.seen_from.startswith(side):
            return event
        files = []
        for file in event.files:
            content = edit(history.bodies[file.body]) if file.name == name else history.bodies[file.body]
            if content is not None:
                files.append(msgspec.structs.replace(file, size=len(content), body=history.keep(content)))
        return msgspec.structs.replace(event, files=files)

    return events(one)


def log(old: str, new: str) -> Change:
    """Every line of the log has `new` where it had `old`."""

    def one(_: History, event: Event) -> Event:
        if not isinstance(event, Log):
            return event
        return msgspec.structs.replace(event, lines=[line.replace(old, new) for line in event.lines])

    return events(one)


def both(*changes: Change) -> Change:
    """All of `changes`, one after the other."""

    def change(history: History) -> History:
        for one in changes:
            history = one(history)
        return history

    return change


def _with(content: bytes, key: str, value: Any) -> bytes:  # noqa: ANN401 - as of `told`
    entries = json.loads(content)
    if value is ...:
        del entries[key]
    else:
        entries[key] = value(entries[key]) if callable(value) else value
    return json.dumps(entries).encode()


PAGE, PICTURE, CACHE = Role.PAGE.value, Role.PICTURE.value, Role.CACHE.value

"""A real run, recorded: as it was it passes, with one thing changed to what may not be it never does."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.faults.answers import ANSWERED, Answered
from tests.faults.recording import CACHE, PAGE, PICTURE, Change, body, header, of, recorded, saved, told
from todoctl.evidence.history import Download, Event, History, Request, Role, Volume
from todoctl.evidence.verdict import Outcome
from todoctl.validation.checkers import judge, part
from todoctl.validation.claims import CLAIMS
from todoctl.validation.scenarios import SCENARIOS

NAMES = [scenario.name for scenario in SCENARIOS]


@pytest.mark.parametrize("fault", ANSWERED, ids=lambda fault: fault.name)
def test_a_fault_in_answers_is_convicted_by_its_sentence(fault: Answered) -> None:
    (result,) = judge(of(fault.scenario, fault.change)).scenarios
    assert result.outcome is Outcome.FAILED
    assert CLAIMS[fault.claim] in {check.sentence for check in result.failures}, result.reason


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in ANSWERED}) == len(ANSWERED)


def test_the_whole_run_passes() -> None:
    verdict = judge(recorded())
    assert verdict.passed, [(one.name, one.reason) for one in verdict.scenarios if not one.passed]


def shifted(seconds: float) -> Change:
    """The app's clock is ahead: todoctl's own times are earlier."""

    def change(history: History) -> History:
        made = msgspec.structs.replace(history)
        made.events = [_earlier(event, seconds) for event in history.events]
        return made

    return change


def _earlier(event: Any, seconds: float) -> Any:  # noqa: ANN401 - any event
    times: dict[str, Any] = {"begin": event.begin - seconds, "end": event.end - seconds}
    if getattr(event, "stopped", None) is not None:
        times["stopped"] = event.stopped - seconds
    return msgspec.structs.replace(event, **times)


HARMLESS = {
    "as it was": lambda history: history,
    "the app's clock 40 s ahead": shifted(40.0),
    "the app's clock an hour behind": shifted(-3600.0),
    "more cache directives": header(PAGE, "cache-control", "private, No-Store, max-age=0"),
    "header values in capitals": header(CACHE, "content-type", "Application/JSON"),
    "more keys": told("more", 1),
    "more keys on the volume": saved("more", [1]),
    "a longer page": body(PAGE, lambda content: content + b"<p>And more.</p>"),
    "more header fields": header("all", "server", "another"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_may_be_so_is_no_failure(name: str) -> None:
    for scenario in NAMES:
        (result,) = judge(HARMLESS[name](part(recorded(), scenario))).scenarios
        assert result.passed, (scenario, result.reason)


def more(key: str, by: float) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda values: values | {key: values[key] + by}


def other_status(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"status": "stale" if values["status"] != "stale" else "valid"}


ONE = {
    "image count one more": more("image_access_count", 1),
    "image count one less": more("image_access_count", -1),
    "downloaded a second later": more("downloaded_at", 1.0),
    "expires a second later": more("expires_at", 1.0),
    "last access 30 s earlier": more("last_access_at", -30.0),
    "another status": other_status,
    "grace the other way round": lambda values: values | {"grace_used": not values["grace_used"]},
}


def one_changed(number: int, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """The look at the cache that is event `number` is another one."""

    def change(history: History) -> History:
        made = msgspec.structs.replace(history, bodies=dict(history.bodies), events=list(history.events))
        event = made.events[number]
        assert isinstance(event, Request)
        assert event.answer
        content = msgspec.json.encode(edit(msgspec.json.decode(made.bodies[event.answer.body])))
        answer = msgspec.structs.replace(event.answer, body=made.keep(content))
        made.events[number] = msgspec.structs.replace(event, answer=answer)
        return made

    return change


def looks(history: History) -> list[int]:
    """Returns the looks at a picture that is known from two earlier ones and a page view."""
    found, known = [], 0
    for number, event in enumerate(history.events):
        if isinstance(event, Request) and event.role is Role.CACHE and event.answer:
            values = msgspec.json.decode(history.bodies[event.answer.body])
            if known > 1 and values["image"] and values["last_access_at"] and values["image_access_count"]:
                found.append(number)
            known += 1
    return found


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize(
    "scenario", [name for name in NAMES if name not in {"deployed", "mount", "detached"}]
)
def test_one_look_that_is_another_one_is_never_passed(scenario: str, name: str) -> None:
    if (scenario, name) == ("outage", "another status"):
        return  # a picture may be valid still, or too old already
    chance = random.Random(f"{scenario} {name}")  # noqa: S311 - no secret
    candidates = looks(part(recorded(), scenario))
    for number in chance.sample(candidates, min(2, len(candidates))):
        (result,) = judge(of(scenario, one_changed(number, ONE[name]))).scenarios
        assert not result.passed, number


def without(kind: type[Event]) -> Change:
    def change(history: History) -> History:
        left = [event for event in history.events if not isinstance(event, kind)]
        return msgspec.structs.replace(history, events=left)

    return change


@pytest.mark.parametrize("scenario", ["renew", "crowd", "outage", "together"])
def test_a_picture_that_nobody_sent_is_never_passed(scenario: str) -> None:
    (result,) = judge(of(scenario, without(Download))).scenarios
    assert not result.passed


def test_a_download_that_nothing_called_for_is_never_passed() -> None:
    scenario = "valid"
    last = next(event for event in part(recorded(), scenario).events if isinstance(event, Volume))
    extra = Download(begin=last.begin, end=last.begin + 0.01, scenario=scenario, way="error")
    (result,) = judge(
        of(scenario, lambda one: msgspec.structs.replace(one, events=[*one.events, extra]))
    ).scenarios
    assert not result.passed


def test_every_picture_is_looked_at() -> None:
    (result,) = judge(of("renew", body(PICTURE, lambda content: content + b"another"))).scenarios
    assert not result.passed

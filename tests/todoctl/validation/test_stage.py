"""How situations are arranged by what an app tells, whatever that is; whole runs are in test_validate."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.todoctl.validation.histories import Script
from tests.todoctl.validation.pages import SECURITY
from todoctl.evidence.history import Act, Answer, History, Request, Role
from todoctl.evidence.pages import Observation
from todoctl.settings import Settings
from todoctl.targets.base import ImageService, Target, Way
from todoctl.targets.endpoint import Entrance
from todoctl.validation import stage as module
from todoctl.validation.observer import Observer
from todoctl.validation.stage import Stage
from todoctl.validation.visitor import Visitors


class Deaf(Stage):
    """On an app that always tells the same; `done` is what was done to it."""

    def __init__(self, history: History, told: Observation, service: ImageService | None = None) -> None:
        visitors = Visitors(Entrance(url="http://localhost:1", words="directly"), history)
        target = cast("Target", None)
        super().__init__(target, visitors, history, Settings(ttl=0.1), service)
        self.told = told
        self.done: list[str] = []

    def look(self, *, since: float | None = None) -> Observation:
        return self.told

    def visit(self, *, parts: bool = False) -> Observation:
        self.done.append("visit")
        return self.told

    def look_at_log(self) -> None:
        self.done.append("log")


class Busy:
    """An image service that has not answered all yet."""

    url = "http://localhost:2"

    def __init__(self) -> None:
        self.left = 3

    def pending(self) -> int:
        self.left -= 1
        return max(self.left, 0)


@pytest.fixture(name="history")
def _history() -> History:
    return Script().history


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)


@pytest.mark.parametrize("status", ["valid", "expired", "grace", "stale", "empty", "nonsense", None])
@pytest.mark.parametrize(
    "way", ["make_valid", "make_expired", "make_spent", "make_picture", "wait_for_picture"]
)
def test_no_app_keeps_a_stage_for_ever(way: str, status: str | None, history: History) -> None:
    """What it was arranged for may not have come about: the judge sees that."""
    stage = Deaf(history, Observation(status=status, picture=None))
    getattr(stage, way)()
    assert len(stage.done) < 20
    stage.visitors.close()
    stage.close()


def test_an_image_service_that_is_not_ours_is_left_alone(history: History) -> None:
    stage = Deaf(history, Observation())
    before = list(history.events)
    stage.serve(Way.ERROR)
    stage.note_downloads()
    assert history.events == before
    stage.visitors.close()
    stage.close()


def test_what_is_asked_of_the_image_service_is_waited_for(history: History) -> None:
    service = Busy()
    stage = Deaf(history, Observation(), cast("ImageService", service))
    stage.rest()
    assert service.left == 0
    assert stage.done == ["log"]
    stage.visitors.close()
    stage.close()


class Two(Deaf):
    """Writes down how two processes are begun."""

    def require(self, ttl: float | None = None) -> None:
        self.done.append(f"require {ttl}")

    def start(self, ttl: float, **options: Any) -> None:  # noqa: ANN401 - as any start
        self.done.append(f"start {ttl}, {options}")

    def scale(self, number: int) -> None:
        self.done.append(f"scale {number}")

    def serve(self, way: Way) -> None:
        self.done.append(f"serve {way}")


@pytest.mark.parametrize(
    ("rolling", "service", "done"),
    [
        (False, Busy(), ["serve slow", "start 0.1, {'emptied': True}", "scale 2", "serve picture"]),
        (False, None, ["require 0.1", "scale 2"]),
        (True, Busy(), ["require 0.1", "scale 2"]),
    ],
)
def test_a_second_process_begins_before_the_first_picture_where_it_can(
    *, rolling: bool, service: Busy | None, done: list[str], history: History
) -> None:
    stage = Two(history, Observation(status="valid"), cast("ImageService", service))
    stage.target = cast("Target", SimpleNamespace(rolling=rolling))
    stage.begin_together()
    assert stage.done == done
    stage.visitors.close()
    stage.close()


class Answered(Visitors):
    """Gets these answers from `/api/cache`."""

    def __init__(self, history: History, answers: Iterator[dict[str, object] | None]) -> None:
        super().__init__(Entrance(url="http://localhost:1", words="directly"), history)
        self.answers = answers

    def ask(self, role: Role, method: str, path: str, **_: object) -> Request:
        told = next(self.answers)
        body = told and self._history.keep(json.dumps(told).encode())
        answer = Answer(status=200, headers=SECURITY, body=body) if body else None
        return Request(begin=1.0, end=2.0, scenario="", role=role, method=method, url=path, answer=answer)


def test_a_picture_that_goes_has_no_age(history: History) -> None:
    image: dict[str, object] = {"image": {"sha256": "0"}}
    visitors = Answered(history, iter([image, None, {"image": "another thing"}, image]))
    observer = Observer(cast("Target", None), visitors, history, None)
    assert observer.look().picture == "0"
    assert observer.fresh
    assert observer.look() == Observation(), "no answer tells nothing"
    assert observer.fresh
    assert observer.look().picture is None
    assert observer.fresh is None
    assert observer.look().picture == "0"
    assert observer.fresh
    assert not [event for event in history.events if isinstance(event, Act) and event.what != "serve"]
    visitors.close()
    observer.close()


def test_a_view_of_a_new_picture_is_followed_by_another_one(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first one saves is synced: a power cut does not tear it."""
    stage = Deaf(history, Observation())
    script = Script()
    script.start(emptied=True)
    script.view()
    script.view()
    pages = [event for event in script.history.events if isinstance(event, Request)]
    views = iter([event for event in pages if event.role is Role.PAGE])
    history.bodies.update(script.history.bodies)
    monkeypatch.setattr(stage.visitors, "view", lambda: next(views))
    stage.view_again()
    assert next(views, None) is None
    stage.visitors.close()
    stage.close()

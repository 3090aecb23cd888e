"""Arranging and waiting: what a stage does when the world does not play along."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.todoctl.faulty_app import FaultyTarget, faulty_target
from todoctl import scenarios
from todoctl.client import Client, Image
from todoctl.errors import TodoctlError
from todoctl.scenarios import Scenario
from todoctl.stage import DisturbedError, Stage
from todoctl.target import Listing
from todoctl.verdict import ScenarioResult


@pytest.fixture(name="target")
def _target(tmp_path: Path) -> Iterator[FaultyTarget]:
    with faulty_target(tmp_path, ttl=2.0) as target:
        yield target


@pytest.fixture(name="stage")
def _stage(target: FaultyTarget) -> Iterator[Stage]:
    settings = target.settings()
    assert settings
    with Client(f"http://127.0.0.1:{settings.port}") as client:
        yield Stage(target, client, settings, ttl=2.0)


def test_waiting_ends_when_a_stranger_comes(stage: Stage, target: FaultyTarget) -> None:
    stage.view()
    stage._waiting = lambda _: target.app.view()
    with pytest.raises(DisturbedError, match="another page view came in between"):
        stage.wait_for("expired")


def test_waiting_ends_when_nothing_happens(
    stage: Stage, target: FaultyTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todoctl.stage.SLACK_SECONDS", 0.2)
    with pytest.raises(TodoctlError, match=r"did not become expired: it is empty 0\.2 s after"):
        stage.wait_for("expired")


def test_a_picture_that_never_gets_valid_is_told(stage: Stage, target: FaultyTarget) -> None:
    target.app.ttl = 0.0
    target.app.fault = "never renews"
    with pytest.raises(TodoctlError, match="No valid picture after three page views"):
        stage.make_valid()


def test_too_little_life_left_is_waited_out(stage: Stage, target: FaultyTarget) -> None:
    stage.view()
    first = target.app.downloaded_at
    stage.wait_until((first or 0.0) + 1.5)
    stage.make_valid(left=0.5)
    assert target.app.downloaded_at != first
    assert target.app.status == "valid"


def test_a_picture_that_expires_too_soon_is_a_slow_machine(
    stage: Stage, target: FaultyTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleepy(moment: float) -> None:
        while time.time() < moment + 1.0:
            time.sleep(0.05)

    monkeypatch.setattr(stage, "wait_until", sleepy)
    with pytest.raises(DisturbedError, match="this machine was so slow"):
        scenarios.valid(stage)


def test_a_grace_view_instead_of_a_valid_one_is_a_slow_machine(
    stage: Stage, target: FaultyTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleepy(*, left: float = 0.0) -> None:
        stage.view()
        stage.wait_for("expired")

    monkeypatch.setattr(stage, "make_valid", sleepy)
    with pytest.raises(DisturbedError, match="this machine was so slow"):
        scenarios.grace(stage)


def test_files_that_change_while_they_are_read_are_read_again(
    stage: Stage, target: FaultyTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = target.listings
    visits = iter([True])

    def disturbed() -> tuple[Listing, Listing]:
        if next(visits, False):
            target.app.view()
        return listings()

    monkeypatch.setattr(target, "listings", disturbed)
    stage.result = ScenarioResult(name="mount", title="")
    scenarios.play(Scenario("mount", "", scenarios.mount), stage)
    assert stage.result.passed, stage.result.reason
    assert stage.result.notes == ["try 1 given up: another page view changed the files while they were read."]


def test_a_stranger_during_the_restart_is_told(
    stage: Stage, target: FaultyTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    restarted = target.app.restarted
    visits = iter([True])
    monkeypatch.setattr(
        target.app, "restarted", lambda: target.app.view() if next(visits, False) else restarted()
    )
    stage.result = ScenarioResult(name="restart", title="")
    scenarios.play(Scenario("restart", "", scenarios.restart), stage)
    assert stage.result.passed, stage.result.reason
    assert stage.result.notes[0] == "try 1 given up: 1 other page view(s) came in between."


def test_a_served_picture_that_is_not_the_stored_one_fails(
    stage: Stage, target: FaultyTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.client, "image", lambda: Image(content=b"another", content_type="image/png"))
    stage.result = ScenarioResult(name="fresh", title="")
    scenarios.fresh(stage)
    assert "picture: expected the bytes with SHA-256" in stage.result.reason

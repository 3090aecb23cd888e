"""How situations are arranged by what an app says, whatever that is; whole runs are in test_validate."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.todoctl.validation.histories import Script
from todoctl.evidence.pages import Observation
from todoctl.image_service.service import ResponseMode
from todoctl.settings import Settings
from todoctl.targets.base import Endpoint, Traits
from todoctl.validation import situations
from todoctl.validation.driver import Driver
from todoctl.validation.situations import Situations

if TYPE_CHECKING:
    from todoctl.image_service.client import Controlled
    from todoctl.targets.base import Target


class Busy:
    """An image service that has not answered all yet."""

    url = "http://localhost:2"
    left = 3

    def pending(self) -> int:
        self.left -= 1
        return max(self.left, 0)


class Stubborn(Driver):
    """An app that always says the same; `done` is what was done to it."""

    def __init__(self, told: Observation) -> None:
        target = type("Quick", (), {"traits": Traits(name="quick", rolling=False, start_seconds=0.1)})()
        endpoint, service = Endpoint(url="http://localhost:1", words="directly"), cast("Controlled", Busy())
        super().__init__(cast("Target", target), endpoint, Script().history, Settings(ttl=0.1), service)
        self.told = told
        self.done: list[str] = []

    def look(self, *, since: float | None = None) -> Observation:
        return self.told

    def visit(self, *, parts: bool = False) -> Observation:
        self.done.append("visit")
        return self.told

    def look_at_log(self) -> None:
        self.done.append("log")

    def start(self, ttl: float, **_: Any) -> None:  # noqa: ANN401 - as any start
        self.done.append(f"start {ttl}")

    def scale(self, number: int) -> None:
        self.done.append(f"scale {number}")

    def serve(self, mode: ResponseMode) -> None:
        self.done.append(f"serve {mode}")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(situations, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(situations, "FIRST_WAIT", 0.01)


@pytest.mark.parametrize("status", ["valid", "expired", "grace", "stale", "empty", "nonsense", None])
@pytest.mark.parametrize(
    "make", ["make_valid", "make_expired", "make_spent", "make_picture", "make_late", "wait_for_picture"]
)
def test_no_app_keeps_a_scenario_for_ever(make: str, status: str | None) -> None:
    """What was to be arranged may not have come about: the checkers see that."""
    driver = Stubborn(Observation(status=status, picture=None))
    getattr(Situations(driver), make)()
    assert len(driver.done) < 30
    driver.close()


def test_what_is_asked_of_the_image_service_is_waited_for() -> None:
    driver = Stubborn(Observation())
    Situations(driver).rest()
    assert cast("Busy", driver.service).left == 0
    assert driver.done == ["log"]
    driver.close()


def test_a_second_process_begins_before_the_first_picture() -> None:
    driver = Stubborn(Observation(status="valid"))
    Situations(driver).begin_together()
    assert driver.done == ["serve slow", "start 0.1", "scale 2", "serve picture"]
    driver.close()


def test_slow_pages_get_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Stubborn(Observation())
    arrange = Situations(driver)
    assert arrange.ttl == situations.QUICK_TTL
    monkeypatch.setattr(driver, "page_seconds", lambda: 1.5)
    assert arrange.ttl == 8 * situations.QUICK_TTL
    driver.close()

"""The app on the local target, and runs on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.app_server import free_port, wait_for
from tests.faults.trial import Silence
from todoctl.client import CacheState, Client
from todoctl.evidence.verdict import ScenarioResult, Verdict
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.local.target import LocalTarget
from todoctl.validate import validate
from todoctl.validation.scenarios import Scenario, chosen


class Audience(Silence):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.waited: list[str] = []
        self.results: list[ScenarioResult] = []

    @contextmanager
    def scenario(self, _name: str, _title: str) -> Iterator[Callable[[str], None]]:  # type: ignore[override]
        yield self.waited.append

    def finished(self, result: ScenarioResult) -> None:
        self.results.append(result)


class Bench:
    """The app on the local target, two page views old."""

    def __init__(self, home: Path, ttl: float) -> None:
        self.target = LocalTarget(Home(home))
        self.port = free_port()
        self.reported: list[Verdict] = []
        self.audience = Audience()
        self.target.up(Settings(port=self.port, ttl=ttl, image_url="sample:"), Silence())
        wait_for(lambda: self.state().status == "valid")
        for _ in range(2):
            self.view()

    def view(self) -> None:
        httpx.get(f"http://127.0.0.1:{self.port}/", timeout=30).raise_for_status()

    def state(self) -> CacheState:
        with Client(f"http://127.0.0.1:{self.port}") as client:
            return client.state()

    def validate(self, *names: str, full: bool = False) -> Verdict:
        scenarios = chosen(list(names), full=full)
        return self.play(scenarios, full=full)

    def play(self, scenarios: list[Scenario], *, full: bool = False) -> Verdict:
        return validate(
            self.target, self.audience, Silence(), scenarios, full=full, report=self.reported.append
        )

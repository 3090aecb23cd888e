"""A make-believe machine for each test, in the place of Docker and k3d."""

import gc
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.app_server import free_port
from tests.todoctl.k3d.engine import Engine
from tests.todoctl.k3d.kube import Kube
from tests.todoctl.k3d.world import World
from todoctl.home import Home
from todoctl.k3d import bring_up, context, preflight, target
from todoctl.k3d.api import Api
from todoctl.k3d.images import image
from todoctl.k3d.options import ClusterOptions
from todoctl.k3d.target import K3dTarget
from todoctl.k3d.waiting import page, patience
from todoctl.settings import Settings
from todoctl.target import Downloads, Step


@dataclass
class Told:
    """What a run has shown, as `Progress`, as `Step` and as `Downloads`."""

    lines: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        self.lines.append(title)
        yield self

    @contextmanager
    def downloads(self, title: str, names: Sequence[str]) -> Iterator[Downloads]:
        self.lines.append(title)
        yield self

    def tell(self, name: str, loaded: int, size: int, doing: str, *, more: bool) -> None:
        line = f"{name}: {loaded} of {size} {doing}"
        if self.lines[-1] != line:
            self.lines.append(line)

    def note(self, text: str) -> None:
        self.lines.append(text)

    def update(self, detail: str, began: float | None = None) -> None:
        self.lines.append(detail)

    def __contains__(self, words: str) -> bool:
        return any(words in line for line in self.lines)


@contextmanager
def away() -> Iterator[None]:
    """Around attempts to reach a Docker that is away: its SDK leaves a socket open that did not connect."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(name="kube")
def _kube() -> Iterator[Kube]:
    kube = Kube()
    yield kube
    kube.close()


@pytest.fixture(name="api")
def _api(kube: Kube, tmp_path: Path) -> Api:
    path = tmp_path / "kubeconfig"
    path.write_text(kube.kubeconfig())
    return Api(path)


@pytest.fixture(name="world")
def _world(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(kube)
    world.install(tmp_path / "bin", "k3d", "docker", "kubectl")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(patience, "QUIET_SECONDS", 5.0)
    monkeypatch.setattr(patience, "STUCK_SECONDS", 0.3)
    monkeypatch.setattr(page, "LOOK_SECONDS", 0.1)
    for name in ("POLL_SECONDS", "READY_SECONDS", "ROUTE_SECONDS"):
        monkeypatch.setattr(page, name, 0.01)
    monkeypatch.setattr(bring_up, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(target, "HALT_SECONDS", 0.01)
    return world


@pytest.fixture(name="engine")
def _engine(world: World, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine(world)
    for module in (context, preflight, image):
        monkeypatch.setattr(module, "connect", engine)
    return engine


@pytest.fixture(name="told")
def _told() -> Told:
    return Told()


@pytest.fixture(name="options")
def _options() -> ClusterOptions:
    return ClusterOptions()


@pytest.fixture(name="settings")
def _settings() -> Settings:
    return Settings(port=free_port(), image_url="sample:")


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(name="target")
def _target(home: Home, options: ClusterOptions, engine: Engine) -> K3dTarget:
    return K3dTarget(home, options)

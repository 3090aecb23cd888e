"""The real command line, run as a process of its own on a home of the test's own; and a make-believe machine
for each test, in the place of Docker, k3d and a cluster's API.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.app_server import free_port
from tests.todoctl.bench import Bench
from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Kube
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl.images import build
from todoctl.kube import wait
from todoctl.kube.client import Client
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.k3d import provider
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.provider import K3dCluster
from todoctl.targets.kubernetes.target import KubernetesTarget


@dataclass
class CommandLine:
    """Runs `todoctl`; `home` is its state directory, `port` one that is free for it."""

    PATH = str(Path(sys.executable).parent)
    """Without Docker: what somebody has up in it is not the test's."""

    home: Path
    port: int = field(default_factory=free_port)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TODOCTL_HOME": str(self.home), "COLUMNS": "200", "PATH": self.PATH, **self.env}

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command in the background, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "todoctl", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end and checks its exit code."""
        with self.spawn(*arguments) as process:
            out, err = process.communicate(timeout=240)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`up` on the local target with bundled pictures, unless `arguments` say otherwise."""
        return self("up", "--target", "local", "--port", str(self.port), "--image-url", "sample:", *arguments)


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "home", 500.0)
    yield bench
    bench.target.stop()


@pytest.fixture(name="todoctl")
def _todoctl(tmp_path: Path) -> Iterator[CommandLine]:
    command = CommandLine(tmp_path / "home")
    yield command
    command.env.clear()
    command("down", "--target", "local")
    assert not command.home.exists(), "down leaves nothing behind"


@pytest.fixture(name="kube")
def _kube() -> Iterator[Kube]:
    kube = Kube()
    yield kube
    kube.close()


@pytest.fixture(name="client")
def _client(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    path = tmp_path / "client.kubeconfig"
    path.write_text(kube.kubeconfig())
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # which leads nowhere
    monkeypatch.setattr(wait, "POLL_SECONDS", 0.01)
    client = Client(path)
    yield client
    client.close()


@pytest.fixture(name="world")
def _world(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(kube)
    world.install(tmp_path / "bin", "k3d", "docker", "kubectl")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("POLL_SECONDS", "ROUTE_SECONDS"):
        monkeypatch.setattr(wait, name, 0.01)
    monkeypatch.setattr(wait, "SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(wait, "UNANSWERED_SECONDS", 0.5)
    return world


@pytest.fixture(name="engine")
def _engine(world: World, monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine(world)
    for module in (provider, build):
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
def _target(home: Home, options: ClusterOptions, engine: Engine) -> KubernetesTarget:
    return KubernetesTarget(home, K3dCluster(home, options))

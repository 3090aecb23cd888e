"""Which target is meant."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.todoctl.told import away
from todoctl import targets
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.state import Home
from todoctl.targets import Choice
from todoctl.terminal import Terminal


@pytest.fixture(name="home")
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """On a machine where Docker is not asked, and no kubeconfig leads anywhere."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with away():
        yield Home(tmp_path / "home")


def _install(directory: Path, *names: str) -> None:
    directory.mkdir()
    for name in names:
        (directory / name).write_text("#!/bin/sh\nexit 1\n")
        (directory / name).chmod(0o755)


@pytest.mark.parametrize(
    ("installed", "target", "told"),
    [
        ((), "local", "docker and k3d are not installed"),
        (("docker",), "local", "k3d is not installed"),
        (("k3d",), "local", "docker is not installed"),
        (("docker", "k3d"), "k3d", ""),
    ],
)
def test_the_default_is_k3d_where_it_is_installed_even_if_broken(
    installed: tuple[str, ...],
    target: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _install(tmp_path / "bin", *installed)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert targets.default(Terminal()) == target
    out = capsys.readouterr().out
    assert (told in out and "https://k3d.io" in out) if told else out == ""


def _make(directory: Path) -> None:
    directory.mkdir(parents=True)
    if directory.name == "local":
        (directory / "state.json").write_text('{"port": 8081, "ttl": 600, "image_url": "sample:"}')


def test_what_down_left_is_not_up_but_can_be_found(home: Home) -> None:
    (home.path / "local" / "volume").mkdir(parents=True)
    found = targets.find(home, Choice(None))
    assert found
    assert found.traits.name == "local"
    with pytest.raises(UnavailableError, match="Nothing is up"):
        targets.require(home, Choice(None))


def test_nothing_is_up_on_an_empty_home(home: Home) -> None:
    assert targets.find(home, Choice(None)) is None
    with pytest.raises(UnavailableError, match=r"Nothing is up\. Run 'todoctl up' first"):
        targets.require(home, Choice(None))
    with pytest.raises(UnavailableError, match="Nothing is up on local"):
        targets.require(home, Choice("local"))


def test_what_is_up_is_found(home: Home) -> None:
    _make(home.path / "local")
    assert targets.require(home, Choice(None)).traits.name == "local"
    assert targets.find(home, Choice("k3d")) is None


def test_more_than_one_needs_a_choice(home: Home) -> None:
    _make(home.path / "local")
    _make(home.path / "k3d" / "one")
    _make(home.path / "k3d" / "two")
    with pytest.raises(BadUsageError, match=r"More than one is up: local, k3d one, k3d two\. Choose"):
        targets.find(home, Choice(None))
    assert targets.require(home, Choice("local")).traits.name == "local"
    found = targets.find(home, Choice("k3d", "two"))
    assert found
    assert found.traits.name == "k3d"


def test_what_names_a_cluster_is_refused_elsewhere() -> None:
    with pytest.raises(BadUsageError, match="--cluster goes with"):
        Choice("local", "mine")
    with pytest.raises(BadUsageError, match=r"Unknown target 'moon'\. Use k3d, local or kubernetes\."):
        Choice("moon")


def test_only_a_cluster_can_be_kept(home: Home) -> None:
    _make(home.path / "local")
    with pytest.raises(BadUsageError, match=r"--keep-cluster goes with --target k3d only, .* is local\. Use"):
        targets.find(home, Choice(), keep_cluster=True)
    _make(home.path / "k3d" / "one")
    found = targets.find(home, Choice(cluster="one"), keep_cluster=True)
    assert found
    assert found.traits.name == "k3d"
    assert Choice().named is None


def test_a_namespace_is_found_by_its_names(home: Home) -> None:
    _make(home.path / "kubernetes" / "arn%3Aaws%2Fa" / "one")
    _make(home.path / "kubernetes" / "it" / "two")
    with pytest.raises(BadUsageError, match=r"kubernetes arn:aws/a one, kubernetes it two"):
        targets.find(home, Choice())
    found = targets.find(home, Choice(namespace="one"))
    assert found
    assert found.traits.name == "kubernetes"
    assert Choice(context="it").named == "kubernetes"
    with pytest.raises(BadUsageError, match="needs --context"):
        targets.make(Choice("kubernetes"), home)

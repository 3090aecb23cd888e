"""What goes into the image, what names it, and what a failed build says."""

import importlib.util
import subprocess
import sys
import tarfile
from collections.abc import Iterator

import docker.errors
import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.images import build


def make(told: Told) -> None:
    build.build("me/todo-app:1", None, told)


def test_the_whole_app_is_in_the_context(world: World, engine: Engine, told: Told) -> None:
    make(told)
    (call,) = world.built
    assert call["tag"] == "me/todo-app:1"
    with tarfile.open(fileobj=call["fileobj"]) as tar:
        names = set(tar.getnames())
    assert {"Dockerfile", "requirements.txt", "pip/pip.conf", "pip/ca.pem"} <= names
    assert {"todoapp/__main__.py", "todoapp/page.html"} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_the_app_is_found_without_importing_it() -> None:
    program = "import sys; from todoctl.images import build; build.app_files(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "todoapp" not in done.stdout.split()


def test_the_tag_follows_the_content(world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def tag(base: str | None = None) -> str:
        return build.reference(engine, base)  # type: ignore[arg-type]

    first = tag()
    assert first == tag()
    assert first != tag("other:1")
    named = tag("other:1")
    world.images.add("other:1")
    assert named != tag("other:1"), "the image behind the name counts"
    files = build.app_files()
    monkeypatch.setattr(build, "app_files", lambda: {**files, "todoapp/app.py": b"#"})
    assert first != tag()


def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UnavailableError, match="todoapp is not installed"):
        build.app_files()


PIP = "Step 5/8 : RUN python3 -m pip install"


@pytest.mark.parametrize(
    ("step", "index", "fix"),
    [
        ("Step 1/8 : FROM python:3.13-slim AS build", "", "--base-image"),
        (PIP, "https://index.example", "Let pip reach an index"),
        (PIP, "https://me:secret@index.example", "A build gets no login"),
        ("Step 9/18 : RUN python3 -c import", "", "shows the whole build"),
    ],
)
def test_what_to_do_follows_from_the_step_that_failed(
    step: str, index: str, fix: str, world: World, engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index)
    world.events = [{"stream": f"{step}\n"}, {"error": "it failed"}]
    with pytest.raises(UnavailableError, match=f"it failed.*{fix}") as failed:
        make(told)
    assert "secret" not in str(failed.value)


def test_the_reason_of_a_failed_build_is_pips_own(world: World, engine: Engine, told: Told) -> None:
    world.events = [
        {"stream": "Step 5/8 : RUN pip\n"},
        {"stream": "\n"},
        {"stream": "ERROR: No matching distribution found for uvloop\n"},
        {"error": "The command returned a non-zero code: 1"},
    ]
    with pytest.raises(UnavailableError, match="No matching distribution"):
        make(told)
    assert "Step 5/8" in told
    world.images.add("me/todo-app:1")
    with pytest.raises(UnavailableError, match="No matching distribution"):
        make(told)  # an older build's image of that name is not this one's


def test_a_package_that_is_not_the_one_that_was_tried(world: World, engine: Engine, told: Told) -> None:
    """As Docker 20.10 hands on what pip 25 says."""
    world.events = [
        {
            "stream": "\x1b[91mERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
            "    anyio==4.16.0 from https://index.example/anyio-4.16.0-py3-none-any.whl:\n"
            "        Expected sha256 0000\n             Got        6d13\n\x1b[0m"
        },
        {"stream": "Removing intermediate container 4325b8404902\n"},
        {"error": "The command returned a non-zero code: 1"},
    ]
    with pytest.raises(UnavailableError, match=r"another file of anyio==4.16.0 than PyPI\. Let pip"):
        make(told)


def test_a_build_that_docker_refuses(engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> Iterator[dict[str, str]]:
        raise docker.errors.APIError("pull\naccess denied")

    monkeypatch.setattr(engine, "build", refuse)
    with pytest.raises(UnavailableError, match="pull access denied"):
        make(told)


def test_a_build_that_says_nothing(engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "build", lambda **_: iter([]))
    with pytest.raises(UnavailableError, match="ended without an image"):
        make(told)


def test_push(world: World, engine: Engine, told: Told) -> None:
    with pytest.raises(UnavailableError, match="todoctl image build me/todo-app:1"):
        build.push("me/todo-app:1", told)
    world.images.add("me/todo-app:1")
    assert build.push("me/todo-app:1", told) == "me/todo-app:1", "Docker has told no digest"
    assert "Pushed 1" in told
    engine.images.pushed = lambda: iter([{"status": "Pushed"}, {"aux": {"Digest": "sha256:ab"}}])
    assert build.push("me/todo-app:1", told) == "me/todo-app@sha256:ab"
    engine.images.pushed = lambda: iter([{"error": "denied"}])
    with pytest.raises(UnavailableError, match=r"could not be pushed: denied.*log in to its registry"):
        build.push("me/todo-app:1", told)

    def refuse() -> Iterator[dict[str, str]]:
        raise docker.errors.APIError("no such host")

    engine.images.pushed = refuse
    with pytest.raises(UnavailableError, match=r"no such host.*Check the registry's address"):
        build.push("me/todo-app:1", told)


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("app", "app"),
        ("me/app:1", "me/app"),
        ("a.example:5000/app", "a.example:5000/app"),
        ("app:1@sha256:ab", "app"),
    ],
)
def test_a_repository_has_no_tag(name: str, repository: str) -> None:
    assert build.repository(name) == repository


@pytest.mark.parametrize(
    ("index", "network"),
    [
        ("http://127.0.0.1:3141/simple", "host"),
        ("http://localhost/simple", "host"),
        ("https://a.example", None),
    ],
)
def test_an_index_on_this_machine_is_reached_from_the_build(
    index: str, network: str | None, monkeypatch: pytest.MonkeyPatch, world: World, engine: Engine, told: Told
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://b.example")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "b.example")
    make(told)
    assert world.built[0]["network_mode"] == network

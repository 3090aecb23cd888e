"""Images that Docker does not have are pulled, however often the line breaks, unless they cannot come."""

import threading
import time
from collections.abc import Iterator

import docker.errors
import pytest
from urllib3.exceptions import ProtocolError

from tests.todoctl.images.engine import Engine
from tests.todoctl.images.pulls import BEGIN, BROKEN, SIZE, WHOLE, Event
from tests.todoctl.targets.k3d.world import IMAGES, World
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.images import build, pull

K3S, PROXY, _, BASE = IMAGES
LOST: Event = {"error": "unexpected EOF", "errorDetail": {"message": "unexpected EOF"}}


@pytest.fixture(name="quick", autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "LONGEST_PAUSE", 0.001)


def fetch(engine: Engine, told: Told, *names: str) -> None:
    pull.pull_missing(engine, dict.fromkeys(names or (K3S,), "--k3s-image"), told)  # type: ignore[arg-type]


def refused(reason: str) -> docker.errors.APIError:
    return docker.errors.APIError("500 Server Error", explanation=reason)


def pulls(world: World, name: str) -> int:
    return world.calls.count(["pull", name])


def test_what_docker_has_is_not_asked_for(world: World, engine: Engine, told: Told) -> None:
    fetch(engine, told, *IMAGES)
    assert not world.calls
    assert not told.lines


def test_what_is_missing_comes_beside_each_other(world: World, engine: Engine, told: Told) -> None:
    world.images -= {K3S, PROXY}
    world.pulls = {K3S: [WHOLE], PROXY: [WHOLE]}
    fetch(engine, told, *IMAGES)
    assert world.images == set(IMAGES)
    assert "Pull 2 images" in told
    assert f"{K3S}: {SIZE} of {SIZE} unpacking" in told
    assert f"{PROXY}: {SIZE} of {SIZE} " in told


def test_a_pull_that_breaks_is_begun_again(world: World, engine: Engine, told: Told) -> None:
    world.images.clear()
    broken = [*BEGIN, *BROKEN, LOST]
    world.pulls[K3S] = [
        broken,
        refused("Get https://registry-1.docker.io/v2/: dial tcp: lookup registry-1.docker.io: no such host"),
        BEGIN,  # Docker's answer ends
        ProtocolError("Connection broken"),
        WHOLE,
    ]
    fetch(engine, told)
    assert K3S in world.images
    assert pulls(world, K3S) == 5
    assert f"Pull {K3S}" in told


def test_a_line_that_stays_down_is_told(
    world: World, engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "ATTEMPTS_AFTER", 4)
    world.images.clear()
    down = refused("dial tcp 1.2.3.4:443: connect: network is unreachable")
    world.pulls[K3S] = [[*BEGIN, *BROKEN, LOST], *[down] * 9]
    with pytest.raises(UnavailableError, match=r"cannot be pulled: .*network is unreachable.*goes on with"):
        fetch(engine, told)
    assert pulls(world, K3S) == 5


def test_what_begins_again_from_nothing_each_time_is_given_up(
    world: World, engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that came before are no progress."""
    monkeypatch.setattr(pull, "ATTEMPTS_AFTER", 3)
    world.images.clear()
    world.pulls[K3S] = [[*BEGIN, LOST] for _ in range(9)]
    with pytest.raises(UnavailableError, match="unexpected EOF"):
        fetch(engine, told)
    assert pulls(world, K3S) == 4


@pytest.mark.parametrize(
    "reason",
    [
        "net/http: TLS handshake timeout",
        "dial tcp: lookup not-found.example: no such host",
        "dial tcp 127.0.0.1:5000: connect: connection refused",
    ],
)
def test_a_registry_that_does_not_answer_is_told_after_three_attempts(
    reason: str, world: World, engine: Engine, told: Told
) -> None:
    world.images.clear()
    world.pulls[K3S] = [refused(reason)] * 9
    with pytest.raises(UnavailableError, match=rf"{reason}.*proxy settings.*use --k3s-image"):
        fetch(engine, told)
    assert pulls(world, K3S) == 3


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        (
            "manifest for a/b:1 not found: manifest unknown: manifest unknown",
            "another image with --k3s-image",
        ),
        ("pull access denied for a/b, repository does not exist or may require 'docker login'", "Check the"),
        ("unauthorized: authentication required", "docker login"),
        ("toomanyrequests: You have reached your pull rate limit.", "try again later"),
        ("write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "docker system df"),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "this machine's architecture",
        ),
        ("invalid reference format", "Check the image's name, or name another image with --k3s-image"),
        ("x509: certificate signed by unknown authority", "Trust the registry"),
        ("http: server gave HTTP response to HTTPS client", "insecure-registries"),
    ],
)
def test_what_no_further_attempt_changes_is_told_at_once(
    reason: str, fix: str, world: World, engine: Engine, told: Told
) -> None:
    world.images.clear()
    world.pulls[K3S] = [refused(reason)]
    with pytest.raises(UnavailableError) as caught:
        fetch(engine, told)
    line = str(caught.value)
    assert line.startswith(f"The image {K3S} cannot be pulled: {reason.rstrip('.')}")
    assert fix in line
    assert pulls(world, K3S) == 1


def test_credentials_that_cannot_be_read(world: World, engine: Engine, told: Told) -> None:
    world.images.clear()
    world.pulls[K3S] = [docker.errors.DockerException("Credentials store error: StoreError('not installed')")]
    with pytest.raises(UnavailableError, match="credsStore"):
        fetch(engine, told)


@pytest.fixture(name="held")
def _held(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Docker's answers begin, and do not go on before the end of the test."""
    over = threading.Event()

    def held(*_: object, **__: object) -> object:
        yield from BEGIN
        over.wait(20)

    monkeypatch.setattr(engine, "_answer", held)
    yield
    over.set()


@pytest.mark.usefixtures("held")
def test_one_that_is_missing_is_told_while_others_come(world: World, engine: Engine, told: Told) -> None:
    world.images.clear()
    world.pulls = {K3S: [BEGIN]}
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=rf"{BASE} cannot be pulled: .*manifest unknown"):
        fetch(engine, told, K3S, BASE)
    assert time.monotonic() - began < 10, "the other was not waited for"


def test_an_image_of_the_users_own_pulls_its_base(world: World, engine: Engine, told: Told) -> None:
    world.images.clear()
    world.pulls = {BASE: [WHOLE]}
    build.build("me/todo-app:1", None, told)
    assert f"Pull {BASE}" in told
    assert "me/todo-app:1" in world.images

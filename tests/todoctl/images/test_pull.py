"""Images that Docker does not have are pulled, however often the line breaks, unless they cannot come."""

import threading
import time
from collections.abc import Iterator

import docker.errors
import pytest
from urllib3.exceptions import ProtocolError

from tests.todoctl.images.engine import Engine
from tests.todoctl.images.pulls import BEGIN, BROKEN, END, SIZE, WHOLE, Event
from tests.todoctl.targets.k3d.world import IMAGES, World
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.images import image, pull
from todoctl.settings import Settings
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.target import K3dTarget

K3S, PROXY, _, BASE = IMAGES
LOST: Event = {"error": "unexpected EOF", "errorDetail": {"message": "unexpected EOF"}}


@pytest.fixture(name="quick", autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "LONGEST_PAUSE", 0.001)
    monkeypatch.setattr(pull, "POLL_SECONDS", 0.001)


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
    assert f"{K3S}: {SIZE} of {SIZE} ready" in told
    assert f"{PROXY}: {SIZE} of {SIZE} ready" in told


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


def test_a_registry_that_does_not_answer_is_told_within_a_minute(
    world: World, engine: Engine, told: Told
) -> None:
    world.images.clear()
    world.pulls[K3S] = [refused("net/http: TLS handshake timeout")] * 9
    with pytest.raises(UnavailableError, match="TLS handshake timeout"):
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
        ("invalid reference format", "Check the name, or name another image with --k3s-image"),
        ("x509: certificate signed by unknown authority", "Let Docker trust"),
        ("http: server gave HTTP response to HTTPS client", "insecure-registries"),
        ("dial tcp: lookup nowhere.example: no such host", "Docker's proxy settings"),
        ("dial tcp 127.0.0.1:5000: connect: connection refused", "local image with --k3s-image"),
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


@pytest.mark.usefixtures("held")
def test_silence_is_shown_and_ends(
    world: World, engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(pull, "SILENT_SECONDS", 0.3)
    world.images.clear()
    world.pulls = {K3S: [BEGIN]}
    with pytest.raises(UnavailableError, match=r"Docker has got nothing for 0 s.*todoctl up"):
        fetch(engine, told)
    assert "nothing has come for 0 s" in told


# In the commands


def test_up_pulls_what_a_cluster_is_made_of_before_it_is_created(
    target: K3dTarget, world: World, settings: Settings, told: Told
) -> None:
    world.images.clear()
    world.pulls = {name: [[*BEGIN, *END]] for name in IMAGES}
    assert target.up(settings, told)
    kinds = [call[0] if call[0] == "pull" else " ".join(call[:3]) for call in world.calls]
    assert kinds.count("pull") == 4
    assert max(i for i, kind in enumerate(kinds) if kind == "pull") < kinds.index("k3d cluster create")
    assert not target.up(settings, told), "the base image that came is the one that the app's was named by"


def test_up_does_nothing_else_where_an_image_does_not_come(
    target: K3dTarget, world: World, settings: Settings, told: Told
) -> None:
    world.images.discard(BASE)
    with pytest.raises(UnavailableError, match=r"python:3\.13-slim cannot be pulled.*--base-image"):
        target.up(settings, told)
    assert not world.machines
    assert not target.directory.exists()


def test_a_cluster_that_runs_needs_no_images_of_k3d(
    target: K3dTarget, home: Home, world: World, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    world.images -= set(IMAGES[:3])
    assert not target.up(settings, told)
    world.machines["k3d-k3s-default-agent-0"].status = "exited"
    world.pulls = {IMAGES[2]: [WHOLE]}
    assert K3dTarget(home, ClusterOptions()).up(settings, told)
    assert pulls(world, IMAGES[2]) == 1, "k3d starts a cluster with it"


def test_an_image_of_the_users_own_pulls_its_base(world: World, engine: Engine, told: Told) -> None:
    world.images.clear()
    world.pulls = {BASE: [WHOLE]}
    image.build("me/todo-app:1", None, told)
    assert f"Pull {BASE}" in told
    assert "me/todo-app:1" in world.images

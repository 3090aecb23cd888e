"""The cache that stands in for the user's: files are put there, and the app is kept from it."""

import docker.errors
import pytest

from tests.todoctl.images.engine import Container
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.settings import Settings
from todoctl.targets.k3d.target import K3dTarget
from todoctl.targets.volume import Volume

CACHE = "/tmp/kube/cache"
NODE = "k3d-k3s-default-agent-0"


@pytest.fixture(name="volume")
def _volume(target: K3dTarget, settings: Settings, told: Told) -> Volume:
    """Of an app that has been brought up and stopped."""
    target.up(settings, told)
    target.stop()
    return target.volume


def test_where_nothing_is_set_aside_nothing_is_touched(volume: Volume, world: World) -> None:
    world.calls.clear()
    for touch in (volume.empty, volume.detach, volume.attach, lambda: volume.put("x", b"")):
        with pytest.raises(UnavailableError, match="not set aside, so it is not touched"):
            touch()
    volume.put_back()
    assert {tuple(call[1:3]) for call in world.calls} == {("test", "-e")}


def test_a_file_is_put_where_the_cache_is_set_aside(
    volume: Volume, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume.set_aside()
    volume.put("cached_image.jpg", b"picture")
    assert f"{CACHE}/cached_image.jpg" in world.paths
    volume.put("cached_image.jpg", None)
    assert world.calls[-1][1:] == ["rm", "-f", f"{CACHE}/cached_image.jpg"]

    def refuse(*_: object) -> bool:
        raise docker.errors.APIError("no", explanation="no space left on device")

    monkeypatch.setattr(Container, "put_archive", refuse)
    with pytest.raises(UnavailableError, match="cannot be written in the node"):
        volume.put("cached_image.jpg", b"picture")


def test_the_node_reads_it_without_the_app(volume: Volume, world: World) -> None:
    world.commands["find"] = (0, "")
    assert volume.host().read() == []
    assert NODE in volume.host().seen_from


def test_out_of_reach_is_what_only_root_may_read(volume: Volume, world: World) -> None:
    """One change that takes effect at once: no page view finds a moment without a directory."""
    volume.set_aside()
    volume.put("cached_image.jpg", b"picture")
    for change, mode in ((volume.detach, "000"), (volume.attach, "777")):
        world.calls.clear()
        change()
        assert [call[1:] for call in world.calls if call[1] != "test"] == [["chmod", mode, CACHE]]


def test_what_was_left_out_of_reach_goes_with_what_stood_in(volume: Volume, world: World) -> None:
    world.paths.add(CACHE)
    volume.set_aside()
    volume.put("cached_image.jpg", b"picture")
    for end in (volume.empty, volume.put_back):
        volume.detach()
        world.calls.clear()
        end()
        assert ["rm", "-rf", CACHE] in [call[1:] for call in world.calls]
    assert not volume.is_set_aside()
    assert CACHE in world.paths

"""A file is put into the cache that stands in for the user's, and never into the user's."""

import docker.errors
import pytest

from tests.todoctl.k3d.conftest import Told
from tests.todoctl.k3d.world import Container, World
from todoctl.errors import UnavailableError
from todoctl.k3d.target import K3dTarget
from todoctl.settings import Settings


def test_a_file_is_put_where_the_cache_is_set_aside(
    target: K3dTarget, world: World, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.up(settings, told)
    with pytest.raises(UnavailableError, match="not set aside, so it is not touched"):
        target.volume.put("cached_image.jpg", b"picture")
    target.stop()
    target.volume.set_aside()
    target.volume.put("cached_image.jpg", b"picture")
    assert "/tmp/kube/cache/cached_image.jpg" in world.paths
    target.volume.put("cached_image.jpg", None)
    assert world.calls[-1][1:] == ["rm", "-f", "/tmp/kube/cache/cached_image.jpg"]

    def refuse(*_: object) -> bool:
        raise docker.errors.APIError("no", explanation="no space left on device")

    monkeypatch.setattr(Container, "put_archive", refuse)
    with pytest.raises(UnavailableError, match="cannot be written in the node"):
        target.volume.put("cached_image.jpg", b"picture")

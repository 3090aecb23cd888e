"""`kill -9` at any instant: the picture stays whole and its own, and no answered access is lost."""

import contextlib
import hashlib
import http.client
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.app_server import free_port, read_page, wait_for
from tests.image_service import ImageService
from tests.todoapp.dying_app import App, Nursery, nursery
from todoapp.store import METADATA, NEXT_METADATA, NEXT_PICTURE, PICTURE, REFRESH_LOCK, Store

pytestmark = [pytest.mark.live, pytest.mark.slow]

SWEEPS = 1
RANDOM_KILLS = 100
"""In each sweep; the sweeps may run side by side."""

VISITORS = 3
FIXED_NAMES = {PICTURE, METADATA, NEXT_PICTURE, NEXT_METADATA, REFRESH_LOCK}


@pytest.fixture(name="apps", scope="module")
def _apps() -> Iterator[Nursery]:
    with nursery() as started:
        yield started


def environment(port: int, volume: Path, images: ImageService, ttl: float = 600.0) -> dict[str, str]:
    return {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "CACHE_DIR": str(volume),
        "CACHE_TTL": str(ttl),
        "IMAGE_URL": images.url,
    }


def get(port: int) -> str:
    """View the page on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


def answered(port: int, app: App) -> bool:
    """Whether the app answers at all, or has died; no access."""
    if not app.alive:
        return True
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False


def check_volume(directory: Path, images: ImageService) -> int:
    """The volume as the next process finds it: all must be in order. Its access count."""
    assert {path.name for path in directory.iterdir()} <= FIXED_NAMES
    store = Store(directory)
    with store.locked():
        found = store.load()
    assert found.damage is None
    state = found.state
    if state.picture is not None:
        assert found.content is not None
        assert state.picture.sha256 == hashlib.sha256(found.content).hexdigest()
        assert state.picture.sha256 in images.pictures
        assert (directory / PICTURE).read_bytes() == found.content
        assert state.access_count >= state.image_access_count
    return state.access_count


class Visitor(threading.Thread):
    """Views the page again and again until the app is gone; `highest` is the highest count seen."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.highest = 0
        self.views = 0

    def run(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                self.highest = max(self.highest, read_page(get(self.port)).access_count)
                self.views += 1


def any_views(visitors: list[Visitor]) -> bool:
    return any(visitor.views for visitor in visitors)


@pytest.mark.parametrize("sweep", range(SWEEPS))
def test_killed_at_random_points(apps: Nursery, images: ImageService, tmp_path: Path, sweep: int) -> None:
    """While pictures are replaced every few views, with several visitors."""
    images.picture_size = 30_000
    volume, port = tmp_path / "cache", free_port()
    env = environment(port, volume, images, ttl=0.004)
    rng = random.Random(sweep)  # noqa: S311 - points in time
    counted = answers = 0
    for _ in range(RANDOM_KILLS):
        visitors = [Visitor(port) for _ in range(VISITORS)]
        with apps.app(env, tmp_path / "log") as app:
            wait_for(partial(answered, port, app), what="the app")
            for visitor in visitors:
                visitor.start()
            wait_for(partial(any_views, visitors), what="a page")
            time.sleep(rng.uniform(0, 0.04))
        for visitor in visitors:
            visitor.join(30)
        now_answered = sum(visitor.views for visitor in visitors)
        counted_before, counted = counted, check_volume(volume, images)
        assert counted >= max(visitor.highest for visitor in visitors)
        # Every answer is counted, and beside them at most the one view that each was waiting for.
        assert now_answered <= counted - counted_before <= now_answered + VISITORS
        answers += now_answered
    assert answers > RANDOM_KILLS
    assert images.fetches > RANDOM_KILLS / 2, "too few refreshes to have been hit by a kill"

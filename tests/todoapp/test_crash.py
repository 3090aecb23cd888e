"""`kill -9` at any instant: the picture stays whole and its own, and no answered access is lost."""

import contextlib
import hashlib
import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.app_server import free_port, read_page, wait_for
from tests.image_service import ImageService, png
from tests.todoapp.dying_app import SLICES, App, Death, Nursery, nursery
from todoapp.store import METADATA, NEXT_METADATA, NEXT_PICTURE, PICTURE, REFRESH_LOCK, Store

SWEEPS = 3
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


def expired_volume(directory: Path, images: ImageService) -> None:
    """A volume whose grace is spent: the next view refreshes it."""
    directory.mkdir()
    picture = png(0)
    images.pictures[hashlib.sha256(picture).hexdigest()] = picture
    (directory / PICTURE).write_bytes(picture)
    state = {"download_timestamp": 1.0, "grace_period_used": True, "access_count": 7}
    (directory / METADATA).write_text(json.dumps(state))


class Refresh:
    """Two page views, of which the first brings a new picture, on a volume of their own."""

    def __init__(self, apps: Nursery, images: ImageService, base: Path, death: Death | None = None) -> None:
        base.mkdir()
        self.volume = base / "cache"
        expired_volume(self.volume, images)
        self.counts: list[int] = []
        port = free_port()
        env = environment(port, self.volume, images)
        with apps.app(env, base / "log", calls=base / "calls", death=death) as app:
            wait_for(partial(answered, port, app), what="the app")
            with contextlib.suppress(OSError, http.client.HTTPException):
                while len(self.counts) < 2:
                    self.counts.append(read_page(get(port)).access_count)
            if death:
                wait_for(lambda: not app.alive, what="the death of the app")
        self.calls = (base / "calls").read_text().split()


def test_killed_at_each_write_rename_and_sync(apps: Nursery, images: ImageService, tmp_path: Path) -> None:
    """Of a refresh and of the save after it: before, in the middle of and after each call."""
    images.picture_size = 30_000
    undisturbed = Refresh(apps, images, tmp_path / "undisturbed")
    assert undisturbed.counts == [8, 9]
    names = undisturbed.calls
    assert names.count("rename") == 3, names  # metadata, picture; then metadata
    assert names.count("write") >= 3
    assert names.count("fsync") >= 6
    assert names.count("fdatasync") == 1, "the save after it goes by way of the journal"
    deaths = [
        Death(call, when)
        for call, name in enumerate(names)
        for when in SLICES
        if name in {"write", "pwrite"} or when != "half"
    ]
    for death in deaths:
        base = tmp_path / f"{death.call}-{death.when}"
        killed = Refresh(apps, images, base, death)
        assert killed.calls == names[: death.call + 1], death
        counted = check_volume(killed.volume, images)
        assert counted >= 7 + len(killed.counts), death
        # The next process finds all in order and goes on.
        port = free_port()
        with apps.app(environment(port, killed.volume, images), base / "log") as app:
            wait_for(partial(answered, port, app), what="the app")
            page = read_page(get(port))
        assert (page.status, page.access_count) == ("valid", counted + 1), death
        check_volume(killed.volume, images)
        assert not (killed.volume / NEXT_PICTURE).exists(), death
        assert not (killed.volume / NEXT_METADATA).exists(), death


@pytest.mark.parametrize("name", [NEXT_PICTURE, NEXT_METADATA])
def test_what_never_took_effect_goes(apps: Nursery, images: ImageService, tmp_path: Path, name: str) -> None:
    """Whatever a killed process left behind is replaced, not added to."""
    volume, port = tmp_path / "cache", free_port()
    expired_volume(volume, images)
    (volume / name).write_bytes(png(99))
    with apps.app(environment(port, volume, images), tmp_path / "log") as app:
        wait_for(partial(answered, port, app), what="the app")
        assert read_page(get(port)).access_count == 8
    check_volume(volume, images)
    assert not (volume / name).exists()

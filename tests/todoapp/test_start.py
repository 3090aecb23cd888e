"""A start without any picture fetches one at once, unasked and uncounted; any other fetches nothing."""

import asyncio
import hashlib
import json
import time
from pathlib import Path

import httpx
import pytest

from tests.app_server import AppServer, read_page, wait_for
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode, png
from todoapp.policy import MIN_BACKOFF
from todoapp.store import METADATA, PICTURE, Store

A_WHILE = 1.0
"""Seconds in which a fetch that is not to be would have been made."""


def wait_for_picture(app: AppServer) -> None:
    wait_for(lambda: app.cache()["status"] == "valid", what="the picture of the start")


def fetch_of_the_start(images: ImageService) -> None:
    wait_for(lambda: images.fetches, what="the fetch of the start")


def test_a_picture_is_there_before_the_first_view(start_app: StartApp, images: ImageService) -> None:
    app = start_app(IMAGE_URL=images.url)
    wait_for_picture(app)
    state = app.cache()
    assert (state["access_count"], state["image_access_count"]) == (0, 0)
    assert state["last_access_at"] is None
    assert state["last_error"] is None
    assert not state["grace_used"]
    assert [hashlib.sha256(app.image()).hexdigest()] == [state["image"]["sha256"]] == list(images.pictures)
    page = app.view()
    assert (page.status, page.access_count, page.image_access_count) == ("valid", 1, 1)
    assert app.cache()["image"] == state["image"]
    assert app.cache()["downloaded_at"] == state["downloaded_at"]
    assert images.fetches == 1


def test_the_start_is_not_held_up_and_a_view_waits_for_its_fetch(
    start_app: StartApp, images: ImageService
) -> None:
    images.mode = Mode.HANG
    app = start_app(IMAGE_URL=images.url)
    fetch_of_the_start(images)
    assert app.client.head("/").status_code == 200
    answer = app.client.get("/image")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    state = app.cache()
    assert (state["status"], state["access_count"], state["last_error"]) == ("empty", 0, None)

    async def scene() -> httpx.Response:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            view = asyncio.create_task(client.get(f"{app.url}/"))
            await asyncio.sleep(0.5)
            assert not view.done()
            images.mode = Mode.OK
            return await view

    page = read_page(asyncio.run(scene()).text)
    assert (page.status, page.access_count, page.image_access_count) == ("valid", 1, 1)
    assert images.fetches == 1


def test_a_fetch_that_failed_is_left_to_the_next_view(start_app: StartApp, images: ImageService) -> None:
    images.mode = Mode.ERROR_500
    app = start_app(IMAGE_URL=images.url)
    wait_for(lambda: app.cache()["last_error"], what="the failure")
    state = app.cache()
    assert (state["status"], state["access_count"]) == ("empty", 0)
    assert state["last_error"] == "image service: answered 500 Internal Server Error"
    saved = json.loads((app.cache_dir / METADATA).read_text())
    assert (saved["failures"], saved["retry_after"]) == (1, MIN_BACKOFF)
    assert "not trying again for 0.25 s" in app.log
    images.mode = Mode.OK
    time.sleep(A_WHILE)
    assert (app.cache()["status"], images.fetches) == ("empty", 1)
    page = app.view()
    assert (page.status, page.access_count, page.image_access_count) == ("valid", 1, 1)
    assert images.fetches == 2


def test_processes_that_start_together_fetch_once(start_app: StartApp, images: ImageService) -> None:
    images.mode = Mode.HANG
    apps = [start_app(IMAGE_URL=images.url) for _ in range(3)]
    fetch_of_the_start(images)
    images.mode = Mode.OK
    for app in apps:
        wait_for_picture(app)
    time.sleep(A_WHILE)
    assert images.fetches == 1
    states = [app.cache() for app in apps]
    assert states[0] == states[1] == states[2]
    assert states[0]["access_count"] == states[0]["image_access_count"] == 0
    assert [app.view().access_count for app in apps] == [1, 2, 3]


PICTURES: dict[str, dict[str, object]] = {
    "valid": {},  # downloaded just now
    "expired": {},
    "grace": {"grace_period_used": True},
    "stale": {"grace_period_used": True, "fetch_error": "no", "failures": 1, "failed_at": 2.0},
}
"""What the metadata say of a picture in each status; but for `valid`, it was downloaded long ago."""


@pytest.mark.parametrize("status", PICTURES)
def test_a_start_with_any_picture_fetches_nothing(
    start_app: StartApp, images: ImageService, tmp_path: Path, status: str
) -> None:
    picture = png(1)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / PICTURE).write_bytes(picture)
    downloaded = time.time() if status == "valid" else 1.5
    saved = {"download_timestamp": downloaded, "access_count": 9, "image_access_count": 3} | PICTURES[status]
    (tmp_path / "cache" / METADATA).write_text(json.dumps(saved))
    app = start_app(IMAGE_URL=images.url)
    time.sleep(A_WHILE)
    state = app.cache()
    assert images.fetches == 0
    assert (state["status"], state["access_count"], state["image_access_count"]) == (status, 9, 3)
    assert app.image() == picture
    line = app.log.splitlines()[1]
    sha256 = hashlib.sha256(picture).hexdigest()
    found = f"INFO picture on the volume: SHA-256 {sha256}, image/png, {len(picture)} bytes, downloaded at "
    assert found in line
    assert line.endswith("Z" if status == "valid" else "1970-01-01T00:00:01Z")


def test_a_picture_that_cannot_be_read_yet_is_not_replaced(
    start_app: StartApp, images: ImageService, tmp_path: Path
) -> None:
    """Another process holds the volume for longer than a start waits for that."""
    first = start_app(IMAGE_URL=images.url)
    first.view_valid()
    picture = first.image()
    first.stop()
    with Store(tmp_path / "cache").locked():
        app = start_app(IMAGE_URL=images.url)
        assert "another process" in app.log
    assert app.cache()["status"] == "valid"
    time.sleep(A_WHILE)
    assert app.image() == picture
    assert images.fetches == 1


def test_where_there_can_be_no_volume_the_first_view_fetches(
    start_app: StartApp, images: ImageService, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    app = start_app(tmp_path / "file" / "cache", IMAGE_URL=images.url)
    time.sleep(A_WHILE)
    assert (app.cache()["status"], images.fetches) == ("empty", 0)
    assert app.view().status == "valid"

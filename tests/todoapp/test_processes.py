"""Several processes on one volume behave as one."""

import asyncio
import hashlib
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.app_server import AppServer, Page, read_page, wait_for
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode
from todoapp.policy import PATIENCE

PROCESSES = 3
VIEWS = 100


async def _crowd(apps: list[AppServer], views: int) -> list[Page]:
    limits = httpx.Limits(max_connections=views, max_keepalive_connections=views)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        answers = await asyncio.gather(
            *(client.get(f"{apps[number % len(apps)].url}/") for number in range(views))
        )
    assert {answer.status_code for answer in answers} == {200}
    return [read_page(answer.text) for answer in answers]


def crowd(apps: list[AppServer], views: int = VIEWS) -> list[Page]:
    """The pages that so many visitors get at the same time, spread over all processes."""
    return asyncio.run(_crowd(apps, views))


@pytest.fixture(name="apps")
def _apps(start_app: StartApp, images: ImageService) -> list[AppServer]:
    """Processes without a picture: the fetch that the first one has begun at its start hangs."""
    images.mode = Mode.HANG
    return [start_app(IMAGE_URL=images.url, CACHE_TTL="4") for _ in range(PROCESSES)]


def wait_for_status(app: AppServer, status: str) -> None:
    wait_for(lambda: app.cache()["status"] == status, what=status)


def test_a_crowd_spends_one_grace_and_makes_one_fetch(apps: list[AppServer], images: ImageService) -> None:
    """First with an empty cache, then at expiry, where grace and renewal fall into one moment."""
    images.mode = Mode.OK
    first = crowd(apps)
    assert images.fetches == 1
    assert {page.status for page in first} == {"valid"}
    assert sorted(page.access_count for page in first) == list(range(1, VIEWS + 1))
    assert sorted(page.image_access_count for page in first) == list(range(1, VIEWS + 1))

    wait_for_status(apps[0], "expired")
    second = crowd(apps)
    assert Counter(page.status for page in second) == {"grace": 1, "valid": VIEWS - 1}
    assert images.fetches == 2
    assert sorted(page.access_count for page in second) == list(range(VIEWS + 1, 2 * VIEWS + 1))
    new = sorted(page.image_access_count for page in second if page.status == "valid")
    assert new == list(range(1, VIEWS))
    assert {page.downloaded_at for page in second if page.status == "valid"} == {
        page.downloaded_at for page in crowd(apps, 1)
    }

    states = [app.cache() for app in apps]
    assert all(state == states[0] for state in states)
    assert states[0]["access_count"] == 2 * VIEWS + 1


def test_all_wait_for_the_one_fetch_and_get_its_picture(apps: list[AppServer], images: ImageService) -> None:
    """Also those in processes that do not make it, and however long it takes within reason."""

    async def scene() -> list[Page]:
        pages = asyncio.create_task(_crowd(apps, VIEWS))
        await asyncio.to_thread(wait_for, lambda: images.fetches)
        await asyncio.sleep(0.5)
        images.mode = Mode.OK
        return await pages

    pages = asyncio.run(scene())
    assert images.fetches == 1
    assert {page.status for page in pages} == {"valid"}
    assert len({page.downloaded_at for page in pages}) == 1


def test_nobody_serves_a_replaced_picture(apps: list[AppServer], images: ImageService) -> None:
    """As soon as one process shows a page with a new picture, all serve that picture."""
    images.mode = Mode.OK
    for _ in range(2):
        pages = crowd(apps, 2)
        shown = [page for page in pages if page.status == "valid"]
        assert shown
        served = {app.image() for app in apps}
        assert len(served) == 1
        sha256 = hashlib.sha256(served.pop()).hexdigest()
        assert sha256 in images.pictures
        assert {app.cache()["image"]["sha256"] for app in apps} == {sha256}
        wait_for_status(apps[1], "expired")
    assert len(images.pictures) == 2


def test_processes_back_off_as_one(apps: list[AppServer], images: ImageService) -> None:
    """What one of them learnt about the image service, the others need not try."""
    images.mode = Mode.TOO_MANY
    pages = crowd(apps)
    assert images.fetches == 1
    assert {page.status for page in pages} == {"empty"}
    assert all("429" in app.cache()["last_error"] for app in apps)
    assert sorted(page.access_count for page in crowd(apps)) == list(range(VIEWS + 1, 2 * VIEWS + 1))
    assert images.fetches == 1


@pytest.mark.parametrize("status", ["empty", "stale"])
def test_nobody_waits_for_a_fetch_that_is_known_to_be_slow(
    apps: list[AppServer], images: ImageService, status: str
) -> None:
    """The one that another process makes; the picture is everyone's once it is there."""
    if status == "stale":
        images.mode = Mode.OK
        wait_for_status(apps[0], "expired")
        assert apps[0].view().status == "grace"
        images.mode = Mode.HANG
    page = apps[0].view()
    assert page.status == status
    views, waits = 6, []
    for _ in range(views):
        begun = time.monotonic()
        assert apps[1].view().status == status
        waits.append(time.monotonic() - begun)
    assert sorted(waits)[views // 2] < PATIENCE, "they waited"
    assert images.fetches == (2 if status == "stale" else 1)
    images.mode = Mode.OK
    wait_for(lambda: apps[2].cache()["status"] == "valid", what="the picture")
    count = page.access_count + views + 1
    page = apps[1].view()
    assert (page.status, page.access_count, page.image_access_count) == ("valid", count, 1)


def test_one_goes_on_where_another_was_killed_in_the_middle_of_a_fetch(
    apps: list[AppServer], images: ImageService
) -> None:
    """The lock goes with the process that held it; whoever waits then takes over."""

    async def scene() -> httpx.Response:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            doomed = asyncio.create_task(client.get(f"{apps[0].url}/"))
            await asyncio.to_thread(wait_for, lambda: images.fetches)
            waiting = asyncio.create_task(client.get(f"{apps[1].url}/"))
            await asyncio.to_thread(apps[0].kill)
            with pytest.raises(httpx.TransportError):
                await doomed
            images.mode = Mode.OK
            return await waiting

    page = read_page(asyncio.run(scene()).text)
    assert (page.status, page.access_count) == ("valid", 1)


def test_group_commit(start_app: StartApp, images: ImageService, tmp_path: Path) -> None:
    """Durable before it is answered, but with far fewer disk writes than page views."""
    app = start_app(IMAGE_URL=images.url)
    app.view()
    inodes = set()

    async def scene() -> None:
        pages = asyncio.create_task(_crowd([app], 300))
        while not pages.done():
            inodes.add((tmp_path / "cache" / "cache_metadata.json").stat().st_mtime_ns)
            await asyncio.sleep(0)
        await pages

    asyncio.run(scene())
    assert app.cache()["access_count"] == 301
    assert len(inodes) < 300

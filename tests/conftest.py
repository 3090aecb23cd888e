"""What tests of both packages start: a real image service and the real app."""

import itertools
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.app_server import AppServer, app_server
from tests.image_service import ImageService, image_service

StartApp = Callable[..., AppServer]

# A shell starts its background jobs deaf to Ctrl-C, and they hand that on to all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(name="images")
def _images() -> Iterator[ImageService]:
    """An image service of the test's own."""
    with image_service() as service:
        yield service


@pytest.fixture(name="start_app")
def _start_app(tmp_path: Path) -> Iterator[StartApp]:
    """Starts apps (`start_app(CACHE_TTL="2", …)`), by default all on `tmp_path / "cache"`."""
    numbers = itertools.count()
    with ExitStack() as running:

        def start(
            cache_dir: Path = tmp_path / "cache", *, prefix: Sequence[str] = (), **env: str
        ) -> AppServer:
            log = tmp_path / f"app-{next(numbers)}.log"
            return running.enter_context(app_server(cache_dir, log, prefix=prefix, **env))

        yield start


LIVE_FIXTURES = {"start_app", "images", "todoctl", "bench", "world"}
"""Who asks for one of these starts processes or servers, so the test is `live`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests as `live` or `browser` by the fixtures that they use."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & LIVE_FIXTURES:
            item.add_marker(pytest.mark.live)
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)

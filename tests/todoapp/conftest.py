"""A browser for the page's tests, one for each worker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import launched


@pytest.fixture(name="browser", scope="session")
def _browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser

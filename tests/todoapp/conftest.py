"""A browser for the page's tests.

Not one for the whole session: while it is there an event loop runs, beside which others cannot.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import launched


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser

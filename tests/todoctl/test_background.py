"""Work beside other work."""

import pytest

from todoctl.background import Background


def test_work_in_the_background_ends_with_its_error() -> None:
    assert Background(lambda: 7).result() == 7
    with pytest.raises(ZeroDivisionError):
        Background(lambda: 1 // 0).result()

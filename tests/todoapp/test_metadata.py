"""The metadata file: ours and the original's."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.todoapp.test_policy import STATES
from todoapp.policy import Picture, State
from todoapp.store import decode, encode


@given(STATES)
def test_what_is_written_is_read(state: State) -> None:
    found, sha256, wrong = decode(encode(state))
    assert sha256 == (state.picture.sha256 if state.picture else None)
    assert not wrong
    expected = {name: getattr(state, name) for name in State._fields if name != "picture"}
    assert all(getattr(found, name) == value for name, value in expected.items())


def test_the_originals_keys_have_their_meaning() -> None:
    state = State(
        picture=Picture(sha256="ab", content_type="image/png", size=3),
        downloaded_at=1.5,
        grace_used=True,
        access_count=4,
        image_access_count=2,
        last_access_at=2.5,
    )
    entries = json.loads(encode(state))
    original = {
        "download_timestamp": 1.5,
        "last_access_time": 2.5,
        "access_count": 4,
        "image_access_count": 2,
        "grace_period_used": True,
    }
    assert original.items() <= entries.items()
    found, sha256, wrong = decode(json.dumps(original | {"added_later": [1]}).encode())
    assert (found.downloaded_at, found.access_count) == (1.5, 4)
    assert (sha256, wrong) == (None, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("access_count", "1"),
        ("access_count", -1),
        ("access_count", True),
        ("access_count", 1.5),
        ("access_count", 2**63),
        ("download_timestamp", "2025-11-24"),
        ("download_timestamp", True),
        ("download_timestamp", -1.0),
        ("download_timestamp", float("nan")),
        ("download_timestamp", float("inf")),
        ("last_access_time", 10**400),
        ("grace_period_used", 1),
        ("failures", []),
        ("failed_at", {}),
        ("retry_after", "soon"),
        ("fetch_error", 404),
        ("sha256", 17),
    ],
)
def test_a_bad_value_falls_back_alone(key: str, value: object) -> None:
    good = {"image_access_count": 3, "retry_after": 5.0, "fetch_error": "no", "sha256": "ab"}
    found, sha256, wrong = decode(json.dumps(good | {key: value}).encode())
    assert wrong == [key]
    known: dict[str, Any] = {name: good[name] for name in State._fields if name in good and name != key}
    assert found == State(**known)
    assert sha256 == (None if key == "sha256" else "ab")


@given(st.binary())
def test_any_bytes_are_metadata_or_a_value_error(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert decode(content)[0].picture is None

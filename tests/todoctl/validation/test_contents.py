"""Files for the volume that no app has written."""

import json

import pytest

from todoctl.evidence.pages import METADATA, PICTURE_FILE, STATE_FILE, Observation, document
from todoctl.validation import contents

SAVED = {
    "download_timestamp": 1.5,
    "last_access_time": 2.5,
    "grace_period_used": True,
    "access_count": 7,
    "image_access_count": 3,
    "sha256": "our own",
}
FILES: contents.Files = {STATE_FILE: json.dumps(SAVED).encode(), PICTURE_FILE: b"picture"}

DAMAGED: list[bytes | None] = [None, b"", b"{", b"[1]", b"\xff", b'{"access_count": "seven"}']


def metadata(files: contents.Files) -> dict[str, object]:
    found: dict[str, object] = json.loads(files[STATE_FILE] or b"")
    return found


def test_the_original_knows_no_keys_of_ours() -> None:
    assert contents.original(FILES).keys() == {STATE_FILE}
    told = metadata(contents.original(FILES))
    assert {key: told.pop(key) for key in METADATA} == {key: SAVED[key] for key in METADATA}
    assert len(told) == 1, "and one that nobody knows"


@pytest.mark.parametrize(
    ("values", "told"),
    [(contents.OUT_OF_RANGE, set()), (contents.OF_OTHER_TYPES, {"views", "last_view"})],
)
def test_a_bad_value_is_not_as_documented(values: dict[str, object], told: set[str]) -> None:
    files = contents.bad_values(values)(FILES)
    read = document(files[STATE_FILE] or b"", METADATA)
    assert read.observed.known().keys() == told
    assert len(read.wrong) + len(told) == len(METADATA) == len(values)
    assert files[PICTURE_FILE] == b"picture"
    assert contents.bad_values(values)({})[PICTURE_FILE] == b""


def test_without_a_whole_picture_the_metadata_are_what_they_were() -> None:
    assert contents.no_picture(FILES) == contents.original(FILES) | {PICTURE_FILE: b"pic"}


def test_spoiled_files_are_no_object_and_no_picture() -> None:
    files = contents.spoiled(FILES)
    assert document(files[STATE_FILE] or b"", METADATA).observed == Observation()
    assert json.loads(files[STATE_FILE] or b"") == []
    assert files[PICTURE_FILE] == b"pic"


def test_a_broken_copy_has_the_first_half() -> None:
    files = contents.cut_short(FILES)
    assert files[PICTURE_FILE] == b"pic"
    assert document(files[STATE_FILE] or b"", METADATA).observed == Observation()
    assert contents.cut_short({}) == {STATE_FILE: b"", PICTURE_FILE: b""}


def test_what_is_lost_is_to_go() -> None:
    assert contents.lost() == {STATE_FILE: None, PICTURE_FILE: None}


@pytest.mark.parametrize("content", DAMAGED)
def test_an_app_may_have_written_anything(content: bytes | None) -> None:
    files: contents.Files = {} if content is None else {STATE_FILE: content}
    assert isinstance(metadata(contents.original(files)), dict)

"""What a power cut may leave: slots that are torn, and files that are older than what was answered."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image_service import png
from todoapp import journal
from todoapp.journal import JOURNAL, MOST, SLOT
from todoapp.picture import identify
from todoapp.policy import State, counted, failed, fetched
from todoapp.store import METADATA, PICTURE, Store

SAVES = 5


@pytest.fixture(name="directory")
def _directory(tmp_path: Path) -> Iterator[int]:
    directory = os.open(tmp_path, os.O_RDONLY)
    yield directory
    os.close(directory)


def test_the_newest_record_is_found(directory: int, tmp_path: Path) -> None:
    assert journal.newest(directory) is None
    for number in range(7):
        journal.append(directory, b"record %d\n" % number)
        assert journal.newest(directory) == b"record %d\n" % number
        assert (tmp_path / JOURNAL).stat().st_size == 2 * SLOT
    for content in (b"y" * MOST, b"z" * MOST):
        journal.append(directory, content)
        assert journal.newest(directory) == content
        assert (tmp_path / JOURNAL).stat().st_size == 2 * SLOT
    journal.forget(directory)
    assert journal.newest(directory) is None
    journal.forget(directory)


def test_wherever_a_write_is_torn_the_record_before_it_is_whole(directory: int, tmp_path: Path) -> None:
    file = tmp_path / JOURNAL
    for number in range(2, 4):  # one for each slot
        journal.append(directory, b"before")
        journal.append(directory, b"last")
        whole = file.read_bytes()
        journal.append(directory, b"torn %d" % number)
        torn = file.read_bytes()
        changed = [at for at in range(len(whole)) if whole[at] != torn[at]]
        for at in range(changed[0], changed[-1] + 1):
            file.write_bytes(torn[:at] + whole[at:])
            assert journal.newest(directory) == b"last", at
        journal.append(directory, b"odd")


@pytest.mark.parametrize(
    "content", [b"", b"x", bytes(2 * SLOT), b"\xff \n" * SLOT, b"a 1 1\nx".ljust(2 * SLOT)]
)
def test_what_is_no_journal_is_replaced(directory: int, tmp_path: Path, content: bytes) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    assert journal.newest(directory) is None
    journal.append(directory, b"good")
    assert journal.newest(directory) == b"good"


def test_a_directory_of_that_name_is_no_journal(directory: int, tmp_path: Path) -> None:
    (tmp_path / JOURNAL).mkdir()
    assert journal.newest(directory) is None
    journal.forget(directory)
    with pytest.raises(OSError, match="directory"):
        journal.append(directory, b"good")


@dataclass
class Disk:
    """What the files held after each save: what a disk may hold of them, for all one knows."""

    state: State
    metadata: list[bytes]
    journal: list[bytes]
    picture: bytes


@pytest.fixture(name="disk", params=range(2))
def _disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    """A volume with a new picture, and `SAVES` page views after it; with pictures before it or without."""
    store, volume = Store(tmp_path / "cache"), tmp_path / "cache"
    state, content = State(), png(0)
    for number in range(request.param + 1):
        content = png(number)
        picture = identify(content)
        assert picture
        state = counted(fetched(state, picture, number + 1.0), number + 1.0)
        with store.locked():
            store.load()
            store.replace(state, content)
    saved = Disk(state, [(volume / METADATA).read_bytes()], [], content)
    for number in range(SAVES):
        saved.state = counted(saved.state, 10.0 + number)
        with store.locked():
            store.load()
            store.save(saved.state)
        saved.metadata.append((volume / METADATA).read_bytes())
        saved.journal.append((volume / JOURNAL).read_bytes())
    return saved


def load(directory: Path, metadata: bytes | None, journaled: bytes, picture: bytes) -> Store:
    directory.mkdir()
    (directory / PICTURE).write_bytes(picture)
    (directory / JOURNAL).write_bytes(journaled)
    if metadata is not None:
        (directory / METADATA).write_bytes(metadata)
    store = Store(directory)
    with store.locked():
        store.load()
    return store


def test_after_a_power_cut_every_answered_view_is_there(disk: Disk, tmp_path: Path) -> None:
    """The metadata of any save since the last sync, or no byte of it; the journal, perhaps torn."""
    whole = disk.journal[-2]
    changed = [at for at in range(len(whole)) if whole[at] != disk.journal[-1][at]]
    torn = disk.journal[-1][: changed[len(changed) // 2]] + whole[changed[len(changed) // 2] :]
    answered = disk.state.access_count - 1
    for number, metadata in enumerate([*disk.metadata, b""]):
        for name, journaled, least in (
            ("whole", disk.journal[-1], disk.state.access_count),
            ("torn", torn, answered),
        ):
            found = load(tmp_path / f"{name}-{number}", metadata, journaled, disk.picture).found
            assert found.state.access_count >= least
            assert found.content == disk.picture
            assert found.state.picture == disk.state.picture
            assert found.state.downloaded_at == disk.state.downloaded_at


def test_without_metadata_the_journal_belongs_to_files_that_are_no_more(disk: Disk, tmp_path: Path) -> None:
    """Whoever removes the two documented files begins anew."""
    store = load(tmp_path / "new", None, disk.journal[-1], disk.picture)
    assert store.found.state.access_count == 0
    assert not (tmp_path / "new" / JOURNAL).exists()


def test_other_files_that_were_put_there_are_believed(disk: Disk, tmp_path: Path) -> None:
    """A backup, say: the journal tells of another picture."""
    content = png(77)
    picture = identify(content)
    assert picture
    other = Store(tmp_path / "other")
    with other.locked():
        other.load()
        other.replace(counted(fetched(State(), picture, 5.0), 5.0), content)
    metadata = (tmp_path / "other" / METADATA).read_bytes()
    found = load(tmp_path / "restored", metadata, disk.journal[-1], content).found
    assert (found.state.access_count, found.content, found.damage) == (1, content, None)
    bad = metadata.replace(b'"last_access_time": 5.0', b'"last_access_time": "soon"')
    found = load(tmp_path / "badly", bad, disk.journal[-1], content).found
    assert (found.state.access_count, found.content) == (1, content)


def test_a_bad_value_does_not_bring_older_ones_back(disk: Disk, tmp_path: Path) -> None:
    bad = disk.metadata[-1].replace(b'"failures": 0', b'"failures": "many"')
    assert bad != disk.metadata[-1]
    found = load(tmp_path / "bad", bad, disk.journal[-2], disk.picture).found
    assert found.state.access_count == disk.state.access_count


def test_it_is_synced_where_there_is_no_fdatasync(directory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "fdatasync", raising=False)
    journal.append(directory, b"one")
    assert journal.newest(directory) == b"one"


def test_what_is_answered_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first save with its directory: no journal helps where names are lost. The others by the journal."""
    calls: list[str] = []

    def watched(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **kwargs: object) -> object:
            calls.append(name)
            return call(*args, **kwargs)

        return wrapper

    for name in ("rename", "fsync", "pwrite", "fdatasync"):
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    store, state, synced = Store(tmp_path / "cache"), State(), []
    for moment in range(3):
        calls.clear()
        state = counted(state, float(moment))
        with store.locked():
            store.load()
            store.save(state)
        synced.append(list(calls))
    assert synced[0] == ["fsync", "rename", "fsync"]
    assert synced[1] == ["rename", "pwrite", "fsync", "fsync", "pwrite", "fdatasync"]
    assert synced[2] == ["rename", "pwrite", "fdatasync"]
    for size, names in ((100, ["rename", "pwrite", "fdatasync"]), (SLOT, ["fsync", "rename", "fsync"])):
        calls.clear()
        with store.locked():
            store.load()
            store.save(failed(state, "e" * size, 5.0))
        assert calls == names, size
    another = Store(tmp_path / "cache")
    with another.locked():
        another.load()
        calls.clear()
        another.save(counted(state, 9.0))
    assert calls == ["fsync", "rename", "fsync"], "it does not know what is synced"

"""The record of a validation on this machine."""

from pathlib import Path

from todoctl.targets.marker import FileRecord


def test_it_lasts_from_begin_to_end(tmp_path: Path) -> None:
    record = FileRecord(tmp_path / "local")
    assert not record.exists()
    record.begin()
    assert FileRecord(tmp_path / "local").exists(), "also for who comes after a kill"
    record.end()
    record.end()
    assert not record.exists()

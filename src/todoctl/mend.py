"""What a validation has set aside, and how it comes back; after a kill by whatever command comes next."""

from pathlib import Path

from todoctl.home import make_directory
from todoctl.target import Progress, Target


def begin(target: Target) -> None:
    """Notes that a validation is under way, for `mend` to find."""
    make_directory(target.directory)
    _record(target).touch()


def mend(target: Target, progress: Progress) -> bool:
    """Puts back what a validation set aside, finished or not; False where there is nothing to mend.

    Can itself be interrupted at any point and run again: the record goes last.
    """
    if not is_under_way(target):
        return False
    deployed = target.settings()
    with progress.step("Put the deployed app, its picture and its counts back"):
        target.stop(at_once=target.volume.is_set_aside())  # what it has on a volume of our own is not kept
        target.remove_image_service()
        target.volume.put_back()
        if deployed:
            target.start(deployed)
        _record(target).unlink()
    return True


def is_under_way(target: Target) -> bool:
    """Whether a validation is playing on the target, or was killed while it did."""
    return _record(target).exists()


def _record(target: Target) -> Path:
    return target.directory / "validating"

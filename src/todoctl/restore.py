"""Restores what a validation has set aside."""

from todoctl.targets.base import Progress, Target


def restore(target: Target, progress: Progress) -> bool:
    """Puts the deployed app back after a validation; returns False if there was none.

    May be interrupted at any point and run again: the marker goes last.
    """
    if not target.marker.exists():
        return False
    deployed = target.deployed()
    with progress.step("Put the deployed app, its picture and its counts back"):
        _put_back(target)
        if deployed:
            target.start(deployed.settings)
        target.marker.end()
    return True


def put_cache_back(target: Target, progress: Progress) -> bool:
    """Puts the cache back after a killed validation, leaves the app stopped; returns False if none."""
    if not target.marker.exists():
        return False
    with progress.step("Put back the picture and the counts that a killed validation has set aside"):
        _put_back(target)
        target.marker.end()
    return True


def _put_back(target: Target) -> None:
    target.stop(at_once=target.volume.is_set_aside())  # nothing of the validation's own cache is kept
    target.volume.put_back()

"""What a validation has set aside comes back: after a kill, with the next command."""

from todoctl.targets.base import Progress, Target


def restore(target: Target, progress: Progress) -> bool:
    """Puts back what a validation set aside, finished or not; False where there is nothing to restore.

    Can itself be interrupted at any point and run again: the record goes last.
    """
    if not target.record.exists():
        return False
    deployed = target.settings()
    with progress.step("Put the deployed app, its picture and its counts back"):
        target.stop(at_once=target.volume.is_set_aside())  # what it has on a volume of our own is not kept
        target.remove_image_service()
        target.volume.put_back()
        if deployed:
            target.start(deployed)
        target.record.end()
    return True

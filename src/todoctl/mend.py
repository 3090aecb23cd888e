"""What a validation has set aside, and how it comes back; after a kill by whatever command comes next."""

from todoctl.target import Progress, Target


def mend(target: Target, progress: Progress) -> bool:
    """Puts back what a validation set aside, finished or not; False where there is nothing to mend.

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

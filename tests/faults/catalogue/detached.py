"""The volume's loss, and its return."""

from tests.faults.fault import Fault

LOST = '            self._note(f"volume {self._store.directory}: {reason}; counting in memory meanwhile")\n'
"""In `todoapp.cache`: the volume cannot be used."""

ADDED = "count = theirs.access_count + ours.access_count - base.access_count"
SHOWN = "views = theirs.image_access_count + ours.image_access_count - base.image_access_count"
NEWER = "newer = ours if (ours.downloaded_at or 0.0) > (theirs.downloaded_at or 0.0) else theirs"
"""In `todoapp.policy`: what was counted in memory and on the volume is added up."""


def _merged(name: str, old: str, new: str, claim: str = "attach") -> Fault:
    return Fault(name, "policy", old, new, claim, "detached")


def _lost(name: str, old: str, new: str, claim: str) -> Fault:
    return Fault(name, "cache", old, new, claim, "detached")


FAULTS = (
    _lost("an error for who comes meanwhile", LOST, LOST + "            raise\n", "detach"),
    _lost("the volume's loss not told", LOST, "            del reason\n", "last-error"),
    _lost(
        "the volume's loss told in two lines",
        "reason}; counting",
        "reason}\\ncounting",
        "last-error",
    ),
    _lost(
        "the volume's loss told for ever",
        "if problem != self._volume_error:\n",
        "problem = problem or self._volume_error\n        if problem != self._volume_error:\n",
        "last-error",
    ),
    _lost(
        "a traceback in the log",
        'log.warning("%s", problem)',
        'log.warning("%s", problem, exc_info=True)',
        "traceback",
    ),
    _lost(
        "nothing counted in memory",
        "            views = self._apply(turn) if views is None else views\n",
        "            held = self._held\n"
        "            views = self._apply(turn) if views is None else views\n"
        "            self._held = held\n",
        "counted",
    ),
    Fault(
        "no download while the volume cannot be used",
        "store",
        "            yield True\n            return\n",
        "            yield False\n            return\n",
        "renew",
        "detached",
    ),
    _merged("what was counted in memory is lost", ADDED, "count = theirs.access_count", "counted"),
    _merged("what was counted on the volume is lost", ADDED, "count = ours.access_count", "counted"),
    _merged("only the picture's own count in memory stays", SHOWN, "views = ours.image_access_count"),
    _merged("only the picture's own count on the volume stays", SHOWN, "views = theirs.image_access_count"),
    _merged("the older picture stays", NEWER, NEWER.replace(">", "<")),
    _merged("the picture on the volume stays", NEWER, "newer = theirs"),
    _merged("the picture in memory stays", NEWER, "newer = ours"),
    _merged(
        "a grace view in memory is given again",
        "grace_used=ours.grace_used or theirs.grace_used",
        "grace_used=theirs.grace_used",
    ),
    _merged(
        "the earlier of two last accesses stays",
        "last_access_at=max(moments, default=None)",
        "last_access_at=min(moments, default=None)",
        "last-access",
    ),
    Fault(
        "thousands marked by a comma",
        "page",
        "return form % (state.access_count, state.image_access_count)",
        'return form.replace(b"%d", b"%s")'
        ' % (f"{state.access_count:,}".encode(), f"{state.image_access_count:,}".encode())',
        "labels",
        "detached",
    ),
)

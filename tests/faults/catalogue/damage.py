"""Files that are not as documented."""

from tests.faults.fault import Fault

TIME = "return 0 <= value < 2**53  # not NaN either"
COUNT = "isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63"
"""In `todoapp.metadata`: which values are taken."""


def _taken(name: str, old: str, new: str) -> Fault:
    return Fault(name, "metadata", old, new, "damage", "files")


FAULTS = (
    _taken("counts below 0 taken", COUNT, COUNT.replace("0 <= value", "-9 <= value")),
    _taken("counts from 2⁶³ on taken", COUNT, COUNT.replace("2**63", "2**65")),
    _taken("times before 1970 taken", TIME, "return -9 <= value < 2**53"),
    _taken("times from 2⁵³ on taken", TIME, "return 0 <= value < 2**54"),
    _taken(
        "a number taken for a flag",
        "return isinstance(value, bool)\n",
        "return isinstance(value, bool | int)\n",
    ),
    Fault(
        "a bad value costs the picture",
        "store",
        "picture = self._load_picture(metadata.sha256)",
        "picture = None if damage else self._load_picture(metadata.sha256)",
        "damage",
        "files",
    ),
    Fault(
        "a picture without a time is as old as can be",
        "store",
        "downloaded_at = os.stat(PICTURE, dir_fd=self._open).st_mtime",
        "downloaded_at = 0.0",
        "damage",
        "files",
    ),
    Fault(
        "damage not told",
        "store",
        'damage="; ".join(damage) or None',
        "damage=None",
        "last-error",
        "files",
    ),
    Fault(
        "damage told for ever",
        "cache",
        "self._note(self._store.found.damage)",
        "self._note(self._volume_error or self._store.found.damage)",
        "last-error",
        "files",
    ),
    Fault(
        "what a power cut tears is not mended",
        "store",
        "return journaled if more and same else metadata",
        "return metadata",
        "cut-valid",
        "files",
    ),
    Fault(
        "the journal is for whole metadata alone",
        "store",
        "(damaged and metadata.sha256 is None)",
        "(damaged and metadata.sha256 is not None)",
        "cut-valid",
        "files",
    ),
    Fault(
        "lost files make a running app forget",
        "cache",
        "theirs = policy.kept(known.state, found.state)",
        "theirs = policy.kept(known.state, found.state) if found.damage else found.state",
        "lose-valid",
        "files",
    ),
    Fault(
        "a picture that vanishes alone is not missed",
        "store",
        "or content != self._seen or signature != self._signature",
        "or content != self._seen",
        "lose-valid",
        "files",
    ),
    Fault(
        "damaged files make a running app forget",
        "cache",
        "theirs = policy.kept(known.state, found.state)",
        "theirs = found.state if found.damage else policy.kept(known.state, found.state)",
        "spoil-valid",
        "files",
    ),
)

"""Files that are as documented in part."""

from tests.faults.fault import Fault

NUMBER = "if isinstance(value, bool) or not isinstance(value, int | float):"
SHA256 = '    sha256 = entries.get("sha256")\n'
"""In `todoapp.metadata`."""

FAULTS = (
    Fault(
        "keys that nobody knows are no good",
        "metadata",
        SHA256,
        SHA256 + '    if "of_a_later_version" in entries:\n        raise ValueError("what is this?")\n',
        "takeover-valid",
        "files",
    ),
    Fault(
        "JSON that is no object ends the app",
        "metadata",
        "    if not isinstance(entries, dict):\n",
        "    if entries is None:\n",
        "spoil-valid",
        "files",
    ),
    Fault(
        "a file of no length is taken for none",
        "store",
        "            if content is None:\n                journal.forget",
        "            if not content:\n                journal.forget",
        "cut-valid",
        "files",
    ),
    Fault(
        "a time in whole seconds is none",
        "metadata",
        NUMBER,
        "if not isinstance(value, float):",
        "damage",
        "files",
    ),
    Fault(
        "a flag taken for a number",
        "metadata",
        "isinstance(value, int) and not isinstance(value, bool) and",
        "isinstance(value, int) and",
        "damage",
        "files",
    ),
    Fault(
        "a bad value costs the good ones",
        "metadata",
        SHA256,
        SHA256 + "    if any(entries[key] is not None and name not in found"
        " for key, name in (_COUNTS | _TIMES).items() if key in entries):\n        found = {}\n",
        "damage",
        "files",
    ),
    Fault(
        "without the picture the counts are lost",
        "store",
        "return state._replace(downloaded_at=None, grace_used=False, image_access_count=0)",
        "return State()",
        "damage",
        "files",
    ),
    Fault(
        "the journal's older record is taken",
        "journal",
        "return max(filter(None, records)",
        "return min(filter(None, records)",
        "cut-valid",
        "files",
    ),
)

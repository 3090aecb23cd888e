"""`/api/cache`, and the files on the volume."""

from tests.faults.fault import Fault

LINES = {
    "expires_at": '        "expires_at": policy.expires_at(state, cache.ttl),\n',
    "last_error": '        "last_error": cache.last_error,\n',
}
"""In `todoapp.web`: the keys of `/api/cache` that are left out, one at a time."""


def _told(name: str, old: str, new: str, claim: str, scenario: str = "page") -> Fault:
    return Fault(name, "web", old, new, claim, scenario)


FAULTS = (
    *(_told(f"/api/cache without {key}", line, "", "state-keys") for key, line in LINES.items()),
    _told(
        "grace_used is a number",
        '"grace_used": state.grace_used',
        '"grace_used": int(state.grace_used)',
        "state-keys",
    ),
    _told(
        "expires_at in milliseconds",
        "policy.expires_at(state, cache.ttl)",
        "(policy.expires_at(state, cache.ttl) or 0.0) * 1000",
        "times",
    ),
    _told(
        "last_access_at is the look itself",
        '"last_access_at": state.last_access_at',
        '"last_access_at": seen.at',
        "last-access",
    ),
    _told("wrong size", '"size": picture.size', '"size": picture.size + 1', "image-facts"),
    _told(
        "wrong content_type",
        '"content_type": picture.content_type',
        '"content_type": "image/jpeg"',
        "image-facts",
    ),
    Fault(
        "another word for expired", "policy", 'EXPIRED = "expired"', 'EXPIRED = "old"', "state-keys", "grace"
    ),
    # The volume
    Fault(
        "JSON without the site's count",
        "metadata",
        '"access_count": "access_count"',
        '"views": "access_count"',
        "volume-state",
        "mount",
    ),
    Fault(
        "JSON's grace always unspent",
        "metadata",
        "    picture = state.picture\n",
        '    entries["grace_period_used"] = False\n    picture = state.picture\n',
        "volume-state",
        "grace",
    ),
    Fault(
        "JSON's picture count is the site's",
        "metadata",
        "    picture = state.picture\n",
        '    entries["image_access_count"] = state.access_count\n    picture = state.picture\n',
        "volume-state",
        "renew",
    ),
    Fault(
        "picture file stays the first one",
        "store",
        "        self._rename(NEXT_PICTURE, PICTURE)\n        self._seen, self._signature",
        "        if not self._exists(PICTURE):\n"
        "            self._rename(NEXT_PICTURE, PICTURE)\n        self._seen, self._signature",
        "volume-picture",
        "renew",
    ),
)

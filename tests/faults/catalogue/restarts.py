"""What a start makes of what it finds."""

from tests.faults.fault import Fault

COMPLETE = "return state._replace(picture=identify(content), downloaded_at=downloaded_at)"
"""In `todoapp.store`: the state as it was found."""

FOUND = "        state = (await self.look()).state\n"
"""In `todoapp.cache`: a start has looked at the volume."""


def _found(name: str, more: str, claim: str, scenario: str) -> Fault:
    return Fault(name, "store", COMPLETE, COMPLETE[:-1] + f", {more})", claim, scenario)


def _fetching(name: str, condition: str, claim: str, scenario: str) -> Fault:
    task = f"        if state.picture and {condition}:\n            asyncio.create_task(self._fetch())\n"
    return Fault(name, "cache", FOUND, FOUND + task, claim, scenario)


FAULTS = (
    _fetching("every start fetches", "True", "restart-valid", "restart"),
    _fetching(
        "a start fetches when the picture has expired",
        "policy.status(state, self.clock(), self.ttl) is policy.Status.EXPIRED",
        "restart-grace",
        "restart",
    ),
    Fault(
        "a stop that raises",
        "cache",
        "        if self._refreshing is not None:\n            self._refreshing.cancel()",
        "        if self._refreshing is None:\n            self._refreshing.cancel()",
        "traceback",
        "restart",
    ),
    Fault(
        "a start drops a picture that has expired",
        "cache",
        FOUND,
        FOUND + "        if policy.status(state, self.clock(), self.ttl) is policy.Status.EXPIRED:\n"
        "            self._held = Found(state=state._replace(picture=None))\n",
        "kill-grace",
        "crash",
    ),
    _found("a start gives the grace view again", "grace_used=False", "restart-renew", "restart"),
    _found(
        "a start takes the grace view away",
        "grace_used=state.access_count > 0",
        "restart-grace",
        "restart",
    ),
    Fault(
        "a start begins the picture's life anew",
        "store",
        COMPLETE,
        "return state._replace(picture=identify(content), downloaded_at=time.time())",
        "restart-valid",
        "restart",
    ),
    _found("a start forgets the last access", "last_access_at=None", "last-access", "restart"),
    _found(
        "a start counts itself",
        "access_count=state.access_count + 1",
        "restart-valid",
        "restart",
    ),
    Fault(
        "times saved to the second",
        "metadata",
        "entries = {key: getattr(state, name) for key, name in _KEYS.items()}",
        "entries = {key: getattr(state, name) for key, name in _KEYS.items()}\n"
        "    entries |= {key: int(entries[key] or 0) for key in _TIMES}",
        "kill-valid",
        "crash",
    ),
)

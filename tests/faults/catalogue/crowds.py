"""Many visitors at once."""

from tests.faults.fault import Fault

FAULTS = (
    Fault(
        "a download for each who waits",
        "cache",
        "        self._waiting.append(visit)\n        self._begin_refresh()\n",
        "        self._waiting.append(visit)\n"
        "        if self._refreshing is not None:\n"
        "            asyncio.create_task(self._source(None))\n"
        "        self._begin_refresh()\n",
        "crowd-renew",
        "crowd",
    ),
    Fault(
        "a grace view for each of a turn",
        "cache",
        "after = policy.view(state, now, self.ttl)",
        "spent = self._held.state.grace_used\n"
        "            after = policy.view("
        "state if policy.status(state, now, self.ttl) == 'valid' else state._replace(grace_used=spent),"
        " now, self.ttl)",
        "crowd-grace",
        "crowd",
    ),
    Fault(
        "the third of a turn not counted",
        "cache",
        "state = state if after is None else after",
        "state = state if after is None or len(views) == 3 else after",
        "counted",
        "crowd",
    ),
    Fault(
        "those who waited are told the count of the last of them",
        "cache",
        "        self._held = Found(state=state, content=content)\n        return views",
        "        self._held = Found(state=state, content=content)\n"
        "        return [view and view._replace(state=state) for view in views]",
        "counted",
        "crowd",
    ),
    Fault(
        "one of too many gets an error",
        "cache",
        "        self._arrived.append(visit)\n",
        "        if len(self._arrived) == 4:\n"
        "            raise OverflowError\n"
        "        self._arrived.append(visit)\n",
        "crowd-valid",
        "crowd",
    ),
    Fault(
        "one of those who wait is forgotten",
        "cache",
        "visits, self._waiting = self._waiting, []",
        "visits, self._waiting = self._waiting[:12], []",
        "crowd-renew",
        "crowd",
    ),
    Fault(
        "who comes during a download gets the old picture",
        "policy",
        "if patience is Patience.FRESH and refreshing and state.fetch_error:",
        "if patience is Patience.FRESH and refreshing:",
        "crowd-renew",
        "crowd",
    ),
)

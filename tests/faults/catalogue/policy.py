"""The policy's table, row by row, as one visitor after the other sees it."""

from tests.faults.fault import Fault

FAULTS = (
    # Valid
    Fault(
        "valid for a third less",
        "policy",
        "    if now < expiry:",
        "    if now < expiry - 0.35 * ttl:",
        "valid",
        "valid",
    ),
    Fault(
        "valid for a third more",
        "policy",
        "    if now < expiry:",
        "    if now < expiry + 0.35 * ttl:",
        "grace",
        "grace",
    ),
    Fault(
        "every view prolongs the life",
        "policy",
        "last_access_at=now,\n",
        "last_access_at=now, downloaded_at=state.picture and now,\n",
        "valid",
        "valid",
    ),
    Fault(
        "a view while valid spends the grace",
        "policy",
        "case Status.VALID:\n            return counted(state, now)",
        "case Status.VALID:\n            return counted(state._replace(grace_used=True), now)",
        "valid",
        "valid",
    ),
    Fault(
        "download while valid",
        "cache",
        "elif not visit.seen.done():  # it may have been cancelled\n",
        "elif not visit.seen.done():\n"
        "                late = view.at > view.state.downloaded_at + 0.6 * self.ttl\n"
        "                if late and self._refreshing is None:\n"
        "                    self._refreshing = asyncio.create_task(self._fetch())\n",
        "fetches",
        "valid",
    ),
    Fault(
        "renewal by a timer",
        "cache",
        "state = (await self.look()).state",
        "state = (await self.look()).state\n"
        "        asyncio.get_running_loop().call_later("
        "1.1 * self.ttl, lambda: asyncio.ensure_future(self._fetch()))",
        "fetches",
        "grace",
    ),
    # Grace
    Fault(
        "no grace view",
        "policy",
        "return counted(state._replace(grace_used=True), now)",
        "return None",
        "grace",
        "grace",
    ),
    Fault(
        "two grace views",
        "policy",
        "return counted(state._replace(grace_used=True), now)",
        "again = (state.last_access_at or 0.0) >= (expires_at(state, ttl) or 0.0)\n"
        "            return counted(state._replace(grace_used=again), now)",
        "grace",
        "grace",
    ),
    Fault(
        "no grace view for a picture that nobody saw while it was valid",
        "policy",
        "    if not state.grace_used:",
        "    if not state.grace_used and state.image_access_count:",
        "grace",
        "crash",
    ),
    Fault(
        "grace view begins the picture's count anew",
        "policy",
        "return counted(state._replace(grace_used=True), now)",
        "return counted(state._replace(grace_used=True, image_access_count=0), now)",
        "counted",
        "grace",
    ),
    Fault(
        "grace view not counted",
        "policy",
        "return counted(state._replace(grace_used=True), now)",
        "return state._replace(grace_used=True, last_access_at=now)",
        "counted",
        "grace",
    ),
    Fault(
        "grace view shows the status before it",
        "page",
        "status(state, now, ttl)\n",
        "status(state._replace(grace_used=False), now, ttl)\n",
        "grace",
        "grace",
    ),
    Fault(
        "grace view asks for the next picture",
        "cache",
        "elif not visit.seen.done():  # it may have been cancelled\n",
        "elif not visit.seen.done():\n"
        "                if view.state.grace_used and self._refreshing is None:\n"
        "                    self._refreshing = asyncio.create_task(self._fetch())\n",
        "fetches",
        "grace",
    ),
    # Renew
    Fault(
        "endless grace",
        "policy",
        "return counted(state._replace(grace_used=True), now)",
        "return counted(state, now)",
        "renew",
        "renew",
    ),
    Fault(
        "renewal in the background, shown one view late",
        "cache",
        "call_later(policy.PATIENCE,",
        "call_later(0.0,",
        "renew",
        "renew",
    ),
    Fault(
        "two downloads for a renewal",
        "cache",
        "content = await self._source(state.picture.sha256 if state.picture else None)",
        "content = await self._source(None)\n"
        "            if state.picture:\n"
        "                content = await self._source(None)",
        "fetches",
        "renew",
    ),
    Fault(
        "renewal keeps the old bytes",
        "cache",
        "            content = turn.content\n",
        "            content = content or turn.content\n",
        "renew",
        "renew",
    ),
    Fault(
        "renewed picture as old as half the old one",
        "policy",
        "        downloaded_at=now,\n",
        "        downloaded_at=(state.downloaded_at or now) + 0.5 * (now - (state.downloaded_at or now)),\n",
        "times",
        "renew",
    ),
)

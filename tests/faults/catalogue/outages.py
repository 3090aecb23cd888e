"""What happens while the image service fails."""

from tests.faults.fault import Fault

FAILED = "        fetch_error=error,\n        failures="
"""In `todoapp.policy`: a fetch has failed."""


def _failed(name: str, new: str, claim: str) -> Fault:
    return Fault(name, "policy", FAILED, f"        {new},\n        failures=", claim, "outage")


FAULTS = (
    Fault(
        "half a picture taken",
        "picture",
        'found = "image/png" if content.endswith(b"\\0\\0\\0\\0IEND\\xaeB`\\x82") else None',
        'found = "image/png"',
        "outage-half",
        "outage",
    ),
    Fault(
        "login page taken for a picture",
        "picture",
        "    found = None\n",
        '    found = "image/jpeg"\n',
        "outage-login",
        "outage",
    ),
    Fault(
        "sound taken for a picture",
        "picture",
        'content[:4] == b"RIFF" and content[8:12] == b"WEBP"',
        'content[:4] == b"RIFF"',
        "outage-sound",
        "outage",
    ),
    Fault(
        "a picture of any size taken",
        "picture",
        "\nMAX_BYTES = 10 * 1024 * 1024",
        "\nMAX_BYTES = 64 * 1024 * 1024",
        "outage-huge",
        "outage",
    ),
    Fault(
        "a picture with status 500 taken",
        "fetch",
        "if answer.status_code != 200:",
        "if answer.status_code == 404:",
        "outage-error",
        "outage",
    ),
    Fault(
        "placeholder instead of the old picture",
        "page",
        "if state.picture and ",
        "if state.picture and shown is not Status.STALE and ",
        "outage-error",
        "outage",
    ),
    Fault(
        "no placeholder where there is no picture",
        "page",
        '"/static/placeholder.svg"',
        '"/image"',
        "kept",
        "outage",
    ),
    Fault(
        "no Retry-After while there is no picture",
        "web",
        '[(b"retry-after", RETRY_AFTER.encode()), ',
        "[",
        "picture",
        "outage",
    ),
    Fault(
        "page error while the image service fails",
        "cache",
        "        elif turn.failure:\n",
        "        elif turn.failure and turn.visits:\n            raise turn.failure\n"
        "        elif turn.failure:\n",
        "outage-error",
        "outage",
    ),
    Fault(
        "first wait too short",
        "policy",
        "\nMIN_BACKOFF = 0.25",
        "\nMIN_BACKOFF = 0.05",
        "waits",
        "outage",
    ),
    Fault(
        "waits do not grow",
        "policy",
        "backoff = min(MIN_BACKOFF * 2.0 ** min(state.failures, 10), MAX_BACKOFF)",
        "backoff = MIN_BACKOFF",
        "waits",
        "outage",
    ),
    Fault(
        "first wait as long as the longest",
        "policy",
        "backoff = min(MIN_BACKOFF * 2.0 ** min(state.failures, 10), MAX_BACKOFF)",
        "backoff = MAX_BACKOFF",
        "outage-taken",
        "outage",
    ),
    Fault(
        "wait that was asked for not kept",
        "policy",
        "retry_after=max(backoff, min(retry_after, MAX_RETRY_AFTER)),",
        "retry_after=backoff,",
        "waits",
        "outage",
    ),
    Fault(
        "wait that was asked for taken for minutes",
        "fetch",
        "return float(retry_after[:9])",
        "return float(retry_after[:9]) * 60",
        "waits",
        "outage",
    ),
    Fault(
        "word instead of a wait taken for a second",
        "fetch",
        "        return 0.0\n",
        "        return 1.0\n",
        "outage-taken",
        "outage",
    ),
    Fault(
        "date without a zone not understood",
        "fetch",
        "        moment = moment.replace(tzinfo=UTC)\n",
        "        pass\n",
        "waits",
        "outage",
    ),
    Fault(
        "waits grow over successes",
        "policy",
        "        downloaded_at=now,\n",
        "        downloaded_at=now, failures=state.failures,\n",
        "outage-taken",
        "outage",
    ),
    Fault(
        "visitors wait up to 10 s",
        "policy",
        "\nPATIENCE = 3.0",
        "\nPATIENCE = 10.0",
        "outage-slow",
        "outage",
    ),
    Fault(
        "visitors wait for 2 s only",
        "policy",
        "\nPATIENCE = 3.0",
        "\nPATIENCE = 2.0",
        "outage-slow",
        "outage",
    ),
    Fault(
        "late picture thrown away",
        "cache",
        "Turn(visits=self._called(), content=content)",
        "Turn(visits=self._called(), "
        'content=None if "still waiting" in str(self._held.state.fetch_error) else content)',
        "late",
        "outage",
    ),
    Fault(
        "failure not in last_error",
        "cache",
        "filter(None, (self._volume_error, image_service))",
        "filter(None, (self._volume_error,))",
        "last-error",
        "outage",
    ),
    Fault(
        "failure told for ever",
        "policy",
        "        downloaded_at=now,\n",
        "        downloaded_at=now, fetch_error=state.fetch_error,\n",
        "last-error",
        "outage",
    ),
    Fault(
        "delay not told",
        "policy",
        "return state if state.fetch_error else state._replace(fetch_error=error)",
        "return state",
        "last-error",
        "outage",
    ),
    Fault(
        "failure gives the grace view again",
        "policy",
        "    if not may_fetch(state, now):\n        return counted(state, now)",
        "    if not may_fetch(state, now):\n        return counted(state._replace(grace_used=False), now)",
        "outage-error",
        "outage",
    ),
    _failed("failure prolongs the picture's life", "fetch_error=error, downloaded_at=now", "outage-error"),
    Fault(
        "view during an outage not counted",
        "policy",
        "    if not may_fetch(state, now):\n        return counted(state, now)",
        "    if not may_fetch(state, now):\n        return state",
        "counted",
        "outage",
    ),
    Fault(
        "failed fetch tried again at once",
        "cache",
        "content = await self._source(state.picture.sha256 if state.picture else None)",
        "try:\n"
        "                content = await self._source(None)\n"
        "            except FetchError:\n"
        "                content = await self._source(None)",
        "waits",
        "outage",
    ),
)

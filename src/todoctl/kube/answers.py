"""What the API server answers, or why it does not, in one line."""

import json
from collections.abc import Callable
from typing import Any

import urllib3
from kubernetes import client

from todoctl.errors import UnavailableError

TIMEOUT = 10
"""Seconds for one answer."""

PARTED = " -+-+- "
"""Between status, headers and body in what is said of a WebSocket that the server has refused."""


def ask(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - the library has no types
    """What `call` gives; raises `UnavailableError`."""
    try:
        return call()
    except client.ApiException as error:
        raise _refused(error) from None
    except AttributeError as error:
        # Of a WebSocket that was not opened there is no body, and the library decodes it all the same.
        if not isinstance(error.__context__, client.ApiException):
            raise
        raise _refused(error.__context__) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _unanswered(error) from None


def find(call: Callable[[], Any]) -> Any | None:  # noqa: ANN401
    """As `ask`; None where what is asked for is not there."""

    def found() -> Any | None:  # noqa: ANN401
        try:
            return call()
        except client.ApiException as error:
            if error.status == 404:
                return None
            raise

    return ask(found)


def make(call: Callable[[], Any]) -> bool:
    """Whether `call` has made what it is to make; False where that is there already."""

    def made() -> bool:
        try:
            call()
        except client.ApiException as error:
            if error.status == 409:
                return False
            raise
        return True

    return bool(ask(made))


def _refused(error: client.ApiException) -> UnavailableError:
    reason, body = str(error.reason), str(error.body or "")
    if not error.status:  # no answer to a request, but what has become of a WebSocket
        reason, parted, rest = reason.partition(PARTED)
        if not parted:
            return _unanswered(reason)
        body = rest.rpartition(PARTED)[2].removeprefix("None")  # where there is none
    try:
        why = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        why = body or reason
    return UnavailableError(
        "The API server has refused the request",
        why=" ".join(str(why).split())[:400],
        fix="Mend what it names, or ask who runs the cluster, and run the command again",
    )


def _unanswered(error: Exception | str) -> UnavailableError:
    return UnavailableError(
        "The cluster's API does not answer",
        why=" ".join(str(error).split())[:300],
        fix="See whether it runs; 'todoctl up' starts a cluster that todoctl has made",
    )

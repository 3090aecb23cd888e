"""What the API server answers, or why it does not, in one line."""

import json
from collections.abc import Callable
from typing import Any

import urllib3
from kubernetes import client

from todoctl.errors import UnavailableError

TIMEOUT = 10
"""Seconds for one answer."""


def ask(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - the library has no types
    """What `call` gives; raises `UnavailableError`."""
    try:
        return call()
    except client.ApiException as error:
        raise _refused(error) from None
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
    body = str(error.body or "")
    try:
        why = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        why = body or str(error.reason)
    return UnavailableError("The cluster has refused", why=" ".join(str(why).split())[:400])


def _unanswered(error: Exception) -> UnavailableError:
    return UnavailableError(
        "The cluster's API does not answer",
        why=" ".join(str(error).split())[:300],
        fix="Run 'todoctl up' to start it",
    )

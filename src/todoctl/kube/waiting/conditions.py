"""What a resource says of itself in the conditions of its status."""

from typing import Any

NO_PODS = "ReplicaFailure"
"""Of a deployment, which a quota keeps from its pods, say."""


def holds(resource: Any, kind: str) -> str | None:  # noqa: ANN401 - the library has no types
    """The reason and the message of the condition of that type; None where it does not hold."""
    for condition in resource.status.conditions or []:
        if condition.type == kind and condition.status == "True":
            return f"{condition.reason}: {condition.message}"
    return None

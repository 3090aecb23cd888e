"""The label that says who has made a resource."""

from typing import Any

from todoctl.kube.manifests import MANAGER, Resource

OWNER = "app.kubernetes.io/managed-by"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""


def marked(resource: Resource) -> Resource:
    """The resource, marked as todoctl's."""
    resource["metadata"].setdefault("labels", {})[OWNER] = MANAGER
    return resource


def is_ours(found: Any | None) -> bool:  # noqa: ANN401 - the library has no types
    """Whether what the cluster has is there, and todoctl has made it."""
    return found is not None and (found.metadata.labels or {}).get(OWNER) == MANAGER


def was_applied(found: Any | None) -> bool:  # noqa: ANN401 - the library has no types
    """Whether what the cluster has is there, and todoctl has applied it, marked or not.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    return found is not None and any(
        entry.manager == MANAGER for entry in found.metadata.managed_fields or ()
    )

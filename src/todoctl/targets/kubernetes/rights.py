"""What the user has to be allowed in the namespace; those of its own user are enough."""

from todoctl.kube.api import Api
from todoctl.kube.manifests import ROUTE_GROUP

NEEDED = {
    "configmaps": ("get", "patch", "create", "delete"),
    "persistentvolumeclaims": ("get", "patch", "create", "delete"),
    "services": ("get", "patch", "create", "delete"),
    "deployments": ("get", "patch", "create", "delete"),
    "pods": ("get", "list", "watch", "patch", "create", "delete"),
    "pods/log": ("get",),
    "pods/exec": ("get", "create"),
    "pods/portforward": ("get", "create"),
    "events": ("list",),
}
"""Verbs by resource: apply is a patch that may create, and a WebSocket begins with a get (since Kubernetes
1.35 it needs `create` as well)."""

ENTRANCE = ("get", "patch", "create", "delete")
"""On the ingress or the route, where there is to be one."""

GROUPS = {"deployments": "apps", "ingresses": "networking.k8s.io", "httproutes": ROUTE_GROUP}


def missing(api: Api, entrance: str | None = None) -> list[str]:
    """What of it is not allowed, as `verb resource`; asked of the API server before anything is touched."""
    needed = {**NEEDED, **({entrance: ENTRANCE} if entrance else {})}
    return [
        f"{verb} {resource}"
        for resource, verbs in needed.items()
        for verb in verbs
        if not api.may(verb, resource, GROUPS.get(resource, ""))
    ]

"""What pods and other resources say of themselves."""

from collections.abc import Sequence

from todoctl.kube.manifests import Resource

LONGEST = 300
"""Letters of a message that are shown."""


def is_standing(pod: Resource) -> bool:
    """Whether the pod runs or is going to: one that was evicted stays on the list for long."""
    over = pod["status"].get("phase") in {"Succeeded", "Failed"}
    return not over and "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Resource) -> bool:
    """Whether all its containers are ready."""
    statuses = pod["status"].get("containerStatuses")
    return bool(statuses) and all(one["ready"] for one in statuses)


def newest(pods: Sequence[Resource]) -> list[Resource]:
    """Returns the standing ones that the youngest one's template has made, the youngest first."""
    standing = [one for one in pods if is_standing(one)]
    young = sorted(standing, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)
    templates = [labels(one).get("pod-template-hash") for one in young]
    return [one for one, template in zip(young, templates, strict=True) if template == templates[0]]


def claims(pod: Resource) -> set[str]:
    """Returns the names of the claims that the pod mounts."""
    volumes = pod["spec"].get("volumes") or []
    return {one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one}


def takes_port(pod: Resource, number: int) -> bool:
    """Whether the pod takes connections at that port of its node."""
    host = pod["spec"].get("hostNetwork")
    ports = [port for one in pod["spec"]["containers"] for port in one.get("ports") or []]
    return any(number in {one.get("hostPort"), host and one["containerPort"]} for one in ports)


def labels(resource: Resource) -> dict[str, str]:
    """Returns the labels by name."""
    return resource["metadata"].get("labels") or {}


def condition(resource: Resource, kind: str, *states: str) -> str | None:
    """Returns reason and message of the condition `kind` if it has one of these states, else None."""
    for one in (resource.get("status") or {}).get("conditions") or []:
        if one["type"] == kind and one["status"] in states:
            return line(": ".join(filter(None, (one.get("reason"), one.get("message")))))
    return None


def line(text: str | None) -> str:
    """Returns the text in one line that is not too long."""
    words = " ".join((text or "").split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"

"""What pods say of themselves, and what is in the way of one, in Kubernetes' own words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from todoctl.errors import UnavailableError
from todoctl.kube.client import Client, RefusedError
from todoctl.kube.manifests import Resource

RUNS = 3  # ends of a container after which the next run will end the same way
AGAIN = "Run 'todoctl up' again"
LOAD = "or load the image: 'k3d image import', 'kind load docker-image', 'minikube image load'"

CALLS = re.compile(r'.*[Ff]ailed to \w[\w ]*(?: "[^"]*")?: (?=.)')
"""What stands before the point in the message of a failed pull: the calls that it went through."""


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


# What is in the way of one


@dataclass(frozen=True, slots=True)
class Reason:
    """What is waited for, in one line; `final` if it cannot get better by itself."""

    what: str
    final: bool = False
    fix: str = ""


def pod_reason(client: Client, pod: Resource) -> Reason | None:
    """Returns what is in the way of the pod's getting ready, its name first; None if it is ready."""
    if is_ready(pod) and is_standing(pod):
        return None
    reason = _pod_reason(client, pod)
    return replace(reason, what=f"pod {pod['metadata']['name']}{reason.what}")


def _pod_reason(client: Client, pod: Resource) -> Reason:  # noqa: PLR0911 - what Kubernetes may say
    status, events = pod["status"], _events(client, pod)
    if status.get("phase") == "Failed":
        return Reason(f": {status.get('reason')}: {line(status.get('message'))}")
    if (why := condition(pod, "PodScheduled", "False")) is not None:
        return _claim_reason(client, pod) or Reason(f": FailedScheduling: {why}")
    containers = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    for one in [one for one in containers if not one["ready"]]:
        waiting, ended = one["state"].get("waiting") or {}, one["state"].get("terminated")
        reason = str(waiting.get("reason") or "")
        if "Image" in reason:
            return _image_reason(pod, one, events)
        if (
            reason == "CrashLoopBackOff"
            or (ended or {}).get("exitCode")
            or (one["restartCount"] and not waiting)
        ):
            return _crash_reason(client, pod, one)
        if waiting and reason not in {"ContainerCreating", "PodInitializing"}:
            return Reason(f": {reason}: {line(waiting.get('message'))}")
        if not waiting and not ended:
            probes = [
                one for one in events if one.get("reason") == "Unhealthy" and one.get("count", 1) > RUNS
            ]
            why = f": {line(probes[-1]['message'])}" if probes else ""
            return Reason(f" runs, and is not ready yet{why}")
    return _starting(client, pod, events[-1] if events else {})


def _starting(client: Client, pod: Resource, last: Resource) -> Reason:
    """By what has happened last to a pod whose container is about to be made."""
    trouble = node_reason(client, pod["spec"].get("nodeName"))
    if trouble and "cordoned" not in trouble.what:  # what is on such a node goes on
        return replace(trouble, what=f": {trouble.what}")
    if last.get("reason") == "Pulling":
        return Reason(re.sub(r'.*Pulling image "(.*)"$', r" pulls \1", last.get("message") or ""))
    if last.get("type") == "Warning":
        return Reason(f": {last.get('reason')}: {line(last.get('message'))}")
    return Reason(" is being created")


def _claim_reason(client: Client, pod: Resource) -> Reason | None:
    """Returns what is wrong with a pod's claim, or with the one node that has the claim's volume."""
    for name in claims(pod):
        claim = client.get("PersistentVolumeClaim", name)
        if claim is None:
            return Reason(f": the claim {name} is gone", final=True, fix=AGAIN)
        phase = "Terminating" if "deletionTimestamp" in claim["metadata"] else claim["status"].get("phase")
        if phase == "Pending":
            happened = next((f": {line(one.get('message'))}" for one in _events(client, claim)[-1:]), "")
            return Reason(f": the claim {name} is Pending{happened}")
        if phase != "Bound":
            return Reason(f": the claim {name} is {phase}", final=True, fix=AGAIN)
        try:
            volume = client.get("PersistentVolume", claim["spec"]["volumeName"]) or {}
            (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
            (node,) = term["matchExpressions"][0]["values"]
        except (RefusedError, KeyError, TypeError, ValueError):
            continue  # it may not be read, or can be on any node
        if trouble := node_reason(client, node):
            return replace(trouble, what=f": {trouble.what}")
    return None


def node_reason(client: Client, name: str | None) -> Reason | None:
    """Returns what is wrong with a node: gone, cordoned, NotReady; None also if nodes may not be read."""
    try:
        node = client.get("Node", name) if name else {}
    except RefusedError:
        return None
    if node is None:
        return Reason(f"its node {name} is gone", final=True, fix=f"Bring the node {name} back")
    if (node.get("spec") or {}).get("unschedulable"):
        return Reason(f"its node {name} is cordoned", final=True, fix=f"Run 'kubectl uncordon {name}'")
    why = condition(node, "Ready", "False", "Unknown")
    return Reason(f"its node {name} is NotReady: {why}") if why else None


def _image_reason(pod: Resource, container: Resource, events: Sequence[Resource]) -> Reason:
    """A pull that has failed; if the network was in the way, the next one may not."""
    from todoctl.images.pull import remedy  # late: Docker's library takes a while to load

    image, waiting = container["image"], container["state"]["waiting"]
    failed = [one for one in events if one.get("reason") == "Failed" and image in (one.get("message") or "")]
    why = waiting.get("message") or ""
    if failed and waiting["reason"] == "ImagePullBackOff":  # which says no more than that
        why = failed[-1]["message"]
    fix = remedy(f"{waiting['reason']} {why}".replace(image, ""))
    # A kubelet that has not read the secret yet pulls without it at first.
    early = pod["spec"].get("imagePullSecrets") and sum(one.get("count", 1) for one in failed) < RUNS
    point = CALLS.sub("", " ".join(why.split()))
    what = f": {waiting['reason']}: the image {image} cannot be pulled: {line(point)}"
    return Reason(
        what, bool(fix) and not early, f"{fix or 'Check the network and proxy of the nodes'}, {LOAD}"
    )


def _crash_reason(client: Client, pod: Resource, container: Resource) -> Reason:
    """A container that ends and is started again, each time later."""
    state, runs = container["state"], "running" in container["state"]
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    times, looping = container["restartCount"] + (not runs), "waiting" in state
    how = f"its container has ended {times} times ({ended.get('reason')}, exit code {ended.get('exitCode')})"
    logs = (_last_line(client, pod, container["name"], previous=previous) for previous in (runs, not runs))
    last = next((f"; its log ends: {one}" for one in logs if one), "")
    return Reason(f": {'CrashLoopBackOff: ' if looping else ''}{how}{last}", looping and times >= RUNS)


def _last_line(client: Client, pod: Resource, container: str, *, previous: bool) -> str:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        lines = [*client.logs(name, lines=3, previous=previous, namespace=namespace, container=container)]
    except UnavailableError:
        return ""
    return next((line(one) for one in reversed(lines) if one.strip()), "")


def _events(client: Client, resource: Resource) -> list[Resource]:
    """Returns what has happened to a resource, as far as it is kept, the latest at the end."""
    uid, namespace = resource["metadata"]["uid"], resource["metadata"]["namespace"]
    found = client.list("Event", namespace=namespace, fields=f"involvedObject.uid={uid}")
    return sorted(found, key=lambda one: int(one["metadata"].get("resourceVersion") or 0))

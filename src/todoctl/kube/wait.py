"""Waiting for the app's pods and its page: with the reason, in Kubernetes' own words, as long as it takes.

What cannot get better by itself ends it at once, else `timeout` does (seconds; None for no limit).
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from todoctl.client import Client as Site
from todoctl.errors import UnavailableError
from todoctl.kube.client import EVERYWHERE, Client, RefusedError
from todoctl.kube.manifests import DEPLOYMENT, INGRESS, SELECTOR, Resource

if TYPE_CHECKING:
    from todoctl.targets.base import Step

POLL_SECONDS = 0.25
LOOK_SECONDS = 2.0  # between two looks at the cluster while the page is not there
UNANSWERED_SECONDS = 60.0  # for an API server that does not answer: k3s restarts in less
ADDRESS_SECONDS = 20.0  # for a controller that is ready to give the ingress an address; not all of them do
ROUTE_SECONDS = 1.0  # for the nodes to learn that a service has an endpoint
RUNS = 3  # ends of a container after which the next run will end the same way

HTTP = 80
SERVED = "svccontroller.k3s.cattle.io/svcname"
"""Which service a pod of k3s' load balancer is for. https://docs.k3s.io/networking/networking-services"""

DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
LOAD = "or load the image: 'k3d image import', 'kind load docker-image', 'minikube image load'"
AGAIN = "Run 'todoctl up' again"
SEE = "See 'todoctl logs' and 'kubectl get pods --all-namespaces'; then run 'todoctl up' again"


@dataclass(frozen=True, slots=True)
class Reason:
    """What is waited for, in one line; `final` if it cannot get better by itself."""

    what: str
    final: bool = False
    fix: str = ""


def until(
    look: Callable[[], Reason | None],
    outcome: str,
    step: "Step | None",
    timeout: float | None,
    *,
    fix: str = SEE,
) -> None:
    """Returns when `look` gives no reason to wait on.

    Raises `UnavailableError` with `outcome` and the reason: at once if that is final, else after `timeout` s.
    """
    since, began = time.time(), time.monotonic()
    answered = began
    while True:
        try:
            reason = look()
            answered = time.monotonic()
        except UnavailableError as error:
            final = isinstance(error, RefusedError) and error.status in {401, 403}
            silent = time.monotonic() - answered > UNANSWERED_SECONDS
            reason = Reason(f"{error.what}: {error.why}", final or silent, error.fix)
        if reason is None:
            return
        if reason.final:
            raise UnavailableError(outcome, why=reason.what, fix=reason.fix or fix)
        if timeout is not None and time.monotonic() - began >= timeout:
            raise UnavailableError(f"{outcome} within {timeout:g} s", why=reason.what, fix=reason.fix or fix)
        if step:
            step.update(reason.what, since)
        time.sleep(POLL_SECONDS)


# The pods


def rollout(client: Client, step: "Step | None", timeout: float | None) -> None:
    """Returns when as many pods of the newest kind as are wanted are ready, and no other runs."""
    until(lambda: rollout_reason(client), "The app's pod does not get ready", step, timeout)


def rollout_reason(client: Client) -> Reason | None:
    """Returns what the rollout waits for; None if it is complete."""
    deployment, pods = client.get("Deployment", DEPLOYMENT), client.list("Pod", labels=SELECTOR)
    if deployment is None:
        return Reason(f"the deployment {DEPLOYMENT} is gone", final=True, fix=AGAIN)
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    observed = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    standing = [one for one in pods if is_standing(one)]
    ending = [one for one in pods if "deletionTimestamp" in one["metadata"]]
    if (
        not ending
        and observed
        and counts == {wanted}
        and len(standing) == wanted
        and all(map(is_ready, standing))
    ):
        return None
    if observed and (why := _condition(deployment, "ReplicaFailure", "True")):
        return Reason(f"the deployment gets no pods: {why}")
    waiting = [one for one in newest(standing) if not is_ready(one)] if observed else []
    reasons = filter(None, (pod_reason(client, one) for one in waiting))
    if ending:
        reasons = filter(None, (*reasons, _ending(client, ending)))
    return next(reasons, Reason("the deployment's controller has not done its work yet"))


def no_pods(client: Client, step: "Step | None", timeout: float | None) -> None:
    """Returns when no pod of the app is left."""

    def look() -> Reason | None:
        left = client.list("Pod", labels=SELECTOR)
        return _ending(client, left) if left else None

    until(look, "The app's pod does not end", step, timeout)


def gone(client: Client, resources: Iterable[Resource], step: "Step | None", timeout: float | None) -> None:
    """Returns when none of `resources` is there any more."""
    left = list(resources)

    def look() -> Reason | None:
        left[:] = [one for one in left if client.get(one["kind"], one["metadata"]["name"])]
        names = {one["metadata"]["name"]: one["kind"] for one in left}
        users = (
            [one["metadata"]["name"] for one in client.list("Pod") if _claims(one) & set(names)]
            if left
            else []
        )
        held = f"; used by pod {', '.join(users)}" if users else ""
        said = ", ".join(f"{kind} {name}" for name, kind in names.items())
        return Reason(f"{said} is being deleted{held}") if left else None

    until(look, "What was deleted does not go", step, timeout, fix="See 'kubectl describe' for what holds it")


def is_standing(pod: Resource) -> bool:
    """Whether the pod runs or is going to: one that was evicted stays on the list for long."""
    over = pod["status"].get("phase") in {"Succeeded", "Failed"}
    return not over and "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Resource) -> bool:
    """Whether all its containers are ready."""
    statuses = pod["status"].get("containerStatuses")
    return bool(statuses) and all(one["ready"] for one in statuses)


def newest(pods: Sequence[Resource]) -> list[Resource]:
    """Returns those pods that the youngest one's template has made, the youngest first."""
    young = sorted(pods, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)
    return [
        one
        for one in young
        if _labels(one).get("pod-template-hash") == _labels(young[0]).get("pod-template-hash")
    ]


def _ending(client: Client, pods: Sequence[Resource]) -> Reason:
    trouble = _node_trouble(client, pods[0]["spec"].get("nodeName"))
    return Reason(f"{len(pods)} pod(s) still ending" + (f"; {trouble.what}" if trouble else ""))


def pod_reason(client: Client, pod: Resource) -> Reason | None:
    """Returns what is in the way of the pod's getting ready; None if it is ready."""
    name, status, events = f"pod {pod['metadata']['name']}", pod["status"], _events(client, pod)
    if status.get("phase") == "Failed":
        return Reason(f"{name}: {status.get('reason')}: {_line(status.get('message'))}")
    if (why := _condition(pod, "PodScheduled", "False")) is not None:
        cause = _claim_reason(client, pod) or Reason(f"FailedScheduling: {why}")
        return Reason(f"{name}: {cause.what}", cause.final, cause.fix)
    containers = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    for one in containers:
        if not one["ready"] and (reason := _container_reason(client, pod, name, one, events)):
            return reason
    return None if is_ready(pod) else _starting(client, pod, name, events)


def _claim_reason(client: Client, pod: Resource) -> Reason | None:
    """Returns what is wrong with a pod's claim, or with the one node that has the claim's volume."""
    for name in _claims(pod):
        claim = client.get("PersistentVolumeClaim", name)
        if claim is None:
            return Reason(f"the claim {name} is gone", final=True, fix=AGAIN)
        phase = "Terminating" if "deletionTimestamp" in claim["metadata"] else claim["status"].get("phase")
        if phase != "Bound":
            event = _line(next((one.get("message") for one in reversed(_events(client, claim))), ""))
            said = f"the claim {name} is {phase}" + (f": {event}" if event else "")
            return Reason(said, phase != "Pending", AGAIN if phase != "Pending" else "")
        try:
            volume = client.get("PersistentVolume", claim["spec"]["volumeName"]) or {}
            (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
            (node,) = term["matchExpressions"][0]["values"]
        except (RefusedError, KeyError, TypeError, ValueError):
            continue  # it may not be read, or can be on any node
        if trouble := _node_trouble(client, node):
            return trouble
    return None


def _node_trouble(client: Client, name: str | None) -> Reason | None:
    """Returns what is wrong with a node: gone, cordoned, NotReady; None also if nodes may not be read."""
    try:
        node = client.get("Node", name) if name else {}
    except RefusedError:
        return None
    if node is None:
        return Reason(f"its node {name} is gone", final=True, fix=f"Bring the node {name} back")
    if (node.get("spec") or {}).get("unschedulable"):
        return Reason(f"its node {name} is cordoned", final=True, fix=f"Run 'kubectl uncordon {name}'")
    why = _condition(node, "Ready", "False") or _condition(node, "Ready", "Unknown")
    return Reason(f"its node {name} is NotReady: {why}") if why else None


def _container_reason(
    client: Client, pod: Resource, name: str, container: Resource, events: Sequence[Resource]
) -> Reason | None:
    waiting, ended = container["state"].get("waiting") or {}, container["state"].get("terminated")
    reason = str(waiting.get("reason") or "")
    if reason in {"ContainerCreating", "PodInitializing"}:
        return _starting(client, pod, name, events)
    if "Image" in reason:
        return _image_reason(pod, name, container, events)
    if (
        reason == "CrashLoopBackOff"
        or (ended and ended["exitCode"])
        or (not waiting and container["restartCount"])
    ):
        return _crash_reason(client, pod, name, container)
    if waiting:
        return Reason(f"{name}: {reason}: {_line(waiting.get('message'))}")
    if ended:
        return None
    probes = [one for one in events if one.get("reason") == "Unhealthy" and (one.get("count") or 1) > RUNS]
    return Reason(
        f"{name} runs, and is not ready yet" + "".join(f": {_line(one['message'])}" for one in probes[-1:])
    )


def _starting(client: Client, pod: Resource, name: str, events: Sequence[Resource]) -> Reason:
    """By what has happened last to a pod whose container is about to be made."""
    last: Resource = events[-1] if events else {}
    trouble = _node_trouble(client, pod["spec"].get("nodeName"))
    if trouble and "cordoned" not in trouble.what:  # what is on such a node goes on
        return Reason(f"{name}: {trouble.what}", trouble.final, trouble.fix)
    if last.get("reason") == "Pulling":
        return Reason(re.sub(r'.*Pulling image "(.*)"$', rf"{name} pulls \1", last.get("message") or ""))
    if last.get("type") == "Warning":
        return Reason(f"{name}: {last.get('reason')}: {_line(last.get('message'))}")
    return Reason(f"{name} is being created")


def _image_reason(pod: Resource, name: str, container: Resource, events: Sequence[Resource]) -> Reason:
    """A pull that has failed; whoever may still help is the network."""
    image, waiting = container["image"], container["state"]["waiting"]
    failed = [one for one in events if one.get("reason") == "Failed" and image in (one.get("message") or "")]
    why = waiting.get("message") or ""
    if failed and waiting["reason"] == "ImagePullBackOff":  # which says no more than that
        why = failed[-1]["message"]
    from todoctl.images.pull import remedy  # late: Docker's library takes a while to load

    fix = remedy(f"{waiting['reason']} {why}".replace(image, ""))
    # A kubelet that has not read the secret yet pulls without it at first.
    early = pod["spec"].get("imagePullSecrets") and sum(one.get("count") or 1 for one in failed) < RUNS
    said = f"{name}: {waiting['reason']}: the image {image} cannot be pulled: {_line(why)}"
    return Reason(
        said, bool(fix) and not early, f"{fix or 'Check the network and proxy of the nodes'}, {LOAD}"
    )


def _crash_reason(client: Client, pod: Resource, name: str, container: Resource) -> Reason:
    """A container that ends and is started again, each time later."""
    looping, runs = "waiting" in container["state"], "running" in container["state"]
    ended = container["state"].get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    times = container["restartCount"] + (not runs)
    how = f"its container has ended {times} times ({ended.get('reason')}, exit code {ended.get('exitCode')})"
    words = next(
        filter(None, (_last_line(client, pod, container["name"], old) for old in (runs, not runs))), ""
    )
    said = f"{name}: {'CrashLoopBackOff: ' if looping else ''}{how}" + (
        f"; its log ends: {words}" if words else ""
    )
    return Reason(said, looping and times >= RUNS)


def _last_line(client: Client, pod: Resource, container: str, previous: bool) -> str:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        lines = [*client.logs(name, lines=3, previous=previous, namespace=namespace, container=container)]
    except UnavailableError:
        return ""
    return next((_line(line) for line in reversed(lines) if line.strip()), "")


def _claims(pod: Resource) -> set[str]:
    volumes = pod["spec"].get("volumes") or []
    return {one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one}


def _condition(resource: Resource, kind: str, state: str) -> str | None:
    """Returns the reason and the message of a condition that has that state; None if it has another one."""
    for one in (resource.get("status") or {}).get("conditions") or []:
        if one["type"] == kind and one["status"] == state:
            return _line(": ".join(filter(None, (one.get("reason"), one.get("message")))))
    return None


def _events(client: Client, resource: Resource) -> list[Resource]:
    """Returns what has happened to a resource, as far as it is kept, the latest at the end."""
    uid, namespace = resource["metadata"]["uid"], resource["metadata"]["namespace"]
    found = client.list("Event", namespace=namespace, fields=f"involvedObject.uid={uid}")
    return sorted(found, key=lambda one: int(one["metadata"].get("resourceVersion") or 0))


def _labels(resource: Resource) -> dict[str, str]:
    return resource["metadata"].get("labels") or {}


def _line(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= 300 else f"{line[:299]}…"


# The page


def page(
    client: Client,
    address: str,
    step: "Step | None",
    timeout: float | None,
    *,
    entrance: str = "",
    on_nodes: bool = False,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Returns when the app's page is at `address`.

    `entrance` is the kind of resource that leads there, if one does; with `on_nodes` by port 80 of the nodes.
    k3d's load balancer sends nobody for ten seconds to a node that has refused a connection. So it is left
    alone until the ingress has an address and its controller is ready. `check` raises if waiting is in vain.
    """
    began = time.monotonic()
    looked, knock = 0.0, not on_nodes
    reason: Reason | None = None

    def look() -> Reason | None:
        nonlocal reason, looked, knock
        check()
        now = time.monotonic()
        if not knock or now - looked > LOOK_SECONDS:
            reason, looked = entrance_reason(client, entrance, on_nodes=on_nodes), now
        if reason and not knock and not reason.final and now - began < ADDRESS_SECONDS:
            return reason
        if not knock:
            time.sleep(ROUTE_SECONDS if now - began > ROUTE_SECONDS else 0.0)
            knock = True
        try:
            site.find_page()
        except UnavailableError as error:
            return reason or Reason(f"{error.what}: {error.why}", fix=error.fix)
        return None

    with Site(address) as site:
        until(look, f"There is no page at {address}", step, timeout)


def entrance_reason(client: Client, kind: str, *, on_nodes: bool) -> Reason | None:
    """Returns what is in the way to the page, from the app's pods outwards; None if nothing is known."""
    pods = newest([one for one in client.list("Pod", labels=SELECTOR) if is_standing(one)])
    if pods and (reason := _best(client, pods)):
        return reason
    if kind == "HTTPRoute":
        parents = ((client.get(kind, "dwk-todo-app-route") or {}).get("status") or {}).get("parents")
        refusals = [
            one for parent in parents or [] for one in parent["conditions"] if one["status"] == "False"
        ]
        said = [
            f"the gateway refuses the route: {one['reason']}: {_line(one['message'])}" for one in refusals
        ]
        return Reason(said[0]) if said else None if parents else Reason("no gateway has taken the route")
    ingress = client.get("Ingress", INGRESS) if kind else {}
    if ingress is None:
        return Reason(f"the ingress {INGRESS} is gone", final=True, fix=AGAIN)
    if on_nodes and (reason := _controller_reason(client)):
        return reason
    if not kind or ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        return None
    return _class_reason(client, ingress) or Reason("the ingress has no address yet")


def _class_reason(client: Client, ingress: Resource) -> Reason | None:
    """Returns what is wrong with the class of an ingress that no controller has taken."""
    try:
        classes = {one["metadata"]["name"]: one["metadata"] for one in client.list("IngressClass")}
    except RefusedError:
        return None
    wanted = ingress["spec"].get("ingressClassName")
    if wanted in classes or not (wanted or classes):
        return None
    if wanted:
        return Reason(f"there is no ingress class {wanted}", fix="Make it, or name another one")
    defaults = [
        name for name, one in classes.items() if (one.get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    again = f"run 'kubectl delete ingress {INGRESS}', then 'todoctl up' again"
    if defaults:
        return Reason(
            f"the ingress is older than the default class {defaults[0]}",
            final=True,
            fix=f"To mend it, {again}",
        )
    first = min(classes)
    make = f"Run 'kubectl annotate ingressclass {first} {DEFAULT_CLASS}=true', then {again}"
    return Reason(
        f"the ingress has no class, and none is the default one ({', '.join(classes)})", final=True, fix=make
    )


def _controller_reason(client: Client) -> Reason | None:
    """Returns what is in the way of connections to an ingress controller; None if they arrive.

    It is known by what takes connections at port 80 of the nodes: a pod with that port, or a service of type
    LoadBalancer, which k3s leads there by pods of its own.
    """
    pods = [one for one in client.list("Pod", namespace=EVERYWHERE) if is_standing(one)]
    doors = [one for one in pods if _takes_port(one)]
    reasons = [_best(client, [one]) for one in doors if SERVED not in _labels(one)]
    for service in client.list("Service", namespace=EVERYWHERE):
        spec, name = service["spec"], service["metadata"]["name"]
        if spec.get("type") != "LoadBalancer" or HTTP not in {one["port"] for one in spec["ports"]}:
            continue
        selector = spec.get("selector") or {}
        behind = [one for one in pods if selector and selector.items() <= _labels(one).items()]
        leading = [one for one in doors if _labels(one).get(SERVED) == name]
        missing = (
            "has no pods yet"
            if selector and not behind
            else ""
            if leading
            else "has no port of the nodes yet"
        )
        waits = Reason(f"the service {name} {missing}") if missing else None
        reasons.append(waits or (_best(client, behind) if behind else None) or _best(client, leading))
    return (None if None in reasons else reasons[0]) if reasons else _helm_reason(client, pods)


def _best(client: Client, group: Sequence[Resource]) -> Reason | None:
    """Returns None if one of these pods, which do the same, is ready; else what one waits for."""
    return None if any(map(is_ready, group)) else pod_reason(client, group[0])


def _takes_port(pod: Resource) -> bool:
    ports = [port for one in pod["spec"]["containers"] for port in one.get("ports") or []]
    return any(
        HTTP in {one.get("hostPort"), pod["spec"].get("hostNetwork") and one["containerPort"]}
        for one in ports
    )


def _helm_reason(client: Client, pods: list[Resource]) -> Reason:
    """Returns what the jobs wait for by which k3s installs its charts, Traefik among them.

    https://docs.k3s.io/add-ons/helm
    """
    jobs = {one["metadata"]["name"]: one for one in client.list("Job", namespace=EVERYWHERE)}
    jobs = {name: one for name, one in jobs.items() if name.startswith("helm-install-")}
    for name, job in jobs.items():
        status = job.get("status") or {}
        if not status.get("succeeded"):
            own = [one for one in pods if _labels(one).get("job-name") == name]
            reason = pod_reason(client, own[-1]) if own else Reason("it has no pod yet")
            what = f"Helm job {name}: {reason.what if reason else 'it runs'}"
            final = bool(_condition(job, "Failed", "True")) or status.get("failed", 0) >= RUNS
            return Reason(what, final, f"See 'kubectl -n {job['metadata']['namespace']} logs job/{name}'")
    if not jobs and client.list("HelmChart", namespace=EVERYWHERE):
        return Reason("k3s has not begun to install its Helm charts yet")
    what = f"there is no ingress controller: nothing takes connections at port {HTTP} of the nodes"
    fix = "Install one, or make the cluster without --disable=traefik: 'todoctl down', then 'todoctl up'"
    return Reason(what, final=True, fix=fix)

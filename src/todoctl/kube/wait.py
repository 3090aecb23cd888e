"""Waiting for the app's pods and its page: with the reason, in Kubernetes' own words, as long as it takes.

What cannot get better by itself ends it at once, else `timeout` does (seconds; None for no limit).
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from todoctl.client import Client as Site
from todoctl.errors import UnavailableError
from todoctl.kube.client import EVERYWHERE, Client, RefusedError
from todoctl.kube.manifests import DEPLOYMENT, INGRESS, SELECTOR, Resource
from todoctl.kube.pods import claims, condition, is_ready, is_standing, labels, line, newest, takes_port

if TYPE_CHECKING:
    from todoctl.targets.base import Step

POLL_SECONDS = 0.25
LOOK_SECONDS = 2.0  # between two looks at the cluster while the page is not there
UNANSWERED_SECONDS = 60.0  # for an API server that does not answer: k3s restarts in less
SETTLE_SECONDS = 20.0  # for an ingress controller that has just started to take the ingress
ROUTE_SECONDS = 1.0  # for the nodes to learn that a service has an endpoint
RUNS = 3  # ends of a container after which the next run will end the same way

HTTP = 80
SERVED = "svccontroller.k3s.cattle.io/svcname"
"""Which service a pod of k3s' load balancer is for. https://docs.k3s.io/networking/networking-services"""

CALLS = re.compile(r'.*[Ff]ailed to \w[\w ]*(?: "[^"]*")?: (?=.)')
"""What stands before the point in the message of a failed pull: the calls that it went through."""

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
    """Returns when as many pods of the newest kind as are wanted are ready, and no other is left."""
    until(lambda: rollout_reason(client), "The app's pod does not get ready", step, timeout)


def rollout_reason(client: Client) -> Reason | None:
    """Returns what the rollout waits for; None if it is complete."""
    deployment, pods = client.get("Deployment", DEPLOYMENT), client.list("Pod", labels=SELECTOR)
    if deployment is None:
        return Reason(f"the deployment {DEPLOYMENT} is gone", final=True, fix=AGAIN)
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return Reason("the deployment's controller has not seen its change yet")
    if why := condition(deployment, "ReplicaFailure", "True"):
        return Reason(f"the deployment gets no pods: {why}")
    waiting = [one for one in newest(pods) if not is_ready(one)]
    if reason := next(filter(None, (pod_reason(client, one) for one in waiting)), None):
        return reason
    if ending := [one for one in pods if "deletionTimestamp" in one["metadata"]]:
        return _ending(client, ending)
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    standing = [one for one in pods if is_standing(one)]
    complete = counts == {wanted} and len(standing) == wanted and all(map(is_ready, standing))
    return None if complete else Reason("the deployment's controller has not done its work yet")


def no_pods(client: Client, step: "Step | None", timeout: float | None) -> None:
    """Returns when no pod of the app is left."""

    def look() -> Reason | None:
        left = client.list("Pod", labels=SELECTOR)
        return _ending(client, left) if left else None

    until(look, "The app's pod does not end", step, timeout)


def _ending(client: Client, pods: Sequence[Resource]) -> Reason:
    trouble = _node_reason(client, pods[0]["spec"].get("nodeName"))
    return Reason(f"{len(pods)} pod(s) still ending" + (f"; {trouble.what}" if trouble else ""))


def gone(client: Client, resources: Iterable[Resource], step: "Step | None", timeout: float | None) -> None:
    """Returns when none of `resources` is there any more."""
    left = list(resources)

    def look() -> Reason | None:
        left[:] = [one for one in left if client.get(one["kind"], one["metadata"]["name"])]
        if not left:
            return None
        names = {one["metadata"]["name"]: one["kind"] for one in left}
        users = [one["metadata"]["name"] for one in client.list("Pod") if claims(one) & set(names)]
        held = f"; used by pod {', '.join(users)}" if users else ""
        return Reason(f"{', '.join(f'{names[one]} {one}' for one in names)} is being deleted{held}")

    until(look, "What was deleted does not go", step, timeout, "See 'kubectl describe' for what holds it")


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
    trouble = _node_reason(client, pod["spec"].get("nodeName"))
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
        if trouble := _node_reason(client, node):
            return replace(trouble, what=f": {trouble.what}")
    return None


def _node_reason(client: Client, name: str | None) -> Reason | None:
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
    began = since = time.monotonic()
    looked, knock = 0.0, not on_nodes
    reason: Reason | None = None

    def look() -> Reason | None:
        nonlocal reason, since, looked, knock
        check()
        now = time.monotonic()
        if not knock or now - looked > LOOK_SECONDS:
            found = entrance_reason(client, entrance, on_nodes=on_nodes)
            since = since if reason and found and reason.what == found.what else now
            reason, looked = found, now
        lasts = now - since > SETTLE_SECONDS
        if reason and not knock and not lasts:
            return replace(reason, final=False)
        if not knock:
            time.sleep(ROUTE_SECONDS if now - began > ROUTE_SECONDS else 0.0)
            knock = True
        try:
            site.find_page()
        except UnavailableError as error:
            said = Reason(f"{error.what}: {error.why}", fix=error.fix)
            return replace(reason, final=reason.final and lasts) if reason else said
        return None

    with Site(address) as site:
        until(look, f"There is no page at {address}", step, timeout)


def entrance_reason(client: Client, kind: str, *, on_nodes: bool) -> Reason | None:
    """Returns what is in the way to the page, from the app's pods outwards; None if nothing is known."""
    if (pods := newest(client.list("Pod", labels=SELECTOR))) and (reason := _best(client, pods)):
        return reason
    if kind == "HTTPRoute":
        return _route_reason(client)
    ingress = client.get("Ingress", INGRESS) if kind else {}
    if ingress is None:
        return Reason(f"the ingress {INGRESS} is gone", final=True, fix=AGAIN)
    if on_nodes and (reason := _controller_reason(client)):
        return reason
    if not kind or ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        return None
    return _class_reason(client, ingress) or Reason("the ingress has no address yet")


def _route_reason(client: Client) -> Reason | None:
    route = client.get("HTTPRoute", "dwk-todo-app-route") or {}
    parents = (route.get("status") or {}).get("parents") or []
    for one in [one for parent in parents for one in parent["conditions"] if one["status"] == "False"]:
        return Reason(f"the gateway refuses the route: {one['reason']}: {line(one['message'])}")
    return None if parents else Reason("no gateway has taken the route")


def _class_reason(client: Client, ingress: Resource) -> Reason | None:
    """Returns what is wrong with the class of an ingress that no controller has taken."""
    try:
        classes = {one["metadata"]["name"]: one["metadata"] for one in client.list("IngressClass")}
    except RefusedError:
        return None
    wanted = ingress["spec"].get("ingressClassName")
    again = f"run 'kubectl delete ingress {INGRESS}', then 'todoctl up' again"
    if wanted and wanted not in classes:
        return Reason(f"there is no ingress class {wanted}", final=True, fix="Make it, or name another one")
    if wanted or not classes:
        return None
    for name, metadata in classes.items():
        if (metadata.get("annotations") or {}).get(DEFAULT_CLASS) == "true":
            return Reason(f"the ingress is older than the default class {name}", True, f"To mend it, {again}")
    make = f"Run 'kubectl annotate ingressclass {min(classes)} {DEFAULT_CLASS}=true', then {again}"
    return Reason(f"the ingress has no class, and none is the default one ({', '.join(classes)})", True, make)


def _controller_reason(client: Client) -> Reason | None:
    """Returns what is in the way of connections to an ingress controller; None if they arrive.

    It is known by what takes connections at port 80 of the nodes: a pod with that port, or a service of type
    LoadBalancer, which k3s leads there by pods of its own.
    """
    pods = [one for one in client.list("Pod", namespace=EVERYWHERE) if is_standing(one)]
    doors = [one for one in pods if takes_port(one, HTTP)]
    reasons = [_best(client, [one]) for one in doors if SERVED not in labels(one)]
    for service in client.list("Service", namespace=EVERYWHERE):
        spec, name = service["spec"], service["metadata"]["name"]
        if spec.get("type") != "LoadBalancer" or HTTP not in {one["port"] for one in spec["ports"]}:
            continue
        selector = spec.get("selector") or {}
        behind = [one for one in pods if selector and selector.items() <= labels(one).items()]
        leading = [one for one in doors if labels(one).get(SERVED) == name]
        if selector and not behind:
            reasons.append(Reason(f"the service {name} has no pods yet"))
        elif not leading:
            reasons.append(Reason(f"the service {name} has no port of the nodes yet"))
        else:
            reasons.append((_best(client, behind) if behind else None) or _best(client, leading))
    return (None if None in reasons else reasons[0]) if reasons else _helm_reason(client, pods)


def _best(client: Client, group: Sequence[Resource]) -> Reason | None:
    """Returns None if one of these pods, which do the same, is ready; else what one waits for."""
    return None if any(map(is_ready, group)) else pod_reason(client, group[0])


def _helm_reason(client: Client, pods: list[Resource]) -> Reason:
    """Returns what the jobs wait for by which k3s installs its charts, Traefik among them.

    https://docs.k3s.io/add-ons/helm
    """
    jobs = [
        one for one in client.list("Job", namespace=EVERYWHERE) if "helm-install-" in one["metadata"]["name"]
    ]
    for job in jobs:
        name, status = job["metadata"]["name"], job.get("status") or {}
        if not status.get("succeeded"):
            own = [one for one in pods if labels(one).get("job-name") == name]
            reason = pod_reason(client, own[-1]) if own else Reason("it has no pod yet")
            final = condition(job, "Failed", "True") is not None or status.get("failed", 0) >= RUNS
            see = f"See 'kubectl -n {job['metadata']['namespace']} logs job/{name}'"
            return Reason(f"Helm job {name}: {reason.what if reason else 'it runs'}", final, see)
    if not jobs and client.list("HelmChart", namespace=EVERYWHERE):
        return Reason("k3s has not begun to install its Helm charts yet")
    what = f"there is no ingress controller: nothing takes connections at port {HTTP} of the nodes"
    fix = "Install one, or make the cluster without --disable=traefik: 'todoctl down', then 'todoctl up'"
    return Reason(what, final=True, fix=fix)

"""Waiting for the app's pods and its page, with the reason in Kubernetes' own words.

What cannot get better by itself ends a wait at once, else `timeout` does (seconds; None for no limit).
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from todoctl.client import Client as Site
from todoctl.errors import UnavailableError
from todoctl.kube.client import EVERYWHERE, Client, RefusedError
from todoctl.kube.manifests import DEPLOYMENT, INGRESS, ROUTE, SELECTOR, Resource

if TYPE_CHECKING:
    from todoctl.targets.base import Step

POLL_SECONDS = 0.25
UNANSWERED_SECONDS = 60.0  # for an API server that does not answer: k3s restarts in less
SETTLE_SECONDS = 20.0  # for an ingress controller that has just started to take the ingress
ROUTE_SECONDS = 1.0  # for the nodes to learn that a service has an endpoint
RUNS = 3  # ends of a container after which the next run will end the same way
LONGEST = 300  # letters of a message that are shown
HTTP = 80

SERVED = "svccontroller.k3s.cattle.io/svcname"
"""Which service a pod of k3s' load balancer is for. https://docs.k3s.io/networking/networking-services"""

DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
SEE = "See 'todoctl logs' and 'kubectl get pods --all-namespaces'; then run 'todoctl up' again"
AGAIN = "Run 'todoctl up' again"
LOAD = "or load the image: 'k3d image import', 'kind load docker-image', 'minikube image load'"

CALLS = re.compile(r'.*[Ff]ailed to \w[\w ]*(?: "[^"]*")?: (?=.)')
"""What stands before the point in the message of a failed pull: the calls that it went through."""


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


# The rollout


def rollout(client: Client, step: "Step | None", timeout: float | None, verb: str = "get ready") -> None:
    """Returns when as many pods of the newest kind as are wanted are ready, and no other is left."""
    until(lambda: rollout_reason(client), f"The app's pod does not {verb}", step, timeout)


def rollout_reason(client: Client) -> Reason | None:
    """Returns what the rollout waits for; None if it is complete."""
    deployment, pods = client.get("Deployment", DEPLOYMENT), client.list("Pod", labels=SELECTOR)
    if deployment is None:
        return Reason(f"the deployment {DEPLOYMENT} is gone", final=True, fix=AGAIN)
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return Reason("the deployment's controller has not seen its change yet")
    if why := _condition(deployment, "ReplicaFailure", "True"):
        return Reason(f"the deployment gets no pods: {why}")
    if reason := next(filter(None, (pod_reason(client, one) for one in _newest(pods))), None):
        return reason
    if ending := [one for one in pods if "deletionTimestamp" in one["metadata"]]:
        return Reason(f"{len(ending)} pod(s) still ending{_warning(_events(client, ending[0]))}")
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    running = [one for one in pods if is_running(one)]
    complete = counts == {wanted} and len(running) == wanted and all(map(is_ready, running))
    return None if complete else Reason("the deployment's controller has not done its work yet")


def gone(client: Client, resources: Iterable[Resource], step: "Step | None", timeout: float | None) -> None:
    """Returns when none of `resources` is there any more."""
    left = list(resources)

    def look() -> Reason | None:
        left[:] = [one for one in left if client.get(one["kind"], one["metadata"]["name"])]
        if not left:
            return None
        names = {one["metadata"]["name"]: one["kind"] for one in left}
        users = [one["metadata"]["name"] for one in client.list("Pod") if _claims(one) & set(names)]
        held = f"; used by pod {', '.join(users)}" if users else ""
        return Reason(f"{', '.join(f'{names[one]} {one}' for one in names)} is being deleted{held}")

    until(look, "What was deleted does not go", step, timeout, "See 'kubectl describe' for what holds it")


# One pod


def is_running(pod: Resource) -> bool:
    """Whether the pod runs or is going to: one that was evicted stays on the list for long."""
    over = pod["status"].get("phase") in {"Succeeded", "Failed"}
    return not over and "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Resource) -> bool:
    """Whether all its containers are ready."""
    statuses = pod["status"].get("containerStatuses")
    return bool(statuses) and all(one["ready"] for one in statuses)


def pod_reason(client: Client, pod: Resource) -> Reason | None:
    """Returns what is in the way of the pod's getting ready, its name first; None if it is ready."""
    if is_ready(pod) and is_running(pod):
        return None
    reason = _pod_reason(client, pod)
    return replace(reason, what=f"pod {pod['metadata']['name']}{reason.what}")


def _pod_reason(client: Client, pod: Resource) -> Reason:
    status, events = pod["status"], _events(client, pod)
    if status.get("phase") == "Failed":
        return Reason(f": {status.get('reason')}: {_line(status.get('message'))}")
    if (why := _condition(pod, "PodScheduled", "False")) is not None:
        return _claim_reason(client, pod) or Reason(f": FailedScheduling: {why}")
    for one in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        if not one["ready"] and (reason := _container_reason(client, pod, one, events)):
            return reason
    if events and events[-1].get("reason") == "Pulling":
        return Reason(re.sub(r'.*Pulling image "(.*)"$', r" pulls \1", events[-1].get("message") or ""))
    return Reason(_warning(events) or " is being created")


def _container_reason(client: Client, pod: Resource, one: Resource, events: list[Resource]) -> Reason | None:
    """Returns what is in the way of a container; None if it is about to be made."""
    waiting, ended = one["state"].get("waiting") or {}, one["state"].get("terminated") or {}
    reason = str(waiting.get("reason") or "")
    if "Image" in reason:
        return _image_reason(pod, one, events)
    if reason == "CrashLoopBackOff" or ended.get("exitCode") or (one["restartCount"] and not waiting):
        return _crash_reason(client, pod, one)
    if waiting and reason not in {"ContainerCreating", "PodInitializing"}:
        return Reason(f": {reason}: {_line(waiting.get('message'))}")
    if waiting or ended:
        return None
    probes = [each for each in events if each.get("reason") == "Unhealthy" and each.get("count", 1) > RUNS]
    return Reason(" runs, and is not ready yet" + (f": {_line(probes[-1]['message'])}" if probes else ""))


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
    point = _line(CALLS.sub("", " ".join(why.split())))
    what = f": {waiting['reason']}: the image {image} cannot be pulled: {point}"
    advice = f"{fix or 'Check the network and proxy of the nodes'}, {LOAD}"
    return Reason(what, bool(fix) and not early, advice)


def _crash_reason(client: Client, pod: Resource, container: Resource) -> Reason:
    """A container that ends and is started again, each time later."""
    state, runs = container["state"], "running" in container["state"]
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    times, looping = container["restartCount"] + (not runs), "waiting" in state
    how = f"its container has ended {times} times ({ended.get('reason')}, exit code {ended.get('exitCode')})"
    what = f": {'CrashLoopBackOff: ' if looping else ''}{how}{_log_end(client, pod, container['name'], runs)}"
    return Reason(what, looping and times >= RUNS)


def _log_end(client: Client, pod: Resource, container: str, runs: bool) -> str:
    """Returns the last line that the container has logged before it ended; nothing if there is none."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    for previous in (runs, not runs):
        with suppress(UnavailableError):
            log = client.logs(name, lines=3, previous=previous, namespace=namespace, container=container)
            if lines := [one for one in log if one.strip()]:
                return f"; its log ends: {_line(lines[-1])}"
    return ""


def _claim_reason(client: Client, pod: Resource) -> Reason | None:
    """Returns what is wrong with a pod's claim; None if it has a volume."""
    for name in _claims(pod):
        claim = client.get("PersistentVolumeClaim", name)
        if claim is None:
            return Reason(f": the claim {name} is gone", final=True, fix=AGAIN)
        phase = "Terminating" if "deletionTimestamp" in claim["metadata"] else claim["status"].get("phase")
        if phase == "Pending":
            return Reason(f": the claim {name} is Pending{_warning(_events(client, claim))}")
        if phase != "Bound":
            return Reason(f": the claim {name} is {phase}", final=True, fix=AGAIN)
    return None


# The page


def page(
    client: Client,
    address: str,
    step: "Step | None",
    timeout: float | None,
    *,
    kind: str = "",
    on_nodes: bool = False,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Returns when the app's page is at `address`.

    `kind` is that of the resource that leads there, if one does; with `on_nodes` by port 80 of the nodes.
    k3d's load balancer sends nobody for ten seconds to a node that has refused a connection. So it is left
    alone until the ingress has an address and its controller is ready. `check` raises if waiting is in vain.
    """
    began = since = time.monotonic()
    asks = not on_nodes
    last: Reason | None = None

    def look() -> Reason | None:
        nonlocal since, asks, last
        check()
        missing = page_missing(site) if asks else None
        if asks and missing is None:
            return None
        now, reason = time.monotonic(), page_reason(client, kind, on_nodes=on_nodes)
        since, last = (since if reason == last else now), reason
        lasts = now - since > SETTLE_SECONDS
        if not asks and (reason is None or lasts):
            time.sleep(ROUTE_SECONDS if now - began > ROUTE_SECONDS else 0.0)
            asks = True
            return look()
        return replace(reason, final=reason.final and lasts) if reason else missing

    with Site(address) as site:
        until(look, f"There is no page at {address}", step, timeout)


def page_missing(site: Site) -> Reason | None:
    """Returns why the app's page does not come; None if it does."""
    try:
        site.find_page()
    except UnavailableError as error:
        return Reason(f"{error.what}: {error.why}", fix=error.fix)
    return None


def page_reason(client: Client, kind: str, *, on_nodes: bool) -> Reason | None:
    """Returns what is in the way to the page, from the app's pods outwards; None if nothing is known."""
    pods = _newest(client.list("Pod", labels=SELECTOR))
    if pods and (reason := _best(client, pods)):
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
    parents = ((client.get("HTTPRoute", ROUTE) or {}).get("status") or {}).get("parents") or []
    for one in [one for parent in parents for one in parent["conditions"] if one["status"] == "False"]:
        return Reason(f"the gateway refuses the route: {one['reason']}: {_line(one['message'])}")
    return None if parents else Reason("no gateway has taken the route")


def _class_reason(client: Client, ingress: Resource) -> Reason | None:
    """Returns what is wrong with the class of an ingress that no controller has taken."""
    try:
        classes = [one["metadata"]["name"] for one in client.list("IngressClass")]
    except RefusedError:
        return None
    wanted = ingress["spec"].get("ingressClassName")
    if wanted and wanted not in classes:
        return Reason(f"there is no ingress class {wanted}", final=True, fix="Make it, or name another one")
    if wanted or not classes:
        return None
    default = f"'kubectl annotate ingressclass {min(classes)} {DEFAULT_CLASS}=true' makes one the default;"
    fix = (
        f"Run 'kubectl delete ingress {INGRESS}', then 'todoctl up' again; {default} do that first if none is"
    )
    return Reason(f"the ingress has no class (there are: {', '.join(classes)})", final=True, fix=fix)


def _controller_reason(client: Client) -> Reason | None:
    """Returns what is in the way of connections to an ingress controller; None if they arrive.

    It is known by what takes connections at port 80 of the nodes: a pod of its own, or one of k3s, which
    leads to the pods of a service of type LoadBalancer.
    """
    pods = [one for one in client.list("Pod", namespace=EVERYWHERE) if is_running(one)]
    found = client.list("Service", namespace=EVERYWHERE)
    selectors = {one["metadata"]["name"]: one["spec"].get("selector") or {} for one in found}
    reasons = []
    for on_port in [one for one in pods if _takes_port(one, HTTP)]:
        service = _labels(on_port).get(SERVED)
        selector = selectors.get(service or "", {})
        behind = [one for one in pods if selector.items() <= _labels(one).items()]
        no_pods = f"the service {service} has no pods yet"
        reasons.append((_best(client, behind, no_pods) if service else None) or _best(client, [on_port]))
    return (None if None in reasons else reasons[0]) if reasons else _helm_reason(client, pods)


def _helm_reason(client: Client, pods: list[Resource]) -> Reason:
    """Returns what the jobs wait for by which k3s installs its charts, Traefik among them.

    https://docs.k3s.io/add-ons/helm
    """
    found = client.list("Job", namespace=EVERYWHERE)
    jobs = [one for one in found if one["metadata"]["name"].startswith("helm-install-")]
    for job in jobs:
        name, status = job["metadata"]["name"], job.get("status") or {}
        if not status.get("succeeded"):
            own = [one for one in pods if _labels(one).get("job-name") == name]
            reason = pod_reason(client, own[-1]) if own else Reason("it has no pod yet")
            final = _condition(job, "Failed", "True") is not None or status.get("failed", 0) >= RUNS
            see = f"See 'kubectl -n {job['metadata']['namespace']} logs job/{name}'"
            return Reason(f"Helm job {name}: {reason.what if reason else 'it runs'}", final, see)
    if not jobs and client.list("HelmChart", namespace=EVERYWHERE):
        return Reason("k3s has not begun to install its Helm charts yet")
    what = f"there is no ingress controller: nothing takes connections at port {HTTP} of the nodes"
    fix = "Install one, or make the cluster without --disable=traefik: 'todoctl down', then 'todoctl up'"
    return Reason(what, final=True, fix=fix)


# What resources say


def _best(client: Client, group: Sequence[Resource], none: str = "") -> Reason | None:
    """Returns None if one of these pods, which do the same, is ready; else what one waits for, or `none`."""
    if any(map(is_ready, group)):
        return None
    return pod_reason(client, group[0]) if group else Reason(none)


def _newest(pods: Sequence[Resource]) -> list[Resource]:
    """Returns the running ones that the youngest one's template has made, the youngest first."""
    running = [one for one in pods if is_running(one)]
    young = sorted(running, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)
    templates = [_labels(one).get("pod-template-hash") for one in young]
    return [one for one, template in zip(young, templates, strict=True) if template == templates[0]]


def _claims(pod: Resource) -> set[str]:
    volumes = pod["spec"].get("volumes") or []
    return {one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one}


def _takes_port(pod: Resource, number: int) -> bool:
    """Whether the pod takes connections at that port of its node."""
    host = pod["spec"].get("hostNetwork")
    ports = [port for one in pod["spec"]["containers"] for port in one.get("ports") or []]
    return any(number in {one.get("hostPort"), host and one["containerPort"]} for one in ports)


def _labels(resource: Resource) -> dict[str, str]:
    return resource["metadata"].get("labels") or {}


def _condition(resource: Resource, kind: str, *states: str) -> str | None:
    """Returns reason and message of the condition `kind` if it has one of these states, else None."""
    for one in (resource.get("status") or {}).get("conditions") or []:
        if one["type"] == kind and one["status"] in states:
            return _line(": ".join(filter(None, (one.get("reason"), one.get("message")))))
    return None


def _events(client: Client, resource: Resource) -> list[Resource]:
    """Returns what has happened to a resource, as far as it is kept, the latest at the end."""
    uid, namespace = resource["metadata"]["uid"], resource["metadata"]["namespace"]
    found = client.list("Event", namespace=namespace, fields=f"involvedObject.uid={uid}")
    return sorted(found, key=lambda one: int(one["metadata"].get("resourceVersion") or 0))


def _warning(events: Sequence[Resource]) -> str:
    """Returns the newest event behind a colon if it is a warning, else nothing."""
    last = events[-1] if events else {}
    return f": {last.get('reason')}: {_line(last.get('message'))}" if last.get("type") == "Warning" else ""


def _line(text: str | None) -> str:
    """Returns the text in one line that is not too long."""
    words = " ".join((text or "").split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"

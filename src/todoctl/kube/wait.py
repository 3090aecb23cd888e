"""Waiting for the app's pods and its page: with the reason, in Kubernetes' own words, as long as it takes.

What cannot get better by itself ends it at once, else `timeout` does (seconds; None for no limit).
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from todoctl.client import Client as Site
from todoctl.errors import UnavailableError
from todoctl.kube.client import EVERYWHERE, Client, RefusedError
from todoctl.kube.manifests import DEPLOYMENT, INGRESS, SELECTOR, Resource
from todoctl.kube.pods import (
    AGAIN,
    RUNS,
    claims,
    condition,
    is_ready,
    is_standing,
    labels,
    line,
    newest,
    node_reason,
    pod_reason,
    takes_port,
)
from todoctl.kube.pods import Reason as Reason  # noqa: PLC0414 - for whoever waits

if TYPE_CHECKING:
    from todoctl.targets.base import Step

POLL_SECONDS = 0.25
LOOK_SECONDS = 2.0  # between two looks at the cluster while the page is not there
UNANSWERED_SECONDS = 60.0  # for an API server that does not answer: k3s restarts in less
SETTLE_SECONDS = 20.0  # for an ingress controller that has just started to take the ingress
ROUTE_SECONDS = 1.0  # for the nodes to learn that a service has an endpoint

HTTP = 80
SERVED = "svccontroller.k3s.cattle.io/svcname"
"""Which service a pod of k3s' load balancer is for. https://docs.k3s.io/networking/networking-services"""


DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
SEE = "See 'todoctl logs' and 'kubectl get pods --all-namespaces'; then run 'todoctl up' again"


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
    trouble = node_reason(client, pods[0]["spec"].get("nodeName"))
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

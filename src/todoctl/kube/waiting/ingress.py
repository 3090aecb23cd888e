"""What is in the way of the page: an ingress controller, what leads to it, and the ingress itself.

Whatever it is called: the controller is found by what takes connections at port 80 of the nodes, where
k3d's load balancer sends them. That is a service of type LoadBalancer, which k3s leads there by pods of its
own (svclb), or a pod with that port of its node.
"""

from typing import Any

from todoctl.kube.api import Pod
from todoctl.kube.manifests import INGRESS
from todoctl.kube.waiting import conditions, helm
from todoctl.kube.waiting.blocker import Blocker, Grade
from todoctl.kube.waiting.conditions import NO_PODS
from todoctl.kube.waiting.snapshot import Snapshot

HTTP = 80
SERVICE_LABEL = "svccontroller.k3s.cattle.io/svcname"
"""Which service a pod of k3s's service load balancer is for. https://docs.k3s.io/networking/networking-services"""

DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
"""https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class"""

NO_CONTROLLER = Blocker(
    what="there is no ingress controller in this cluster: nothing takes connections at port 80 of its nodes",
    grade=Grade.STUCK,
    fix="Install one, or make the cluster without --disable=traefik: 'todoctl down', then 'todoctl up'",
)


def controller(now: Snapshot) -> list[Blocker]:
    """What is in the way of connections to an ingress controller; nothing where they arrive.

    Where there are several ways, what is in the best of them.
    """
    doors = [pod for pod in now.pods() if _takes_port(pod)]
    ways = [_way(now, service, doors) for service in now.all("Service") if _is_entrance(service)]
    own = [pod for pod in doors if SERVICE_LABEL not in (pod.metadata.labels or {})]
    if own:
        ways.append(_best(now, own))
    if not ways:
        return [helm.blocker(now) or NO_CONTROLLER]
    return min(ways, key=lambda way: max((one.grade for one in way), default=-1))


def _takes_port(pod: Pod) -> bool:
    host = pod.spec.host_network
    return any(
        port.host_port == HTTP or (host and port.container_port == HTTP)
        for container in pod.spec.containers
        for port in container.ports or []
    )


def _is_entrance(service: Any) -> bool:  # noqa: ANN401
    return service.spec.type == "LoadBalancer" and any(port.port == HTTP for port in service.spec.ports or [])


def _way(now: Snapshot, service: Any, doors: list[Pod]) -> list[Blocker]:  # noqa: ANN401
    """What is in the way to and from a service: its own pods, and those that lead port 80 there."""
    name, namespace = service.metadata.name, service.metadata.namespace
    leading = [pod for pod in doors if (pod.metadata.labels or {}).get(SERVICE_LABEL) == name]
    found = _behind(now, service)
    if not leading:
        return [
            *found,
            Blocker(
                what=f"nothing leads port {HTTP} of the nodes to the service {name} in {namespace}",
                grade=Grade.STUCK,
                fix="Make the cluster without --disable=servicelb: 'todoctl down', then 'todoctl up'",
            ),
        ]
    return [*found, *_best(now, leading)]


def _behind(now: Snapshot, service: Any) -> list[Blocker]:  # noqa: ANN401
    name, namespace = service.metadata.name, service.metadata.namespace
    if not service.spec.selector:  # what is behind it is not in this cluster
        return []
    found = now.pods(namespace, **service.spec.selector)
    if found:
        return _best(now, found)
    makers = [found for found in now.all("Deployment") if _makes_pods_for(found, service)]
    if not makers and not any(_makes_pods_for(found, service) for found in now.all("DaemonSet")):
        what = f"the service {name} in {namespace} has no pods, and no deployment makes any"
        fix = f"See what was installed there: 'kubectl -n {namespace} get all'"
        return [Blocker(what=what, grade=Grade.STUCK, fix=fix)]
    for deployment in makers:
        who = f"the deployment {deployment.metadata.name} in {namespace}"
        if deployment.spec.replicas == 0:
            scale = f"kubectl -n {namespace} scale deployment {deployment.metadata.name} --replicas=1"
            return [Blocker(what=f"{who} is scaled to 0 pods", fix=f"Run '{scale}'")]
        if why := conditions.holds(deployment, NO_PODS):
            return [Blocker(what=f"{who} gets no pods: {why}", grade=Grade.STUCK)]
    return [Blocker(what=f"the service {name} in {namespace} has no pods yet")]


def _makes_pods_for(maker: Any, service: Any) -> bool:  # noqa: ANN401
    labels = maker.spec.template.metadata.labels or {}
    same = maker.metadata.namespace == service.metadata.namespace
    return bool(same and service.spec.selector.items() <= labels.items())


def _best(now: Snapshot, group: list[Pod]) -> list[Blocker]:
    """What is in the way of the one that gets on best, of pods that do the same; nothing if one is ready."""
    found = [now.blocker(pod) for pod in group]
    waiting = [one for one in found if one is not None]
    return [] if len(waiting) < len(found) else [min(waiting, key=lambda one: one.grade)]


def has_address(ingress: Any | None) -> bool:  # noqa: ANN401
    """Whether a controller has taken the ingress; some never tell."""
    return bool(ingress and ingress.status and ingress.status.load_balancer.ingress)


def classed(now: Snapshot, ingress: Any | None) -> list[Blocker]:  # noqa: ANN401
    """What is wrong with the class of an ingress that no controller has taken.

    Where there are no classes at all, as with Traefik 1, controllers take what has none.
    """
    if ingress is None:
        what = f"the ingress {INGRESS} is gone"
        return [Blocker(what=what, grade=Grade.STUCK, fix="Run 'todoctl up' again")]
    if has_address(ingress):
        return []
    classes = {found.metadata.name: found.metadata.annotations or {} for found in now.all("IngressClass")}
    defaults = [name for name, annotations in classes.items() if annotations.get(DEFAULT_CLASS) == "true"]
    wanted = ingress.spec.ingress_class_name
    if wanted and wanted not in classes:
        what, fix = f"there is no ingress class {wanted}, which the ingress {INGRESS} asks for", "Make it"
    elif wanted or not classes:
        return []
    elif defaults:
        what = f"the ingress {INGRESS} has no class: it is older than the default class {defaults[0]}"
        fix = f"Run 'kubectl delete ingress {INGRESS}', then 'todoctl up' again"
    else:
        names = ", ".join(sorted(classes))
        what = f"the ingress {INGRESS} has no class, and no class is the default one (there is: {names})"
        first = min(classes)
        make = f"kubectl annotate ingressclass {first} {DEFAULT_CLASS}=true"
        fix = f"Run '{make}' and 'kubectl delete ingress {INGRESS}', then 'todoctl up' again"
    return [Blocker(what=what, grade=Grade.STUCK, fix=fix)]

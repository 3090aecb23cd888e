"""Resources as a cluster has them, for tests to shape."""

from typing import Any

Json = dict[str, Any]

BORN = "2026-11-23T12:00:00Z"
SYSTEM = "kube-system"


def pod(name: str, *, ready: bool = True, **more: Any) -> Json:  # noqa: ANN401 - JSON
    """A pod whose container is running; `waiting`, `terminated`, `restarts`, `conditions` say otherwise.

    `last` is how the container has ended before; `port` is taken of its node.
    """
    state: Json = {"running": {}}
    for key in ("waiting", "terminated"):
        if key in more:
            state = {key: more[key]}
            ready = False
    container = {
        "name": "todo-app-container",
        "image": more.get("image", "todo-app:1"),
        "imageID": "",
        "ready": ready,
        "restartCount": more.get("restarts", 0),
        "state": state,
        "lastState": {"terminated": more["last"]} if "last" in more else {},
    }
    port = more.get("port")
    return {
        "metadata": {
            "name": name,
            "namespace": more.get("namespace", "default"),
            "uid": f"uid-{name}",
            "creationTimestamp": BORN,
            "labels": more.get("labels", {"app": "todo-app"}),
        },
        "spec": {
            "hostNetwork": more.get("host_network", False),
            "containers": [
                {"name": container["name"], "ports": [{"containerPort": port or 3000, "hostPort": port}]}
            ],
        },
        "status": {
            "phase": more.get("phase", "Running"),
            "reason": more.get("reason"),
            "message": more.get("message"),
            "conditions": more.get("conditions", [{"type": "PodScheduled", "status": "True"}]),
            "containerStatuses": None if "conditions" in more else [container],
        },
    }


def event(pod: Json, reason: str, message: str = "", *, normal: bool = False) -> Json:
    """What has happened to a pod."""
    names = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")}
    return {
        "metadata": {"name": f"{names['name']}.{reason}", "namespace": names["namespace"]},
        "involvedObject": {"kind": "Pod", **names},
        "reason": reason,
        "message": message,
        "type": "Normal" if normal else "Warning",
        "lastTimestamp": BORN,
    }


def pulling(pod: Json, image: str) -> Json:
    return event(pod, "Pulling", f'Pulling image "{image}"', normal=True)


def service(name: str, *, kind: str = "LoadBalancer", port: int = 80, selected: bool = True) -> Json:
    """A service of kube-system, for the pods whose label `app` is its name."""
    return {
        "metadata": {"name": name, "namespace": SYSTEM},
        "spec": {"type": kind, "ports": [{"port": port}], "selector": {"app": name} if selected else None},
    }


def controller(name: str = "traefik", **more: Any) -> Json:  # noqa: ANN401
    """A pod behind the service of that name."""
    return pod(f"{name}-1", namespace=SYSTEM, labels={"app": name}, **more)


def door(name: str = "traefik", **more: Any) -> Json:  # noqa: ANN401
    """A pod of k3s's own load balancer for the service of that name."""
    labels = {"svccontroller.k3s.cattle.io/svcname": name}
    return pod(f"svclb-{name}-{more.pop('number', 1)}", namespace=SYSTEM, labels=labels, port=80, **more)


def helm_job(chart: str, *, done: bool = False, conditions: list[Json] | None = None) -> Json:
    return {
        "metadata": {"name": f"helm-install-{chart}", "namespace": SYSTEM},
        "spec": {"template": {"spec": {"containers": [{"name": "helm"}]}}},
        "status": {
            "succeeded": 1 if done else None,
            "completionTime": BORN if done else None,
            "conditions": conditions,
        },
    }


def helm_pod(chart: str, **more: Any) -> Json:  # noqa: ANN401
    """The pod of that chart's job."""
    job = f"helm-install-{chart}"
    return pod(f"{job}-1", namespace=SYSTEM, labels={"job-name": job}, **more)


def ingress_class(name: str) -> Json:
    return {"metadata": {"name": name}}

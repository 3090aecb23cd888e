"""How an image gets into a cluster: by a login, or without a registry by the tool that made the cluster."""

from todoctl.kube.waiting.pull_failures import LOAD, LOG_IN


def command(context: str, image: str) -> str | None:
    """The command of the cluster's own tool; None where it is not known."""
    maker, _, name = context.partition("-")
    return {
        "kind": f"kind load docker-image {image} --name {name}",
        "k3d": f"k3d image import {image} --cluster {name}",
        "minikube": f"minikube image load {image}",
    }.get(maker)


def told(fix: str, context: str, image: str) -> str:
    """What to do, in the terms of this target: its option, and the one command where the context tells it."""
    fix = fix.replace(LOG_IN, "name a secret with its registry's login (--pull-secret)")
    found = command(context, image)
    return fix.replace(LOAD, f"'{found}'") if found else fix

"""How an image gets into a cluster that has no registry, where the context's name tells what made it."""

from todoctl.kubernetes.waiting.pull_failures import LOAD


def command(context: str, image: str) -> str | None:
    """The command of the cluster's own tool; None where it is not known."""
    maker, _, name = context.partition("-")
    return {
        "kind": f"kind load docker-image {image} --name {name}",
        "k3d": f"k3d image import {image} --cluster {name}",
        "minikube": f"minikube image load {image}",
    }.get(maker)


def told(fix: str, context: str, image: str) -> str:
    """What to do, with that command in the place of all that there are."""
    found = command(context, image)
    return fix.replace(LOAD, f"'{found}'") if found else fix

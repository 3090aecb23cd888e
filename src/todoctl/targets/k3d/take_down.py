"""`down` on a cluster: the five resources, then the cluster if todoctl made it, and a look at what stays."""

from todoctl.errors import UnavailableError
from todoctl.kube import image_pod, manifests, removal
from todoctl.kube.ownership import was_applied
from todoctl.targets.base import Progress, Step
from todoctl.targets.k3d.cluster import are_ours
from todoctl.targets.k3d.context import Context
from todoctl.targets.k3d.node import ASIDE, CACHE

DELETE_SECONDS = 90.0
"""For resources to be gone, above the pod's grace period."""


def take_down(context: Context, progress: Progress, *, keep_data: bool) -> bool:
    """Removes what `up` made; False where nothing was there.

    The data is in the node: `keep_data` keeps the cluster, and on it the volume's directory.
    """
    state, known = context.state(), context.known()
    machines = context.cluster.machines()
    ours = bool(machines) and are_ours(machines)
    keep_cluster = context.options.keep_cluster or keep_data or not ours
    if machines and not keep_cluster:
        pass  # all of it is in its containers: nothing is asked of an API that may not answer
    elif machines and all(machine.running for machine in machines) and context.kubeconfig.exists():
        with progress.step("Delete ingress, service, deployment, claim and volume") as step:
            delete(context, step, ours=ours)
    elif machines and keep_cluster and state is not None:
        raise UnavailableError(
            f"Cluster {context.cluster.name} does not run, so the app cannot be taken off it",
            fix="Start it with 'todoctl up', or remove it whole with 'todoctl down'",
        )
    if machines and keep_cluster and not keep_data and known is not None:
        if known.get("found_data"):
            progress.note(f"{CACHE} stays in {context.node.name}: it was there before the first 'up'.")
        else:
            with progress.step(f"Empty the volume in {context.node.name}"):
                context.change("rm", "-rf", CACHE, ASIDE)
    if machines and not keep_cluster:
        with progress.step(f"Delete cluster {context.cluster.name}") as step:
            context.cluster.delete(step.update)
    elif machines and (keep_data or ours):
        why = f": the volume is in its node {context.node.name}" if keep_data else ""
        progress.note(f"Cluster {context.cluster.name} stays{why}. 'todoctl down' removes what was kept.")
        context.keep()
        return state is not None
    context.forget()
    return known is not None or bool(machines and not keep_cluster)


def delete(context: Context, step: Step, *, ours: bool) -> None:
    """Deletes the five resources, the last applied first, and waits until they are gone.

    And the image service of a validation that was killed. On a cluster that is not `ours` only what todoctl
    has applied.
    """
    image_pod.remove(context)
    resources = [
        resource
        for resource in reversed(manifests.plain())
        if ours or was_applied(context.api.read(resource))
    ]
    going = [f"{found['kind'].lower()}/{found['metadata']['name']}" for found in resources]
    context.tell_kubectl("delete", *going, "--ignore-not-found")
    for resource in resources:
        context.api.delete(resource)
    removal.wait(
        lambda: [found for found in resources if context.api.read(found) is not None],
        step,
        DELETE_SECONDS,
        "See 'kubectl describe', or remove the whole cluster with 'todoctl down'",
    )

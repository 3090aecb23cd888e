"""`up` on a cluster: an ordered list of steps.

The image is built while k3d works, out of what the cluster's start leaves of the processors. It is brought to
its node when k3d has done: before that, both would wait for the same disk, and an ingress controller that k3s
installs comes so much later than the image.
"""

from todoctl.background import Background
from todoctl.errors import UnavailableError
from todoctl.images import image
from todoctl.images.engine import has_image
from todoctl.kube import manifests
from todoctl.kube.apply import apply
from todoctl.kube.attempts import wait_until
from todoctl.kube.ownership import was_applied
from todoctl.kube.waiting import rollout
from todoctl.settings import Settings
from todoctl.targets.base import Progress, Step
from todoctl.targets.k3d import node, page
from todoctl.targets.k3d.cluster import are_ours
from todoctl.targets.k3d.context import Context

NODE_SECONDS = 300.0

ASK = ("curl", "--head", "--fail", "--retry", "300", "--retry-delay", "1", "--retry-all-errors")
"""No page view, and again for as long as load balancer or ingress answer with an error."""


def bring_up(context: Context, settings: Settings, tag: str, progress: Progress) -> None:
    """Cluster, node, image, manifests, page; each step leaves alone what is so already."""
    before, known = context.state(), context.known()
    machines = context.cluster.machines()
    ours = are_ours(machines)
    if machines and ours and context.awaits_creation(machines):
        with progress.step(
            f"Remove what an interrupted start left of cluster {context.cluster.name}"
        ) as step:
            context.cluster.delete(step.update)
        machines = []
    running = bool(machines) and all(machine.running for machine in machines)
    lost = running and before is not None and not context.node.has(node.VOLUME)
    building = Background(lambda: build(context, tag))
    if not machines:
        context.write(context.describe(settings, tag, ours=True, complete=False))
        with progress.step(
            f"Create cluster {context.cluster.name} with {context.options.agents} agents"
        ) as step:
            context.cluster.create(settings.port, step.update)
    elif not running:
        with progress.step(f"Start cluster {context.cluster.name}") as step:
            context.cluster.start(step.update)
    with progress.step("Get the cluster's own kubeconfig"):
        context.cluster.kubeconfig(context.kubeconfig)
    if not ours:
        with progress.step(f"Look for an app on cluster {context.cluster.name}") as step:
            check_free(context, step)
    found_data = bool(known.get("found_data")) if known else not ours and context.node.has(node.CACHE)
    context.write(context.describe(settings, tag, ours=ours, complete=True, found_data=found_data))
    with progress.step(f"Build the app's image {tag}"):
        context.commands.pass_on(building.result())
    with progress.step(f"Prepare {node.VOLUME} and the image in {context.node.name}"):
        fill_node(context, tag)
    with progress.step("Apply volume, claim, deployment, service and ingress") as step:
        wait_until(context.stop, context.api.ping, step, "the API server", NODE_SECONDS)
        apply(context, settings, tag)
        if lost:  # a pod that runs still has the directory that is no more
            context.tell_kubectl("rollout", "restart", f"deployment/{manifests.DEPLOYMENT}")
            context.api.restart()
    with progress.step("Wait for the pod") as step:
        rollout.wait(context, step)
    with progress.step(f"Wait for the page at {settings.url}") as step:
        context.tell_kubectl("get", f"ingress/{manifests.INGRESS}")
        context.commands.tell([*ASK, f"{settings.url}/"])
        page.wait(context, settings, step)


def check_free(context: Context, step: Step) -> None:
    """Raises where a resource of our names is there: who lends a cluster does not lend what runs on it."""
    wait_until(context.stop, context.api.ping, step, "the API server", NODE_SECONDS)
    foreign = [
        f"{resource['kind'].lower()}/{resource['metadata']['name']}"
        for resource in reversed(manifests.plain())
        if (there := context.api.read(resource)) is not None and not was_applied(there)
    ]
    if foreign:
        if context.known() is None:
            context.forget()
        raise UnavailableError(
            f"Cluster {context.cluster.name} runs an app of these names, and todoctl has not applied it",
            why=f"there {'is' if len(foreign) == 1 else 'are'} {', '.join(foreign)}",
            fix=f"Delete it ({' '.join(context.kubectl('delete', *foreign))}), or choose another cluster "
            "with --cluster",
        )


def build(context: Context, tag: str) -> list[str]:
    """The image, where Docker does not have it already; returns the commands for it."""
    with context.commands.kept() as told:
        if not has_image(context.engine, tag):
            image.make(context.engine, tag, context.options.base_image, commands=context.commands)
    return told


def fill_node(context: Context, tag: str) -> None:
    """The volume's directory, and the image in the one node that runs it."""
    there = context.node
    wait_until(context.stop, there.ping, None, f"the node {there.name}", NODE_SECONDS)
    context.change("mkdir", "-p", node.VOLUME)
    if not there.has_image(tag):
        context.commands.tell(*there.loading(tag))
        there.load_image(tag)

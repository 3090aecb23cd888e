"""`up` on a cluster: an ordered list of steps, of which some run beside each other.

Most of `k3d cluster create` is waiting: containerd and the API server answer long before k3d returns. So the
image is built while k3d works, and image and manifests are brought there as soon as that is possible.
"""

import threading
from contextlib import suppress

from todoctl.background import Background
from todoctl.errors import UnavailableError
from todoctl.images import image
from todoctl.images.engine import has_image
from todoctl.k3d import node, page
from todoctl.k3d.cluster import are_ours
from todoctl.k3d.context import Context
from todoctl.k3d.node import Node
from todoctl.kubernetes import manifests
from todoctl.kubernetes.apply import apply, tell_rollout
from todoctl.kubernetes.attempts import persist, wait_until
from todoctl.kubernetes.waiting import rollout
from todoctl.settings import Settings
from todoctl.target import Progress

NODE_SECONDS = 300.0
NODE_PAUSE = 1.0
"""Seconds between two commands in a node that does not answer yet: each of them takes time from its start."""

ASK = ("curl", "--head", "--fail", "--retry", "300", "--retry-delay", "1", "--retry-all-errors")
"""No page view, and again for as long as load balancer or ingress answer with an error."""


def bring_up(context: Context, settings: Settings, tag: str, progress: Progress) -> None:
    """Cluster, node, image, manifests, page; each step leaves alone what is so already."""
    before = context.state()
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
    created = threading.Event()
    preparing = Background(lambda: prepare_node(context, building, tag, created))
    applying = None
    if not machines:
        applying = Background(lambda: apply_early(context, preparing, settings, tag, created))
        context.remember(settings, tag, ours=True, complete=False)
        with progress.step(
            f"Create cluster {context.cluster.name} with {context.options.agents} agents"
        ) as step:
            context.cluster.create(settings.port, step.update)
    elif not running:
        with progress.step(f"Start cluster {context.cluster.name}") as step:
            context.cluster.start(step.update)
    created.set()
    with progress.step("Get the cluster's own kubeconfig"):
        context.cluster.kubeconfig(context.kubeconfig)
        context.remember(settings, tag, ours=ours, complete=True)
    with progress.step(f"Build the app's image {tag}"):
        context.commands.pass_on(building.result())
    with progress.step(f"Prepare {node.VOLUME} and the image in {context.node.name}"):
        context.commands.pass_on(preparing.result())
    with progress.step("Apply volume, claim, deployment, service and ingress") as step:
        if applying:
            applying.result()  # nothing of it comes after what is applied here
        wait_until(context.stop, context.api.ping, step, "the API server", NODE_SECONDS)
        apply(context, settings, tag)
        if lost:  # a pod that runs still has the directory that is no more
            context.tell_kubectl("rollout", "restart", f"deployment/{manifests.DEPLOYMENT}")
            context.api.restart()
    with progress.step("Wait for the pod") as step:
        tell_rollout(context)
        rollout.wait(context, step)
    with progress.step(f"Wait for the page at {settings.url}") as step:
        context.tell_kubectl("get", f"ingress/{manifests.INGRESS}")
        context.commands.tell([*ASK, f"{settings.url}/"])
        page.wait(context, settings, step)


def build(context: Context, tag: str) -> list[str]:
    """The image, where Docker does not have it already; returns the commands for it."""
    with context.commands.kept() as told:
        if not has_image(context.engine, tag):
            image.make(context.engine, tag, context.options.base_image, commands=context.commands)
    return told


def prepare_node(
    context: Context, building: Background[list[str]], tag: str, created: threading.Event
) -> list[str]:
    """The volume's directory, and the image in the one node that runs it; returns the commands for it.

    What fails is tried again until `created` is set, however long k3d takes: a node whose k3s starts once
    more has no containerd for a while.
    """
    there = context.node
    for attempt in (there.state, there.ping):
        with suppress(UnavailableError):
            persist(context.stop, attempt, created.is_set, pause=NODE_PAUSE)
        wait_until(context.stop, attempt, None, f"the node {there.name}", NODE_SECONDS)
    told: list[list[str]] = []
    with suppress(UnavailableError):
        persist(
            context.stop,
            lambda: told.append(fill_node(context, building, tag)),
            created.is_set,
            pause=NODE_PAUSE,
        )
    return told[0] if told else fill_node(context, building, tag)


def fill_node(context: Context, building: Background[list[str]], tag: str) -> list[str]:
    there = context.node
    with context.commands.kept() as told:
        context.change("mkdir", "-p", node.VOLUME)
        building.result()
        if not there.has_image(tag):
            context.commands.tell(*there.loading(tag))
            there.load_image(tag)
    return told


def apply_early(
    context: Context, preparing: Background[list[str]], settings: Settings, tag: str, created: threading.Event
) -> None:
    """Applies while k3d still waits for other things; what does not work out until `created` is done later.

    By the server node's own kubectl, because the way from here to the API is the last that k3d makes. The
    image is in its node by then: a pull that fails is tried again only after ten seconds.
    """
    server = Node(context.engine, context.options.server)
    volume, *others = context.resources(settings, tag)
    with suppress(UnavailableError):
        preparing.result()
        for attempt in (
            lambda: server.apply(manifests.render([volume])),
            lambda: server.find_phase(volume["metadata"]["name"]),
            lambda: server.apply(manifests.render(others)),
        ):
            persist(context.stop, attempt, created.is_set, pause=NODE_PAUSE)

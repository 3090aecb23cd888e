"""What every step on a k3d cluster needs: options, state, and ways to Docker and the node."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError
from todoctl.home import Home, damaged
from todoctl.images.engine import connect
from todoctl.kube import context
from todoctl.kube.manifests import CONTAINER, Resource, digest
from todoctl.settings import Settings
from todoctl.targets.k3d import resources
from todoctl.targets.k3d.cluster import Cluster, Machine, are_whole
from todoctl.targets.k3d.node import Node
from todoctl.targets.k3d.options import AT_CREATION, ClusterOptions

if TYPE_CHECKING:
    import docker

    from todoctl.kube.api import Api


class Context(context.Context):
    """One cluster, as named by `options`, and what is remembered of it in `directory`.

    Docker is asked when it is needed, so that `status` can tell of its being away.
    """

    def __init__(self, home: Home, options: ClusterOptions, commands: Commands = SILENT) -> None:
        super().__init__(home.path, Path("k3d", options.cluster), commands)
        self.kubeconfig = self.directory / "kubeconfig"
        self.options = options

    @cached_property
    def api(self) -> "Api":
        """The cluster's own kubeconfig leads there, on this machine."""
        from todoctl.kube.api import Api

        return Api(self.kubeconfig, self.namespace, proxied=False)

    @property
    def name(self) -> str:
        """As k3d names it."""
        return f"k3d-{self.options.cluster}"

    @property
    def node_name(self) -> str:
        """It alone has the volume and the app's image."""
        return self.options.node

    def resources(self, settings: Settings, image: str, *, replicas: int | None = None) -> list[Resource]:
        number = 1 if replicas is None else replicas
        return resources.resources(settings, self.options, image, replicas=number)

    def printing(self, settings: Settings, image: str) -> list[str]:
        return resources.command(settings, self.options, image)

    def running(self) -> int:
        """As containerd tells it: the API does up to ten seconds later (the kubelet's status sync)."""
        return self.node.running(CONTAINER)

    def remembered(self) -> "Context":
        """This context with the options that the cluster was made with, where that is known."""
        made = self.made_with()
        if made is not None:
            self.options = replace(made, keep_cluster=self.options.keep_cluster)
        return self

    def made_with(self) -> ClusterOptions | None:
        """The options that are remembered; raises `UnavailableError` where the file is damaged."""
        state = self.known()
        if state is None:
            return None
        try:
            return ClusterOptions.from_json(state["options"])
        except (KeyError, TypeError, BadUsageError) as error:
            raise damaged(self.file, error) from None

    def awaits_creation(self, machines: list[Machine]) -> bool:
        """Whether the cluster is yet to be created, or what an interrupted start has left of it is."""
        state = self.state()
        return not are_whole(machines) or (state is not None and not state["complete"])

    def settle(self) -> None:
        """Takes from the cluster that is there what only its creation could settle.

        Raises `BadUsageError` where the user wants that otherwise.
        """
        machines = self.cluster.machines()
        if self.awaits_creation(machines):
            return
        state, made = self.known(), self.made_with()
        differing = []
        if state and made and state["ours"]:
            differing = [f"was made with {words}" for words in self.options.differing(made)]
            self.options = replace(self.options, **{name: getattr(made, name) for name in AT_CREATION})
        else:
            if self.options.k3d_arg:
                differing = ["was made without todoctl's --k3d-arg"]
            self.options = replace(self.options, agents=self.cluster.count_agents(machines))
        if differing:
            raise BadUsageError(
                f"Cluster {self.options.cluster} {' and '.join(differing)}",
                why="a cluster keeps what it was created with",
                fix="Leave that out, choose another cluster with --cluster, or run 'todoctl down' first",
            )

    @cached_property
    def engine(self) -> "docker.DockerClient":
        return connect()

    @cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.engine, self.options, self.commands)

    @cached_property
    def node(self) -> Node:
        """The node with the volume."""
        return Node(self.engine, self.options.node)

    def change(self, *command: str) -> None:
        """Runs a command in the node with the volume, and tells it."""
        self.commands.tell(self.node.inside(*command))
        self.node.run(*command)

    def describe(
        self, settings: Settings, image: str, *, ours: bool, complete: bool, found_data: bool = False
    ) -> dict[str, Any]:
        """What to remember.

        `complete` is false while the cluster is being created; `found_data` says that a cache lay in the node
        before the first `up`.
        """
        return {
            "settings": settings.to_json(),
            "options": {**self.options.to_json(), "keep_cluster": False, "adopt": False},
            "image": image,
            "applied": digest(self.resources(settings, image)),
            "ours": ours,
            "complete": complete,
            "found_data": found_data,
        }

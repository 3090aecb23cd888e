"""The volume on a cluster: a directory of a node, and its two sides, the node and the pod that uses it."""

from todoctl.kube.manifests import CONTAINER, DEPLOYMENT
from todoctl.kube.pod_side import INSIDE, PodSide
from todoctl.kube.waiting import rollout
from todoctl.targets.k3d.context import Context
from todoctl.targets.k3d.node import ASIDE, CACHE
from todoctl.targets.k3d.node_side import NodeSide
from todoctl.targets.volume import Side, require_aside


class NodeVolume:
    """The node's directory; see `todoctl.targets.volume.Volume` for what each method promises."""

    directory = INSIDE

    def __init__(self, context: Context) -> None:
        self._context = context
        self._node = context.node
        self._host = NodeSide(self._node)
        self._app: PodSide | None = None
        self._is_aside = False
        """As far as it is known: nobody else changes it while todoctl's home is locked."""

    def host(self) -> Side:
        return self._host

    def sides(self) -> tuple[Side, Side]:
        """`docker exec` in the node against `exec` in the pod."""
        api = self._context.api
        self._context.commands.tell(self._node.inside("ls", "-l", CACHE))
        listing = ("ls", "-l", INSIDE)
        self._context.tell_kubectl(
            "exec", f"deployment/{DEPLOYMENT}", f"--container={CONTAINER}", "--", *listing
        )
        pod, *_ = rollout.require_standing(api)
        if self._app is None or self._app.pod != pod:
            self._close_app()
            self._app = PodSide(api, pod, fractions=self._node.tells_fractions)
        return self._host, self._app

    def close(self) -> None:
        self._host.close()
        self._close_app()

    def _close_app(self) -> None:
        if self._app is not None:
            self._app.close()
            self._app = None

    def is_set_aside(self) -> bool:
        self._is_aside = self._is_aside or self._node.has(ASIDE)
        return self._is_aside

    def set_aside(self) -> None:
        if self._node.has(CACHE):
            self._context.change("mv", "-T", CACHE, ASIDE)
        else:
            self._context.change("mkdir", ASIDE)

    def empty(self) -> None:
        """The app makes the directory itself, so that it is the app's own."""
        require_aside(self)
        self._context.change("rm", "-rf", CACHE)

    def put(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        if content is None:
            self._context.change("rm", "-f", f"{CACHE}/{name}")
        else:
            # The app, which is not root here, is to use it.
            self._context.change("mkdir", "-p", "-m", "777", CACHE)
            self._context.commands.tell(["docker", "cp", name, f"{self._node.name}:{CACHE}/{name}"])
            self._node.put(CACHE, name, content)

    def detach(self) -> None:
        """The app, which is not root, may not even look into the directory any more."""
        require_aside(self)
        self._context.change("chmod", "000", CACHE)

    def attach(self) -> None:
        require_aside(self)
        self._context.change("chmod", "777", CACHE)

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        if self.is_set_aside():
            self._context.change("rm", "-rf", CACHE)
            self._context.change("mv", "-T", ASIDE, CACHE)
            self._is_aside = False
            # Where there was none, there is none again; a full one is not touched.
            self._context.change("find", CACHE, "-maxdepth", "0", "-empty", "-delete")

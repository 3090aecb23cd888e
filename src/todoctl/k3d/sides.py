"""The two sides of the volume on a cluster: the node that has it, and the pod that uses it."""

import base64
import inspect
import json

from todoctl import directory
from todoctl.k3d.api import Api
from todoctl.k3d.node import CACHE, Node
from todoctl.target import File

INSIDE = "/usr/src/app/files/cache"


class NodeSide:
    """The node's directory; see `todoctl.target.Side`."""

    def __init__(self, node: Node) -> None:
        self.seen_from = f"the node {node.name}: {CACHE}"
        self._node = node

    def read(self) -> list[File]:
        return self._node.files()


class PodSide:
    """The directory in the app's container; times are cut to seconds where the node has no `fractions`."""

    def __init__(self, api: Api, pod: str, *, fractions: bool) -> None:
        self.seen_from = f"the pod {pod}: {INSIDE}"
        self._api = api
        self._pod = pod
        self._step = 1 if fractions else 10**9

    def read(self) -> list[File]:
        program = inspect.getsource(directory)
        seen = json.loads(self._api.execute(self._pod, "python3", "-S", "-c", program, INSIDE))
        return [
            File(
                name=name,
                size=size,
                modified=at // self._step * self._step / 1e9,
                content=base64.b64decode(content),
            )
            for name, size, at, content in seen
        ]

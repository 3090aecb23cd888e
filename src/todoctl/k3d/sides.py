"""The two sides of the volume on a cluster: the node and the pod.

They are looked at after every page view, and to begin a command there takes longer than to read the files. So
one goes on at each side and looks again when it is told to. Where that fails, a command of its own looks, and
says why where it fails as well.
"""

import base64
import inspect
import json
import secrets
import select
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from websocket import WebSocketException

from todoctl import directory
from todoctl.k3d.api import Api, Session, end
from todoctl.k3d.node import CACHE, LOOK, Node, parse
from todoctl.volume import File

if TYPE_CHECKING:
    from typing import IO

INSIDE = "/usr/src/app/files/cache"

LOOK_SECONDS = 5.0
"""For one more look: far more than it takes. After that, a command of its own is asked."""

AGAIN = 'while read -r _; do "$@" && echo "$0+" || echo "$0-"; done'
"""For a shell: runs a command for each line that comes, and tells with its own name how that has ended."""


class NodeSide:
    """The node's directory; see `todoctl.volume.Side`."""

    def __init__(self, node: Node) -> None:
        self.seen_from = f"the node {node.name}: {CACHE}"
        self._node = node
        self._going: subprocess.Popen[bytes] | None = None
        self._name = secrets.token_hex(16)
        """The shell's: nothing that the files could contain."""

    def read(self) -> list[File]:
        output = self._look_again()
        found = None if output is None else parse(output)
        return self._node.files() if found is None else found

    def _look_again(self) -> bytes | None:
        """What `node.LOOK` has printed; None where it has failed."""
        if self._going is None:
            self._going = subprocess.Popen(
                self._node.inside("sh", "-c", AGAIN, self._name, *LOOK, stdin=True),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        asked, told = cast("IO[bytes]", self._going.stdin), cast("IO[bytes]", self._going.stdout)
        well, ill = (f"{self._name}{sign}\n".encode() for sign in "+-")
        output = b""
        with suppress(OSError):
            asked.write(b"\n")
            while not output.endswith((well, ill)):
                ready, _, _ = select.select([told], [], [], LOOK_SECONDS)
                part = told.read(1 << 16) if ready else b""
                if not part:
                    break
                output += part
            else:
                return output.removesuffix(well) if output.endswith(well) else None
        self.close()
        return None

    def close(self) -> None:
        """The shell ends where nothing more can come, but not with `docker` where that is killed."""
        if self._going is not None:
            with suppress(subprocess.TimeoutExpired):
                self._going.communicate(timeout=LOOK_SECONDS)
            self._going.kill()
            self._going.communicate()
            self._going = None


class PodSide:
    """The directory in the app's container; times are cut to seconds where the node has no `fractions`."""

    def __init__(self, api: Api, pod: str, *, fractions: bool) -> None:
        self.seen_from = f"the pod {pod}: {INSIDE}"
        self.pod = pod
        self._api = api
        self._step = 1 if fractions else 10**9
        self._command = ("python3", "-S", "-c", inspect.getsource(directory), INSIDE)
        self._going: Session | None = None

    def read(self) -> list[File]:
        seen = json.loads(self._look_again() or self._api.execute(self.pod, *self._command))
        return [
            File(
                name=name,
                size=size,
                modified=at // self._step * self._step / 1e9,
                content=base64.b64decode(content),
            )
            for name, size, at, content in seen
        ]

    def _look_again(self) -> str:
        """What the program has printed; nothing where it has failed."""
        line = ""
        with suppress(WebSocketException, OSError):
            if self._going is None:
                self._going = self._api.begin(self.pod, *self._command, stdin=True)  # it looks at once
            else:
                self._going.write_stdin("\n")
            line = self._going.readline_stdout(timeout=LOOK_SECONDS)
        if not line:
            self.close()
        return line

    def close(self) -> None:
        if self._going is not None:
            end(self._going)
            self._going = None

"""The host's side of the volume: the directory in the node. As in `pod_side`, one command goes on there."""

import secrets
import select
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from todoctl.kube.pod_side import LOOK_SECONDS
from todoctl.targets.k3d.node import CACHE, LOOK, Node, parse
from todoctl.targets.volume import File

if TYPE_CHECKING:
    from typing import IO

AGAIN = 'while read -r _; do "$@" && echo "$0+" || echo "$0-"; done'
"""For a shell: runs a command for each line that comes, and tells with its own name how that has ended."""


class NodeSide:
    """The node's directory; see `todoctl.targets.volume.Side`."""

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

"""The app's side of the volume: the directory in its container.

It is looked at after every page view, and to begin a command there takes longer than to read the files. So
one goes on there, and looks again when it is told to. Where that fails, a command of its own looks, and says
why where it fails as well.
"""

import base64
import inspect
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from websocket import WebSocketException

from todoctl import directory as program
from todoctl.kube.api import Api
from todoctl.targets.volume import File

if TYPE_CHECKING:
    from todoctl.kube.pod_commands import Session

INSIDE = "/usr/src/app/files/cache"

LOOK_SECONDS = 5.0
"""For one more look: far more than it takes. After that, a command of its own is asked."""


class PodSide:
    """The directory in the app's container; times are cut to seconds where the node has no `fractions`."""

    def __init__(self, api: Api, pod: str, *, fractions: bool, directory: str = INSIDE) -> None:
        self.seen_from = f"the pod {pod}: {directory}"
        self.pod = pod
        self._commands = api.pod_commands
        self._step = 1 if fractions else 10**9
        self._command = ("python3", "-S", "-c", inspect.getsource(program), directory)
        self._going: Session | None = None

    def read(self) -> list[File]:
        seen = json.loads(self._look_again() or self._commands.run(self.pod, *self._command))
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
                self._going = self._commands.begin(self.pod, *self._command)  # it looks at once
            else:
                self._going.write("\n")
            line = self._going.read_line(LOOK_SECONDS)
        if not line:
            self.close()
        return line

    def close(self) -> None:
        if self._going is not None:
            self._going.end()
            self._going = None

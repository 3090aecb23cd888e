"""Pulling images through Docker's engine, for as long as something comes.

The engine goes on with a layer where its connection broke, if its next attempt five seconds later reaches the
registry. Else its classic image store begins that layer anew, and containerd's store goes on with it. A layer
that is unpacked stays, whatever happens to the others.
"""

import threading
import time
from collections.abc import Mapping

import docker
import docker.errors
from urllib3.exceptions import HTTPError

from todoctl.background import Background
from todoctl.commands import SILENT, Commands
from todoctl.errors import UnavailableError
from todoctl.images.engine import has_image, reason
from todoctl.images.layers import Layers
from todoctl.images.refusals import remedy
from todoctl.targets.base import Downloads, Progress

POLL_SECONDS = 0.2
QUIET_SECONDS = 10.0
"""From then on it is said that nothing comes."""

SILENT_SECONDS = 300.0
"""Docker's engine finds a dead connection by itself within less (TCP keep-alive), and goes on."""

LONGEST_PAUSE = 15.0
ATTEMPTS_BEFORE, ATTEMPTS_AFTER = 3, 20
"""In a row without a new byte, before and after the registry has told of the image: each of them comes after
the engine's own five, and the second number is about five minutes of a line that is down."""

UNREACHABLE = ("no such host", "connection refused", "network is unreachable", "no route to host")
"""Words of the engine after which no further attempt helps, unless the registry was reached before: then the
line is down, and may come back."""

REACH = "Check the network and Docker's proxy settings ('docker info'), or name a local image with {option}"
AGAIN = "When the network is better, run 'todoctl up' again: it goes on with what has come"


def pull_missing(
    engine: docker.DockerClient, wanted: Mapping[str, str], progress: Progress, commands: Commands = SILENT
) -> None:
    """Pulls the images in `wanted` that Docker does not have, all beside each other.

    `wanted` holds by image what names another one: an option or a variable. Raises `UnavailableError` as
    soon as one image is certain not to come; Docker keeps the layers that are complete.
    """
    missing = {name: option for name, option in wanted.items() if not has_image(engine, name)}
    if not missing:
        return
    title = f"Pull {next(iter(missing))}" if len(missing) == 1 else f"Pull {len(missing)} images"
    over = threading.Event()
    with progress.downloads(title, list(missing)) as downloads:
        for name in missing:
            commands.tell(["docker", "pull", name])
        try:
            _follow([Pull(engine, name, option, over) for name, option in missing.items()], downloads)
        finally:
            over.set()


def _follow(pulls: "list[Pull]", downloads: Downloads) -> None:
    """Until all are done, or one fails."""
    working = {pull: Background(pull.run) for pull in pulls}
    while working:
        for pull, work in list(working.items()):
            if work.is_over:
                del working[pull]
                work.result()
        silent = time.monotonic() - max(pull.heard for pull in pulls)
        for pull in pulls:
            quiet = silent > QUIET_SECONDS and pull in working
            doing = f"nothing has come for {silent // 10 * 10:.0f} s" if quiet else pull.doing
            layers = pull.layers
            downloads.tell(pull.name, layers.loaded, layers.size, doing, more=layers.more)
        if silent > SILENT_SECONDS:
            raise UnavailableError(
                f"The pull of {next(iter(working)).name} has stalled",
                why=f"Docker has got nothing for {SILENT_SECONDS:.0f} s",
                fix=AGAIN,
            )
        time.sleep(POLL_SECONDS if working else 0)


class Pull:
    """One image on its way. `over` is set when nobody waits for it any longer."""

    def __init__(self, engine: docker.DockerClient, name: str, option: str, over: threading.Event) -> None:
        self._engine = engine
        self._option = option
        self._over = over
        self._trouble = ""
        self.name = name
        self.layers = Layers()
        self.heard = time.monotonic()
        """When Docker last told something."""

    @property
    def doing(self) -> str:
        return self._trouble or self.layers.doing

    def run(self) -> None:
        """Until the image is there; raises `UnavailableError` where it will not come."""
        fruitless = 0
        while True:
            before = self.layers.most
            why = self._attempt()
            self.heard = time.monotonic()
            if why is None:
                return
            if fix := self._fix(why):
                raise self._failed(why, fix)
            fruitless = 0 if self.layers.most > before else fruitless + 1
            if fruitless >= (ATTEMPTS_AFTER if self.layers.known else ATTEMPTS_BEFORE):
                raise self._failed(why, AGAIN)
            self.layers.begin_again()
            self._trouble = f"trying again: {why}"
            if self._over.wait(min(2.0**fruitless, LONGEST_PAUSE)):
                raise self._failed(why, AGAIN)

    def _attempt(self) -> str | None:
        """Pulls once; returns why the image has not come, None where it has."""
        try:
            for event in self._engine.api.pull(self.name, stream=True, decode=True):
                self.heard = time.monotonic()
                if "error" in event:
                    return str(event["error"])
                self._trouble = ""
                self.layers.take(event)
            return None if has_image(self._engine, self.name) else "Docker's answer ended too early"
        except (docker.errors.DockerException, HTTPError, OSError) as error:
            return reason(error)

    def _fix(self, why: str) -> str:
        """What to do where no further attempt makes sense; nothing where one does."""
        said = why.lower()
        unreachable = not self.layers.known and any(words in said for words in UNREACHABLE)
        return remedy(why, self._option) or (REACH.format(option=self._option) if unreachable else "")

    def _failed(self, why: str, fix: str) -> UnavailableError:
        return UnavailableError(
            f"The image {self.name} cannot be pulled",
            why=" ".join(why.split()),
            fix=fix,
        )

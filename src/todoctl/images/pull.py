"""Pulling images through Docker's engine, beside each other, for as long as something comes.

The engine goes on with a layer if its connection broke; a layer that is unpacked stays.
"""

import re
import threading
from collections.abc import Mapping
from concurrent.futures import as_completed
from typing import Any

import docker
import docker.errors
from urllib3.exceptions import HTTPError

from todoctl.errors import UnavailableError
from todoctl.images.engine import has_image, in_background, reason
from todoctl.targets.base import Downloads, Progress

LONGEST_PAUSE = 15.0
ATTEMPTS_BEFORE, ATTEMPTS_AFTER = 3, 20
"""In a row without a new byte, before and after the registry has answered: each comes after the engine's own
five, and the second number is about five minutes of a line that is down."""

NAME = "Check the image's name"
LOGIN = "Check the image's name, and log in to its registry ('docker login')"
REACH = "Check the network and Docker's proxy settings ('docker info')"
AGAIN = "When the network is better, run 'todoctl up' again: it goes on with what has come"

REFUSALS = (
    (r"no space left|disk quota", "Free disk space where images are kept ('docker system df')"),
    (r"toomanyrequests|\b429\b", "The registry limits pulls: log in to it, or try again later"),
    (r"credentials store|getting credentials", "Mend credsStore and credHelpers in Docker's config.json"),
    (r"x509", "Trust the registry: https://docs.docker.com/engine/security/certificates/"),
    (r"http response to https", "List the registry among 'insecure-registries' in Docker's daemon.json"),
    (r"verification failed", "The registry has sent something else than it said; try again"),
    (r"failed to register layer", "It could not be unpacked; see 'docker info'"),
    (r"no match for platform|no matching manifest", "Choose an image for this machine's architecture"),
    (r"invalid ?(reference|image ?name)|could ?n.t parse|neverpull|policy of never", NAME),
    (r"denied|scope|unauthorized|authentication|no basic auth|authorization|forbidden|\b40[13]\b", LOGIN),
    (r"unknown|not ?found", NAME),
)
"""Words of registries, Docker and containerd if no other attempt helps, in small letters, and what to do."""

LINE = re.compile(
    r"no such host|connection refused|unreachable|time(d )?out|reset by peer|unexpected eof|\beof$"
)
"""Troubles of the line, which may pass, whatever else is said."""


def remedy(why: str) -> str:
    """Returns what to do about `why`; empty if another attempt may help."""
    said = why.lower()
    if LINE.search(said):
        return ""
    return next((fix for pattern, fix in REFUSALS if re.search(pattern, said)), "")


def pull_missing(engine: docker.DockerClient, wanted: Mapping[str, str], progress: Progress) -> None:
    """Pulls the images in `wanted` that Docker does not have, all beside each other.

    `wanted` holds by image what names another one: an option or a variable. Raises `UnavailableError` as
    soon as one image is certain not to come; Docker keeps the layers that are complete.
    """
    missing = {name: option for name, option in wanted.items() if not has_image(engine, name)}
    if not missing:
        return
    title = f"Pull {next(iter(missing))}" if len(missing) == 1 else f"Pull {len(missing)} images"
    over = threading.Event()
    with progress.downloads(title, list(missing)) as shown:
        for name in missing:
            progress.command(["docker", "pull", name])
        pulls = [Pull(engine, name, option, shown, over) for name, option in missing.items()]
        try:
            for pull in as_completed([in_background(pull.run) for pull in pulls]):
                pull.result()
        finally:
            over.set()  # nobody waits for the others any longer


class Pull:
    """One image on its way."""

    def __init__(
        self, engine: docker.DockerClient, name: str, option: str, shown: Downloads, over: threading.Event
    ) -> None:
        self._engine = engine
        self._name = name
        self._option = option
        self._shown = shown
        self._over = over
        self._layers: dict[str, tuple[int, int]] = {}
        """How many bytes of each layer are here, of how many."""

    def run(self) -> None:
        """Returns when the image is there; raises `UnavailableError` if it will not come."""
        most = fruitless = 0
        while (why := self._attempt()) is not None:
            if fix := remedy(why):
                raise self._failed(why, f"{fix}, or name another image with {self._option}")
            loaded = sum(loaded for loaded, _ in self._layers.values())
            fruitless = 0 if loaded > most else fruitless + 1
            most = max(most, loaded)
            if fruitless >= (ATTEMPTS_AFTER if self._layers else ATTEMPTS_BEFORE):
                raise self._failed(why, AGAIN if self._layers else f"{REACH}, or use {self._option}")
            self._show(f"trying again: {why}")
            if self._over.wait(min(2.0**fruitless, LONGEST_PAUSE)):
                return

    def _attempt(self) -> str | None:
        """Pulls once; returns why the image has not come, None if it has."""
        try:
            for event in self._engine.api.pull(self._name, stream=True, decode=True):
                if "error" in event:
                    return str(event["error"])
                self._take(event)
            return None if has_image(self._engine, self._name) else "Docker's answer ended too early"
        except (docker.errors.DockerException, HTTPError, OSError, ValueError) as error:
            return reason(error)

    def _take(self, event: dict[str, Any]) -> None:
        """After a broken connection the engine counts what is still to come alone."""
        status, layer, detail = str(event.get("status")), str(event.get("id")), event.get("progressDetail")
        before, size = self._layers.get(layer, (0, 0))
        if status == "Downloading" and detail:
            total = int(detail.get("total") or 0)
            size = max(size, total)
            self._layers[layer] = size - total + int(detail.get("current") or 0), size
        elif status in {"Verifying Checksum", "Download complete", "Pull complete", "Already exists"}:
            self._layers[layer] = size or before, size
        doing = "unpacking" if status == "Extracting" else ""
        self._show("broke off, Docker tries again" if status.startswith("Retrying in") else doing)

    def _show(self, doing: str) -> None:
        loaded, sizes = zip(*self._layers.values(), strict=True) if self._layers else ((), ())
        self._shown.show(self._name, sum(loaded), sum(sizes), doing)

    def _failed(self, why: str, fix: str) -> UnavailableError:
        return UnavailableError(f"The image {self._name} cannot be pulled", why=why, fix=fix)

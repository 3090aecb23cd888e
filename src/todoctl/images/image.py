"""The app's container image: built from the installed package itself, named by its content."""

import hashlib
import importlib.util
import io
import re
import tarfile
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
from docker.utils import parse_repository_tag
from rich.text import Text

from todoctl.commands import SILENT, Commands
from todoctl.errors import UnavailableError
from todoctl.images.engine import connect, has_image
from todoctl.images.pip_settings import certificates, pip_conf
from todoctl.images.pull import pull_missing
from todoctl.images.refusals import remedy
from todoctl.targets.base import Progress, Step

DEFAULT_BASE_IMAGE = "python:3.13-slim"
REPOSITORY = "todo-app"

OTHER_FILE = re.compile(r"DO NOT MATCH THE HASHES.*? (\S+==\S+) from ")
"""https://pip.pypa.io/en/stable/topics/secure-installs/"""

CPU_SHARES = 2
"""The least there is: what a cluster does meanwhile, others wait for; nobody waits for the image so soon.
https://docs.docker.com/engine/containers/resource_constraints/ (the default is 1024)
"""


def app_files() -> dict[str, bytes]:
    """What the image is made of, by path: the app's package (found, not imported), pins, recipe."""
    found = importlib.util.find_spec("todoapp")
    if found is None or not found.submodule_search_locations:
        raise UnavailableError("The package todoapp is not installed", fix="Install todoctl again with pip")
    package = Path(found.submodule_search_locations[0])
    content = {
        f"todoapp/{path.relative_to(package)}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in ("Dockerfile", "requirements.txt", "entrypoint.py"):
        content[name] = files("todoctl.images").joinpath(name).read_bytes()
    return content


def reference(engine: docker.DockerClient, base_image: str | None) -> str:
    """The image's name: its tag changes with every byte of the app, its pins, its recipe or its base."""
    digest = hashlib.sha256()
    for path, content in sorted(app_files().items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    base = base_image or DEFAULT_BASE_IMAGE
    digest.update(base.encode())
    with suppress(docker.errors.ImageNotFound):  # pulled by the build then; its name has to do
        digest.update(str(engine.images.get(base).id).encode())
    return f"{REPOSITORY}:{digest.hexdigest()[:16]}"


def build_context(pip: str | None = None) -> io.BytesIO:
    """All that a build needs, as a tar archive, with these settings of pip or this machine's."""
    settings = pip_conf() if pip is None else pip
    return _context({**app_files(), "pip/pip.conf": settings.encode(), "pip/ca.pem": certificates()})


def make(
    engine: docker.DockerClient,
    name: str,
    base_image: str | None,
    step: Step | None = None,
    commands: Commands = SILENT,
) -> None:
    """Builds the image; raises `UnavailableError` with the build's own reason."""
    base = base_image or DEFAULT_BASE_IMAGE
    settings = pip_conf()
    on_loopback = any(
        urlsplit(word).hostname in {"localhost", "127.0.0.1", "::1"} for word in settings.split()
    )
    network = ["--network=host"] if on_loopback else []
    build = ["docker", "build", f"--tag={name}", f"--build-arg=BASE={base}", *network, "-"]
    commands.tell(["todoctl", "image", "context"], build)
    said: list[str] = []
    try:
        for event in engine.api.build(
            fileobj=build_context(settings),
            custom_context=True,
            tag=name,
            buildargs={"BASE": base},
            labels={"org.opencontainers.image.title": "todo-app"},
            network_mode="host" if on_loopback else None,
            container_limits={"cpushares": CPU_SHARES},
            rm=True,
            forcerm=True,
            decode=True,
        ):
            _follow(event, said, step)
            if "error" in event:  # an image of that name may be there from an earlier build
                raise _failed(name, _reason(said), base)
    except docker.errors.DockerException as error:
        raise _failed(name, " ".join(str(error).split()), base) from None
    if not has_image(engine, name):
        raise _failed(name, _reason(said), base)


def _follow(event: dict[str, Any], said: list[str], step: Step | None) -> None:
    # Docker's classic builder colours what a command writes to standard error.
    text = Text.from_ansi(str(event.get("stream") or event.get("error") or ""))
    line = " ".join(text.plain.split())
    if not line:
        return
    said.append(line)
    if step:
        step.update(line[:100])


def _reason(said: list[str]) -> str:
    """pip's own ERROR lines where there are any: what Docker says after them only repeats the command."""
    errors = [line for line in said if "ERROR" in line]
    return " ".join(errors or said[-1:]) or "the build ended without an image"


def _failed(name: str, why: str, base: str) -> UnavailableError:
    fix = "Without a registry, name a local Python image with --base-image"
    if other := OTHER_FILE.search(why):
        why = f"the package index has another file of {other[1]} than PyPI"
        fix = "Let pip use an index that hands on PyPI's own files (pip config list)"
    return UnavailableError(f"The image {name} could not be built on {base}", why=why[-400:], fix=fix)


def _context(content: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, data in sorted(content.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(data))
    stream.seek(0)
    return stream


def build(name: str, base_image: str | None, progress: Progress) -> str:
    """`todoctl image build`: the image under a name of the user's own; returns its ID."""
    engine = connect()
    pull_missing(engine, {base_image or DEFAULT_BASE_IMAGE: "--base-image"}, progress)
    with progress.step(f"Build {name}") as step:
        make(engine, name, base_image, step)
    return str(engine.images.get(name).id)


def push(name: str, progress: Progress) -> str:
    """`todoctl image push`: its name by digest; raises `UnavailableError` with the registry's reason."""
    engine = connect()
    if not has_image(engine, name):
        raise UnavailableError(f"There is no image {name}", fix=f"Build it with 'todoctl image build {name}'")
    digest = ""
    with progress.step(f"Push {name}") as step:
        try:
            for event in engine.images.push(name, stream=True, decode=True):
                if "error" in event:
                    raise _not_pushed(name, event["error"])
                digest = event.get("aux", {}).get("Digest", digest)
                step.update(f"{event.get('status', '')} {event.get('id', '')}".strip())
        except docker.errors.DockerException as error:
            raise _not_pushed(name, str(error)) from None
    return f"{repository(name)}@{digest}" if digest else name


def _not_pushed(name: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"{name} could not be pushed",
        why=" ".join(why.split()),
        fix=remedy(why) or "Check the registry's address and the network, and try again",
    )


def repository(name: str) -> str:
    """An image's name without its tag and digest."""
    return str(parse_repository_tag(name.partition("@")[0])[0])

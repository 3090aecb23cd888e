"""The app's container image: built from the installed package itself, named by its content."""

import hashlib
import importlib.util
import io
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
from docker.utils import parse_repository_tag
from rich.text import Text
from urllib3.exceptions import HTTPError

from todoctl.errors import UnavailableError
from todoctl.images.engine import connect, has_image, reason, translated
from todoctl.images.pull import pull_missing, remedy
from todoctl.targets.base import Progress, Step

DEFAULT_BASE_IMAGE = "python:3.13-slim"
REPOSITORY = "todo-app"

OTHER_FILE = re.compile(r"DO NOT MATCH THE HASHES.*? (\S+==\S+) from ")
"""https://pip.pypa.io/en/stable/topics/secure-installs/"""

STEP = re.compile(r"Step \d+/\d+ : ")
"""What Docker says at the begin of an instruction."""

LOGIN = re.compile(r"(?<=//)[^/\s]*@")
"""User and password in a URL: what a build gets stays in its layers."""

CPU_SHARES = 2
"""The least there is: what a cluster does meanwhile, others wait for; nobody waits for the image so soon.
https://docs.docker.com/engine/containers/resource_constraints/ (the default is 1024)
"""


def app_files() -> dict[str, bytes]:
    """Returns what the image is made of, by path: the app's package (found, not imported), pins, recipe."""
    found = importlib.util.find_spec("todoapp")
    if found is None or not found.submodule_search_locations:
        raise UnavailableError("The package todoapp is not installed", fix="Install todoctl again with pip")
    package = Path(found.submodule_search_locations[0])
    content = {
        f"todoapp/{path.relative_to(package)}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in ("Dockerfile", "requirements.txt"):
        content[name] = files("todoctl.images").joinpath(name).read_bytes()
    return content


def reference(engine: docker.DockerClient, base_image: str | None) -> str:
    """Returns the image's name: its tag changes with every byte of the app, pins, recipe or base."""
    digest = hashlib.sha256()
    for path, content in sorted(app_files().items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    base = base_image or DEFAULT_BASE_IMAGE
    digest.update(base.encode())
    with translated(), suppress(docker.errors.ImageNotFound):  # pulled by the build then; its name has to do
        digest.update(str(engine.images.get(base).id).encode())
    return f"{REPOSITORY}:{digest.hexdigest()[:16]}"


def build_context(pip: str | None = None) -> io.BytesIO:
    """Returns all that a build needs, as a tar archive, with these settings of pip or this machine's."""
    settings = pip_conf() if pip is None else pip
    return _context({**app_files(), "pip/pip.conf": settings.encode(), "pip/ca.pem": certificates()})


def make(
    engine: docker.DockerClient, name: str, base_image: str | None, step: Step | None = None
) -> tuple[list[str], list[str]]:
    """Builds the image; raises `UnavailableError` with the build's own reason.

    Returns the two commands, piped, that do the same by hand.
    """
    base = base_image or DEFAULT_BASE_IMAGE
    settings = pip_conf()
    on_loopback = any(
        urlsplit(word).hostname in {"localhost", "127.0.0.1", "::1"} for word in settings.split()
    )
    network = ["--network=host"] if on_loopback else []
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
                raise _failed(name, _reason(said), base, said)
    except (docker.errors.DockerException, HTTPError, OSError, ValueError) as error:
        raise _failed(name, reason(error), base, said) from None
    if not has_image(engine, name):
        raise _failed(name, _reason(said), base, said)
    build = ["docker", "build", f"--tag={name}", f"--build-arg=BASE={base}", *network, "-"]
    return ["todoctl", "image", "context"], build


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
    """Returns pip's own ERROR lines if there are any: what Docker says after them repeats the command."""
    errors = [line for line in said if "ERROR" in line]
    return " ".join(errors or said[-1:]) or "the build ended without an image"


def _failed(name: str, why: str, base: str, said: Sequence[str] = ()) -> UnavailableError:
    """Returns the error, with advice on the step that has failed: the base image, pip, or another one."""
    step = next((line for line in reversed(said) if STEP.match(line)), "")
    fix = "'todoctl image context | docker build -' shows the whole build"
    if "FROM" in step or not step or "code: 127" in why:  # a shell has not found python3
        fix = "Without a registry, name a local Python image with --base-image"
    elif "pip install" in step:
        fix = "Let pip reach an index: its settings here, as PIP_INDEX_URL, are those of the build"
        if has_login() or re.search(r"\b40[137]\b|unauthorized|forbidden", why, re.IGNORECASE):
            fix = "A build gets no login, which its layers would keep: let pip use an index that needs none"
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
    """Builds the image under a name of the user's own; returns its ID."""
    engine = connect()
    pull_missing(engine, {base_image or DEFAULT_BASE_IMAGE: "--base-image"}, progress)
    with progress.step(f"Build {name}") as step:
        progress.command(*make(engine, name, base_image, step))
    with translated():
        return str(engine.images.get(name).id)


def push(name: str, progress: Progress) -> str:
    """Pushes the image; returns its name by digest. Raises `UnavailableError` with the registry's reason."""
    engine = connect()
    if not has_image(engine, name):
        raise UnavailableError(f"There is no image {name}", fix=f"Build it with 'todoctl image build {name}'")
    digest = ""
    with progress.step(f"Push {name}") as step:
        progress.command(["docker", "push", name])
        try:
            for event in engine.images.push(name, stream=True, decode=True):
                if "error" in event:
                    raise _not_pushed(name, event["error"])
                digest = event.get("aux", {}).get("Digest", digest)
                step.update(f"{event.get('status', '')} {event.get('id', '')}".strip())
        except (docker.errors.DockerException, HTTPError, OSError, ValueError) as error:
            raise _not_pushed(name, reason(error)) from None
    return f"{repository(name)}@{digest}" if digest else name


def _not_pushed(name: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"{name} could not be pushed",
        why=" ".join(why.split()),
        fix=remedy(why) or "Check the registry's address and the network, and try again",
    )


def repository(name: str) -> str:
    """Returns an image's name without its tag and digest."""
    return str(parse_repository_tag(name.partition("@")[0])[0])


# This machine's pip settings, for use inside a build: index, certificates, trusted hosts

SETTINGS = ("index-url", "extra-index-url", "trusted-host", "timeout", "retries")
"""What a build may need to reach an index. Paths of this machine make no sense there."""


CERTIFICATE = re.compile(
    rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----.*?-----END (?:TRUSTED )?CERTIFICATE-----", re.DOTALL
)


def pip_conf() -> str:
    """Returns a pip.conf that brings a build to the index that this machine uses, without its password."""
    lines = ["[global]", "cert = /pip/ca.pem"]
    found = _configured()
    for name in SETTINGS:
        values = LOGIN.sub("", found.get(name, "")).split()
        values = [value for value in values if not value.startswith("file:")]
        if values:
            lines.append(f"{name} = {' '.join(values)}")
    return "\n".join(lines) + "\n"


def certificates() -> bytes:
    """Returns the authorities that this machine trusts, in PEM."""
    candidates = [
        *(os.environ.get(name, "") for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")),
        _configured().get("cert", ""),
        ssl.get_default_verify_paths().cafile or "",
        "/etc/ssl/certs/ca-certificates.crt",
    ]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return _public(Path(candidate).read_bytes())
    import certifi

    return Path(certifi.where()).read_bytes()


def _public(pem: bytes) -> bytes:
    """Returns the certificates alone: a file of them may hold a private key as well."""
    return b"\n".join(CERTIFICATE.findall(pem)) + b"\n"


def has_login() -> bool:
    """Returns whether pip's settings here hold a login, which a build does not get."""
    return any(LOGIN.search(value) for value in _configured().values())


def _configured() -> dict[str, str]:
    """Returns settings by name, of `pip config list`; the environment wins, as it does for pip."""
    found = {}
    for line in _pip_config().splitlines():
        match = re.fullmatch(r"(?:global|install|:env:)\.([\w-]+)='(.*)'", line)
        if match:
            found[match[1]] = match[2].replace("\\n", " ")
    for name in (*SETTINGS, "cert"):
        value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            found[name] = value
    return found


def _pip_config() -> str:
    """Returns what pip says of its settings; nothing if there is no pip, as in an environment made by uv."""
    for python in (sys.executable, shutil.which("python3") or "python3"):
        done = subprocess.run(
            [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout
    return ""

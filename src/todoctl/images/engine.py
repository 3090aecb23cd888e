"""The Docker engine: reached where the docker command reaches it."""

import os
import struct
from collections.abc import Sequence

import docker
import docker.errors
from docker.context import ContextAPI

from todoctl.errors import UnavailableError

TIMEOUT = 300
"""Seconds for one answer: a build step may be silent for long."""

FRAME = struct.Struct(">BxxxL")
"""What stands before each part of a command's output: which output it is of, and how many bytes it has."""

STDOUT, STDERR = 1, 2


def connect(*, timeout: int = TIMEOUT) -> docker.DockerClient:
    """A client that has been answered; raises `UnavailableError`."""
    address = os.environ.get("DOCKER_HOST")
    try:
        if address:
            client = docker.from_env(timeout=timeout)
        else:
            address = str(ContextAPI.get_current_context().Host).removeprefix("http+")
            client = docker.DockerClient(base_url=address, timeout=timeout)
        client.ping()
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise UnavailableError(
            "Docker does not answer",
            why=_why(error, address),
            fix="Start Docker, or check your rights to use it (docker info)",
        ) from None
    return client


def _why(error: Exception, address: str | None) -> str:
    """The system's own words, where they are beneath the many of the SDK, requests and urllib3."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, OSError) and cause.strerror:
            return f"{address}: {cause.strerror}"
        cause = cause.__context__
    return " ".join(str(error).split())


def reason(error: Exception) -> str:
    """In Docker's own words, where they come from Docker."""
    return str(getattr(error, "explanation", None) or error)


def has_image(engine: docker.DockerClient, name: str) -> bool:
    """Whether Docker has the image."""
    try:
        engine.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def execute(engine: docker.DockerClient, container: str, command: Sequence[str]) -> tuple[int, bytes, bytes]:
    """Runs `command` in a container; returns its exit code, its output and its error output.

    Raises `docker.errors.APIError`, or `OSError` where the engine goes away. The SDK's own `exec_run` takes
    over the connection, and loses what has come together with the head of the answer: under load 14 of 846
    commands had no output.
    """
    api = engine.api
    number = api.exec_create(container, list(command))["Id"]
    url = f"{api.base_url}/v{api.api_version}/exec/{number}/start"
    answer = api.post(url, json={"Detach": False, "Tty": False}, timeout=api.timeout)
    answer.raise_for_status()
    outputs = {STDOUT: b"", STDERR: b""}
    rest = answer.content
    while rest:  # https://docs.docker.com/reference/api/engine/ ("Stream format" of ContainerAttach)
        stream, length = FRAME.unpack_from(rest)
        outputs[stream] += rest[FRAME.size : FRAME.size + length]
        rest = rest[FRAME.size + length :]
    return api.exec_inspect(number)["ExitCode"], outputs[STDOUT], outputs[STDERR]

"""The Docker engine: reached where the docker command reaches it."""

import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import docker
import docker.errors
from docker.context import ContextAPI
from urllib3.exceptions import HTTPError

from todoctl.errors import UnavailableError

T = TypeVar("T")

TIMEOUT = 300
"""Seconds for one answer: a build step may be silent for long."""

FRAME = struct.Struct(">BxxxL")
"""What stands before each part of a command's output: which output it is of, and how many bytes it has."""

STDOUT, STDERR = 1, 2

START = "Start Docker, or check your rights to use it (docker info)"


def connect(*, timeout: int = TIMEOUT) -> docker.DockerClient:
    """Returns a client that has been answered: by DOCKER_HOST, DOCKER_CONTEXT or the current context."""
    name = os.environ.get("DOCKER_CONTEXT")
    try:
        # Without it the library would go on to the engine of this machine; the docker command would not.
        lost = not os.environ.get("DOCKER_HOST") and ContextAPI.get_context(name) is None
        client = None if lost else docker.from_env(timeout=timeout)
        if client:
            client.ping()
            return client
    except Exception as error:  # noqa: BLE001 - of a context's damaged files the library raises just that
        raise UnavailableError("Docker does not answer", why=_why(error), fix=START) from None
    raise UnavailableError(
        f"The Docker context {name or 'that is the current one'} is not found",
        fix="See 'docker context ls', and set DOCKER_CONTEXT or run 'docker context use'",
    )


@contextmanager
def translated(what: str = "Docker has not done what it was asked for") -> Iterator[None]:
    """Around calls of the library: whatever goes wrong is an `UnavailableError` in one line."""
    try:
        yield
    except (docker.errors.DockerException, HTTPError, OSError, ValueError) as error:
        raise UnavailableError(what, why=reason(error), fix=START) from None


def _why(error: Exception) -> str:
    """The system's own words, if they are beneath the many of the SDK, requests and urllib3."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, OSError) and cause.strerror:
            address = os.environ.get("DOCKER_HOST")
            return f"{address}: {cause.strerror}" if address else cause.strerror
        cause = cause.__context__
    return reason(error)


def reason(error: Exception) -> str:
    """Returns one line, in Docker's own words if they come from Docker."""
    said = str(getattr(error, "explanation", None) or error) or type(error).__name__
    return " ".join(said.split())[:400]


def has_image(engine: docker.DockerClient, name: str) -> bool:
    """Whether Docker has the image; raises `UnavailableError` if it does not say."""
    with translated(f"Docker does not say whether it has {name}"):
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


def in_background(work: Callable[[], T]) -> "Future[T]":
    """Begins `work` in a thread that nobody has to wait for when the user gives up."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future

"""The Docker engine: reached where the docker command reaches it."""

import os

import docker
import docker.errors
from docker.context import ContextAPI

from todoctl.errors import UnavailableError

TIMEOUT = 300
"""Seconds for one answer: a build step may be silent for long."""


def connect(*, timeout: int = TIMEOUT) -> docker.DockerClient:
    """A client that has been answered; raises `UnavailableError`."""
    try:
        if os.environ.get("DOCKER_HOST"):
            client = docker.from_env(timeout=timeout)
        else:
            context = ContextAPI.get_current_context()
            client = docker.DockerClient(base_url=context.Host, timeout=timeout)
        client.ping()
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise UnavailableError(
            "Docker does not answer",
            why=" ".join(str(error).split()),
            fix="Start Docker, or check your rights to use it (docker info)",
        ) from None
    return client


def has_image(engine: docker.DockerClient, name: str) -> bool:
    """Whether Docker has the image."""
    try:
        engine.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True

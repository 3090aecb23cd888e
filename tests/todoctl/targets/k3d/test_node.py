"""A node and the engine: what is said when they cannot be used."""

import json
import re
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import docker.context
import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.targets.k3d.world import Machine, World
from tests.todoctl.told import away
from todoctl.errors import UnavailableError
from todoctl.images.engine import connect
from todoctl.targets.k3d.node import Node


@pytest.fixture(name="node")
def _node(world: World) -> Node:
    world.machines["node"] = Machine()
    world.images.add("app:1")
    return Node(Engine(world), "node")  # type: ignore[arg-type]


def test_a_node_that_is_not_there(node: Node, world: World) -> None:
    world.machines.clear()
    with pytest.raises(UnavailableError, match="node does not exist"):
        node.ping()


def test_a_node_that_does_not_run(node: Node, world: World) -> None:
    world.machines["node"].status = "exited"
    with pytest.raises(UnavailableError, match="cannot be used: it is not running"):
        node.run("true")


def test_a_docker_that_goes_away_meanwhile(node: Node, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ConnectionError("Connection aborted.")

    monkeypatch.setattr(world, "run_in", gone)
    with pytest.raises(UnavailableError, match=r"The node node cannot be used: Connection aborted\."):
        node.run("true")
    monkeypatch.setattr(node._engine.containers, "get", gone)
    with pytest.raises(UnavailableError, match=r"node: Connection aborted\.|used: Connection aborted\."):
        node.put("/x", "y", b"")


def test_a_command_that_fails_in_the_node(node: Node, world: World) -> None:
    world.commands = {"mkdir": (1, "read-only file system\n"), "rm": (3, "")}
    with pytest.raises(UnavailableError, match=r"'mkdir -p /x' failed in the node node: read-only"):
        node.run("mkdir", "-p", "/x")
    with pytest.raises(UnavailableError, match="exit 3"):
        node.run("rm", "/x")


def test_an_import_that_brings_nothing_is_told(node: Node, world: World) -> None:
    """As `k3d image import` is known to do: it reports success."""
    world.tools["ctr -n=k8s.io images import"] = (0, "", "")
    with pytest.raises(UnavailableError, match="it is not there after the import"):
        node.load_image("app:1")
    world.tools["ctr -n=k8s.io images import"] = (1, "no space left", "")
    with pytest.raises(UnavailableError, match="no space left"):
        node.load_image("app:1")


# The engine


class Daemon(BaseHTTPRequestHandler):
    """As much of Docker as a first hello needs."""

    def do_GET(self) -> None:
        body = json.dumps({"ApiVersion": "1.44"}) if self.path.endswith("/version") else "OK"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def address_string(self) -> str:
        return "a Unix socket has none"

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""


@pytest.mark.parametrize("through", ["DOCKER_HOST", "context"])
def test_docker_is_reached_where_its_command_reaches_it(
    through: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"unix://{tmp_path}/docker.sock"
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if through == "DOCKER_HOST":
        monkeypatch.setenv("DOCKER_HOST", address)
    else:
        chosen = docker.context.Context("mine", host=address)
        monkeypatch.setattr(docker.context.ContextAPI, "get_current_context", lambda: chosen)
    with socketserver.ThreadingUnixStreamServer(f"{tmp_path}/docker.sock", Daemon) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        engine = connect(timeout=20)
        assert engine.ping()
        engine.close()
        server.shutdown()
    said = rf"Docker does not answer: {re.escape(address)}: Connection refused\. Start Docker"
    with away(), pytest.raises(UnavailableError, match=said):
        connect(timeout=2)

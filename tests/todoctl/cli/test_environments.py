"""Other people's machines: what the environment says may be useless, but no command ends in "Unexpected"."""

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.app_server import free_port, wait_for
from tests.image_service import ImageService
from tests.todoctl.cli.terminal import on_a_terminal
from tests.todoctl.conftest import CommandLine
from todoctl.__main__ import run
from todoctl.client import Client
from todoctl.errors import ExitCode
from todoctl.settings import Settings

NOWHERE = "http://127.0.0.1:9"

USELESS = {
    "a proxy of a kind that httpx lacks": {"ALL_PROXY": "socks5://127.0.0.1:9"},
    "a proxy of an unknown scheme": {"HTTPS_PROXY": "foo://bar", "HTTP_PROXY": "foo://bar"},
    "a proxy that is no address": {"ALL_PROXY": "nonsense"},
    "a proxy with a port that is none": {"HTTPS_PROXY": "http://host:port"},
    "a proxy with a bad bracket": {"HTTPS_PROXY": "http://[::1"},
    "exceptions from the proxy that are none": {"HTTPS_PROXY": NOWHERE, "NO_PROXY": "[::1,*,\\,:"},
    "certificates that are gone": {"SSL_CERT_FILE": "/gone", "REQUESTS_CA_BUNDLE": "/gone"},
    "certificates that are none": {"SSL_CERT_FILE": "/dev/null"},
    "certificates that are a directory": {"SSL_CERT_FILE": "/tmp", "SSL_CERT_DIR": "/gone"},
    "a Docker context that is gone": {"DOCKER_CONTEXT": "gone"},
    "a Docker that is nowhere": {"DOCKER_HOST": "nonsense"},
    "a Docker directory that is a file": {"DOCKER_CONFIG": "/dev/null"},
    "a kubeconfig that is a directory": {"KUBECONFIG": "/tmp"},
    "a kubeconfig that is no YAML": {"KUBECONFIG": sys.executable},
    "a terminal of few columns": {"COLUMNS": "5"},
    "no home": {"HOME": "/gone"},
}
each = pytest.mark.parametrize("env", USELESS.values(), ids=USELESS)


@each
def test_doctor_reports_on_all_targets(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TODOCTL_HOME", str(tmp_path / "home"))
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert run(["doctor", "--port", str(free_port())]) == ExitCode.OK
    told = capsys.readouterr()
    headings = [line.strip() for line in told.out.splitlines() if not line.startswith(" ")]
    assert ({"k3d", "local"} < set(headings), told.err) == (True, "")
    assert run(["doctor", "--context", "nowhere", "--json"]) == ExitCode.UNAVAILABLE
    told = capsys.readouterr()
    assert (json.loads(told.out)["usable"], told.err) == (False, "")


@pytest.mark.live
@pytest.mark.parametrize("name", ["a proxy of a kind that httpx lacks", "certificates that are gone"])
def test_the_app_comes_up_is_looked_at_and_goes(name: str, todoctl: CommandLine) -> None:
    todoctl.env |= USELESS[name] | {"COLUMNS": "0", "TERMINAL_WIDTH": "wide", "TERM": "moon"}
    told = todoctl("up", "--target", "local", "--port", str(todoctl.port))
    assert "cannot be reached from here" in told.stdout
    assert "pip install" not in told.stdout
    assert "Traceback" not in todoctl("logs").stdout
    assert "sample:" in todoctl("status").stdout
    assert todoctl("--help").stdout


@pytest.mark.live
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_this_machine_is_asked_without_a_proxy(name: str, todoctl: CommandLine, images: ImageService) -> None:
    """The app, by todoctl; and the image service of a validation or of the user, by the app."""
    todoctl.env |= {name: NOWHERE, name.lower(): NOWHERE, "NO_PROXY": "", "no_proxy": ""}
    url = todoctl.up("-q", "--image-url", images.url).stdout.strip()
    with Client(url) as client:
        wait_for(lambda: client.state().status == "valid")
    assert "1 of 1 scenario passed" in todoctl("validate", "-q", "--scenario", "fresh").stdout


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["::1", "127.0.0.1"], ["::1"], [], ["10.1.2.3"]], ids=" ".join
)
def test_an_address_that_is_printed_can_be_opened(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        assert host == "localhost"
        if not addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    host = "localhost" if "127.0.0.1" in addresses else "127.0.0.1"
    assert Settings(port=8081).url == f"http://{host}:8081"


@pytest.mark.live
def test_a_terminal_that_has_no_columns(todoctl: CommandLine) -> None:
    env = {"COLUMNS": "0"}
    seen = on_a_terminal(todoctl.home, "doctor", "--target=local", f"--port={todoctl.port}", env=env)
    assert "Python: " in seen
    words = ("up", "--target=local", f"--port={todoctl.port}", "--image-url=sample:")
    assert f"http://localhost:{todoctl.port}" in on_a_terminal(todoctl.home, *words, env=env)


ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.live
def test_output_and_log_in_ascii(todoctl: CommandLine) -> None:
    todoctl.env |= ASCII
    up = todoctl.up().stdout
    shown = [up, todoctl("status").stdout, todoctl("logs").stdout, todoctl("--help").stdout]
    shown.append(todoctl("validate", "--scenario", "files", "--details").stdout)
    for text in shown:
        assert text.isascii()
        assert "\\N{" not in text
    assert "ok Start the app" in up
    terminal = on_a_terminal(todoctl.home, "validate", "--scenario=files", env=ASCII)
    assert terminal.isascii()
    assert "\\" not in terminal


@pytest.mark.live
@pytest.mark.parametrize("env", [{}, ASCII], ids=["UTF-8", "ASCII"])
@pytest.mark.parametrize("name", ["hé 家", os.fsdecode(b"h\xff\xc3\xa9")], ids=["not ASCII", "not UTF-8"])
def test_a_home_with_any_name(name: str, env: dict[str, str], tmp_path: Path) -> None:
    todoctl = CommandLine(tmp_path / name, env=env)
    todoctl.up()
    try:
        assert "Volume" in todoctl("status").stdout
        assert todoctl("status", "--json").stdout.isascii()
        assert "passed" in todoctl("validate", "-q", "--scenario", "files").stdout
        assert "cache in" in todoctl("logs").stdout
    finally:
        todoctl("down")
    assert not todoctl.home.exists()


@pytest.mark.live
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", ">&- 2>&-"])
def test_standard_streams_may_be_closed(closed: str, todoctl: CommandLine) -> None:
    words = ["up", "--target", "local", "--port", str(todoctl.port), "--image-url", "sample:"]
    for command in (words, ["status"], ["down"]):
        line = f"{shlex.join([sys.executable, '-m', 'todoctl', *command])} {closed}"
        done = subprocess.run(
            ["/bin/sh", "-c", line], env=todoctl.environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        if command is words:
            httpx.get(f"http://127.0.0.1:{todoctl.port}/healthz").raise_for_status()

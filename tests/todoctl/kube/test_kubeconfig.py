"""Kubeconfigs that other tools have made or damaged, proxies, and what becomes of private keys."""

import base64
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from todoctl.errors import UnavailableError
from todoctl.kube import kubeconfig
from todoctl.kube.client import Client

JSON = dict[str, Any]


def config(cluster: JSON | None = None, user: JSON | None = None, **more: Any) -> JSON:  # noqa: ANN401
    return {
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": "https://10.0.0.1:6443", **(cluster or {})}}],
        "users": [{"name": "it", "user": user or {"token": "secret"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        **more,
    }


def written(path: Path, content: JSON | bytes) -> str:
    file = path / "config"
    file.write_bytes(content if isinstance(content, bytes) else yaml.safe_dump(content).encode())
    return str(file)


WHOLE = yaml.safe_dump(
    config({"certificate-authority-data": "bm9uZQ=="}, {"client-key-data": "a2V5"})
).encode()
PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense: true",
        b"- a list",
        b"just words",
        b"\xff\xfe\x00\x01binary\x00",
        b"\x1f\x8b\x08\x00 compressed",
        b"a: [unclosed",
        b"[" * 5000,
        *(WHOLE[:cut] for cut in range(10, len(WHOLE), 37)),
        config(contexts=[]),
        config(contexts="it"),
        config(contexts=[None]),
        config(contexts=[{"name": "it", "context": "it"}]),
        config(clusters=[{"name": "it"}]),
        config(users=[]),
        config({"server": None}),
        config({"server": "no address"}),
        config({"server": "https://[::1"}),
        config({"certificate-authority-data": "%%%"}),
        config({"certificate-authority-data": base64.b64encode(b"no certificate").decode()}),
        config({"certificate-authority": "/gone.pem"}),
        config(None, {"client-certificate-data": "bm9uZQ==", "client-key-data": "bm9uZQ=="}),
        config(None, {"client-certificate": ".", "client-key": "."}),
        config(None, {"tokenFile": "/gone"}),
        config(None, {"auth-provider": {"name": "gcp"}}),
        config(None, {"exec": {**PLUGIN, "command": "no-such-plugin", "installHint": "Install it."}}),
        config(None, {"exec": {**PLUGIN, "command": "false"}}),
        config(None, {"exec": {**PLUGIN, "command": "echo", "args": ["no JSON"]}}),
        config(None, {"exec": {**PLUGIN, "command": "echo", "args": ["{}"]}}),
        config(None, {"exec": {}}),
    ],
)
def test_one_that_cannot_be_used_is_said_in_one_line(tmp_path: Path, content: JSON | bytes) -> None:
    with pytest.raises(UnavailableError, match="kubeconfig cannot be used: ") as failed:
        Client(written(tmp_path, content))
    assert "\n" not in str(failed.value)


def test_one_that_is_missing_a_directory_or_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = Path(written(tmp_path, config()))
    for path, why in ((tmp_path, "directory"), (tmp_path / "gone", "no file"), (unreadable, "Permission")):
        if path == unreadable:
            monkeypatch.setattr(Path, "read_text", _refuse)  # root reads whatever its mode is
        with pytest.raises(UnavailableError, match=why):
            kubeconfig.load(str(path), None)


def _refuse(*_: object, **__: object) -> str:
    raise PermissionError(13, "Permission denied")


def test_of_several_the_first_to_say_something_counts(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    paths = [
        written(tmp_path / "one", {"contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}),
        str(tmp_path / "gone"),
        written(tmp_path / "two", config(None, {"tokenFile": "token"})),
    ]
    (tmp_path / "two" / "token").write_text("from a file beside it\n")
    found = kubeconfig.load(os.pathsep.join(paths), "it")
    assert found.headers == {"Authorization": "Bearer from a file beside it"}


def test_a_plugin_s_token_and_a_password(tmp_path: Path) -> None:
    asks = "import json,os; json.loads(os.environ['KUBERNETES_EXEC_INFO'])['spec']['cluster']['server']; "
    says = asks + "print(json.dumps({'status': {'token': os.environ['MINE']}}))"
    env = [{"name": "MINE", "value": "fresh"}]
    plugin = {
        **PLUGIN,
        "command": sys.executable,
        "args": ["-c", says],
        "env": env,
        "provideClusterInfo": True,
    }
    assert kubeconfig.load(written(tmp_path, config(None, {"exec": plugin})), None).headers == {
        "Authorization": "Bearer fresh"
    }
    user = {"username": "me", "password": "it"}
    basic = kubeconfig.load(written(tmp_path, config(None, user)), None).headers["Authorization"]
    assert base64.b64decode(basic.removeprefix("Basic ")) == b"me:it"


PROXY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("server", "environment", "proxy"),
    [
        ("https://10.0.0.1:6443", {}, None),
        ("https://10.0.0.1:6443", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://10.0.0.1:6443", {"HTTPS_PROXY": "127.0.0.1:9"}, PROXY),
        ("https://10.0.0.1:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.1"}, None),
        ("https://10.0.0.1:6443", {"ALL_PROXY": "socks5://127.0.0.1:9"}, None),  # kubectl does not use it
        ("https://10.0.0.1:6443", {"HTTP_PROXY": "foo://bar"}, None),
        *(
            (f"https://{host}:6443", {"HTTPS_PROXY": value, "ALL_PROXY": value}, None)
            for host in ("127.0.0.1", "127.1.2.3", "localhost", "api.localhost", "[::1]")
            for value in (PROXY, "foo://bar", "socks5://1.2.3.4:5")
        ),
    ],
)
def test_the_proxy_is_kubectl_s_and_none_leads_to_this_machine(
    server: str,
    environment: dict[str, str],
    proxy: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = written(tmp_path, config({"server": server}))
    assert kubeconfig.load(path, None).proxy == proxy
    Client(path).close()


@pytest.mark.parametrize("value", ["foo://bar", "socks5://me:secret@1.2.3.4:5", "http://", "http://a:b:c"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(UnavailableError, match="kubeconfig cannot be used: ") as failed:
        Client(written(tmp_path, config()))
    assert "secret" not in str(failed.value)


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"kind": "PodList", "items": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


OPENSSL = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=it "
    "-addext subjectAltName=IP:127.0.0.1 -keyout it.key -out it.pem"
)

ASK = """
import os, signal, sys
from todoctl.kube.client import Client
client = Client(sys.argv[1])
assert client.list("Pod") == []
print("asked", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_private_key_is_in_no_file_even_if_the_process_is_killed(tmp_path: Path) -> None:
    """As the port forwarder is. The server takes nobody without the certificate."""
    subprocess.run(OPENSSL.split(), cwd=tmp_path, check=True, capture_output=True)
    certificate, key = ((tmp_path / name).read_bytes() for name in ("it.pem", "it.key"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "it.pem", tmp_path / "it.key")
    tls.load_verify_locations(tmp_path / "it.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    encoded = {name: base64.b64encode(content).decode() for name, content in (("c", certificate), ("k", key))}
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"https://127.0.0.1:{server.server_port}"
        cluster = {"server": address, "certificate-authority-data": encoded["c"]}
        user = {"client-certificate-data": encoded["c"], "client-key-data": encoded["k"]}
        path = written(tmp_path, config(cluster, user))
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        environment = {**os.environ, "TMPDIR": str(temporary), "HTTPS_PROXY": "socks5://1.2.3.4:5"}
        done = subprocess.run(
            [sys.executable, "-c", ASK, path],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        server.shutdown()
    assert (done.stdout, done.returncode) == ("asked\n", -9), done.stderr
    assert list(temporary.iterdir()) == []

"""A kubeconfig: where an API server is, and how one proves who asks.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
Private keys that a kubeconfig holds never get into a file: OpenSSL reads them from a pipe.
"""

import base64
import ipaddress
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from todoctl.errors import UnavailableError

EXEC_SECONDS = 120.0
"""For a credential plugin, which may open a browser."""

UNUSABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, yaml.YAMLError)
"""What a damaged one raises; ValueError covers UnicodeError and binascii.Error, OSError covers SSLError."""

Section = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to ask one API server; `tls` is None for http, `proxy` None if there is none on the way."""

    server: str
    headers: dict[str, str]
    tls: ssl.SSLContext | None
    server_name: str | None
    proxy: str | None


def load(paths: str | None, context: str | None) -> Access:
    """Returns the access that `context`, or else the current one, of the kubeconfig stands for.

    `paths` are separated as in PATH; None stands for the user's own. Raises `UnavailableError` in one line,
    whatever the files hold.
    """
    names = [Path(name) for name in (paths or "").split(os.pathsep) if name]
    names = names or [Path.home() / ".kube" / "config"]
    try:
        found = _merged(names)
        chosen = _named(found["contexts"], "context", str(context or found["current-context"]))
        cluster = _named(found["clusters"], "cluster", str(chosen.get("cluster")))
        user = _named(found["users"], "user", str(chosen["user"])) if chosen.get("user") else {}
        if "exec" in user:
            user = {**user, **_run_plugin(user, cluster)}
        return _access(cluster, user)
    except UNUSABLE as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise UnavailableError(
            "The cluster's kubeconfig cannot be used",
            why=" ".join(why.split())[:300],
            fix="See 'kubectl config get-contexts', and whether KUBECONFIG names the right file",
        ) from None


def _merged(names: Sequence[Path]) -> Section:
    """Of several files the first to say something counts; a file that is not there says nothing."""
    found: Section = {"current-context": None, "contexts": [], "clusters": [], "users": []}
    there = [name for name in names if name.exists()]
    if not there:
        raise FileNotFoundError(f"there is no file {', '.join(map(str, names))}")
    for name in there:
        try:
            content = yaml.safe_load(name.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"{name}: {reason}") from None
        if content is None:
            continue
        if not isinstance(content, dict):
            raise ValueError(f"{name} is no kubeconfig")  # noqa: TRY004 - of a file, not of an argument
        found["current-context"] = found["current-context"] or content.get("current-context")
        for kind in ("contexts", "clusters", "users"):
            found[kind] += [{**entry, "directory": name.parent} for entry in content.get(kind) or []]
    return found


def _named(entries: list[Section], kind: str, name: str) -> Section:
    for entry in entries:
        if entry.get("name") == name:
            content = entry.get(kind) or {}
            if not isinstance(content, dict):
                break
            return {**content, "directory": entry["directory"]}
    raise ValueError(f"it has no {kind} {name!r}")


def _access(cluster: Section, user: Section) -> Access:
    server = str(cluster["server"]).rstrip("/")
    if urlsplit(server).scheme not in {"http", "https"} or not urlsplit(server).hostname:
        raise ValueError(f"{server!r} is no address of an API server")
    return Access(
        server=server,
        headers=_headers(user),
        tls=_tls(cluster, user) if server.startswith("https:") else None,
        server_name=cluster.get("tls-server-name"),
        proxy=_proxy(server, cluster.get("proxy-url")),
    )


def _proxy(server: str, named: str | None) -> str | None:
    """Returns the proxy that kubectl would use. None on the way to this machine, whatever is set."""
    host, scheme = urlsplit(server).hostname or "", urlsplit(server).scheme
    if is_loopback(host):
        return None
    found = named or (None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme))
    if found is None:
        return None
    found = found if "://" in found else f"http://{found}"
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not (parts.port is None or parts.port):
        shown = f"{parts.scheme}://{parts.hostname}"
        raise ValueError(
            f"the proxy {shown} cannot be used: set HTTPS_PROXY to one of http, or add {host} to NO_PROXY"
        )
    return found


def is_loopback(host: str) -> bool:
    """Whether that name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _headers(user: Section) -> dict[str, str]:
    if "auth-provider" in user and "token" not in user:
        provider = (user["auth-provider"] or {}).get("name")
        raise ValueError(
            f"the auth-provider {provider} is no longer supported: use a credential plugin (exec)"
        )
    token = user.get("token")
    if not token and (file := user.get("tokenFile")):
        token = (user["directory"] / file).read_text(encoding="utf-8").strip()
    if token:
        return {"Authorization": f"Bearer {token}"}
    if "username" in user:
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _tls(cluster: Section, user: Section) -> ssl.SSLContext:
    authority = _content(cluster, "certificate-authority")
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # many clusters' authorities lack what it asks for
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
    if certificate and key:
        with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
            context.load_cert_chain(certificate_file, key_file, password="")
    return context


def _content(section: Section, name: str) -> bytes:
    """What is there as data, or in a file; a file's name counts from the kubeconfig's directory."""
    if data := section.get(f"{name}-data"):
        return base64.b64decode(data, validate=True)
    if file := section.get(name):
        return bytes((section["directory"] / file).read_bytes())
    return b""


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A name under which `content` can be read once, and which no file system has."""
    with ExitStack() as stack:
        reading, writing = os.pipe()
        stack.callback(os.close, reading)
        with os.fdopen(writing, "wb") as end:
            os.set_blocking(writing, False)  # what does not fit is no key, and must not hang
            end.write(content)
        yield f"/dev/fd/{reading}"


def _run_plugin(user: Section, cluster: Section) -> Section:
    """Returns what a credential plugin gives, under the names that a user's section has for it.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """
    plugin = user["exec"]
    command = str(plugin["command"])
    if os.sep in command:
        command = str(user["directory"] / command)
    interactive = sys.stdin is not None and sys.stdin.isatty() and plugin.get("interactiveMode") != "Never"
    spec: Section = {"interactive": interactive}
    if plugin.get("provideClusterInfo"):
        authority = base64.b64encode(_content(cluster, "certificate-authority")).decode()
        spec["cluster"] = {"server": cluster.get("server"), "certificate-authority-data": authority}
    asked = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec}
    environment = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or []}
    try:
        done = subprocess.run(
            [command, *map(str, plugin.get("args") or [])],
            env={**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(asked), **environment},
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if interactive else subprocess.PIPE,  # where it may ask the user to log in
            timeout=EXEC_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"the credential plugin {command} took over {EXEC_SECONDS:.0f} s") from None
    except OSError as error:
        hint = plugin.get("installHint") or ""
        raise ValueError(f"the credential plugin {command} cannot be run: {error.strerror}. {hint}") from None
    if done.returncode:
        said = (done.stderr or b"").decode(errors="replace").strip() or f"exit {done.returncode}"
        raise ValueError(f"the credential plugin {command} failed: {said}")
    status = json.loads(done.stdout)["status"]
    found = {"token": status["token"]} if status.get("token") else {}
    for part in ("Certificate", "Key"):
        if content := status.get(f"client{part}Data"):
            found[f"client-{part.lower()}-data"] = base64.b64encode(content.encode()).decode()
    return found

"""This machine's pip settings, for use inside an image build: index, certificates, trusted hosts."""

import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

SETTINGS = ("index-url", "extra-index-url", "trusted-host", "timeout", "retries")
"""What a build may need to reach an index. Paths of this machine make no sense there."""


def pip_conf() -> str:
    """A pip.conf that brings a build to the index that this machine uses."""
    lines = ["[global]", "cert = /pip/ca.pem"]
    found = _configured()
    for name in SETTINGS:
        values = [value for value in found.get(name, "").split() if not value.startswith("file:")]
        if values:
            lines.append(f"{name} = {' '.join(values)}")
    return "\n".join(lines) + "\n"


def certificates() -> bytes:
    """The authorities that this machine trusts, in PEM."""
    candidates = [
        *(os.environ.get(name, "") for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")),
        _configured().get("cert", ""),
        ssl.get_default_verify_paths().cafile or "",
        "/etc/ssl/certs/ca-certificates.crt",
    ]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    import certifi

    return Path(certifi.where()).read_bytes()


def _configured() -> dict[str, str]:
    """Setting by name, from `pip config list`; the environment wins, as it does for pip."""
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
    """What pip says of its settings; nothing where there is no pip, as in an environment made by uv."""
    for python in (sys.executable, shutil.which("python3") or "python3"):
        done = subprocess.run(
            [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout
    return ""

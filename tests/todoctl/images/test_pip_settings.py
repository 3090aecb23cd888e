"""What an image build gets of this machine's pip settings: no password, no private key."""

import os
import ssl
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from todoctl.images import build

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _plain_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("PIP_") or name in {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}:
            monkeypatch.delenv(name)
    monkeypatch.setattr(build, "_pip_config", lambda: "")


def test_a_plain_machine_needs_nothing_but_certificates() -> None:
    assert build.pip_conf() == "[global]\ncert = /pip/ca.pem\n"
    assert b"BEGIN CERTIFICATE" in build.certificates()


def test_indexes_and_hosts_travel_but_no_paths_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        build,
        "_pip_config",
        lambda: (
            "global.index-url='https://index.example/simple'\n"
            "global.extra-index-url='file:///opt/a\\nhttps://b.example/simple'\n"
            "global.find-links='/opt/wheels'\n"
            "install.trusted-host='index.example'\n"
            "something else\n"
        ),
    )
    monkeypatch.setenv("PIP_TIMEOUT", "99")
    assert build.pip_conf().splitlines() == [
        "[global]",
        "cert = /pip/ca.pem",
        "index-url = https://index.example/simple",
        "extra-index-url = https://b.example/simple",
        "trusted-host = index.example",
        "timeout = 99",
    ]


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_pip_config", lambda: "global.index-url='https://one.example'\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://two.example")
    assert "index-url = https://two.example" in build.pip_conf()


def test_the_certificates_are_those_that_were_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = "-----BEGIN CERTIFICATE-----\nmine\n-----END CERTIFICATE-----\n"
    key = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"
    (tmp_path / "ca.pem").write_text(f"{key}# a comment\n{mine}{mine}")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "ca.pem"))
    assert build.certificates() == (mine + mine).encode()


@pytest.mark.parametrize(
    "index",
    [
        "https://user:secret@index.example/simple",
        "https://secret@index.example/simple",
        "https://user:s%40secret@index.example:8443/simple/",
        "https://user:se@cret:secret@index.example/",
        "http://secret:@index.example",
        "https://__token__:secret@a.example/x https://me:secret@b.example/@y",
    ],
)
@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "config"])
def test_no_login_of_an_index_gets_into_a_build(
    index: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "config":
        lines = index.replace(" ", "\\n")
        monkeypatch.setattr(build, "_pip_config", lambda: f"global.extra-index-url='{lines}'\n")
    else:
        monkeypatch.setenv(name, index)
    content = build.build_context().getvalue()
    assert b"secret" not in content
    assert b"user:" not in content
    assert b"example" in content


def test_without_any_certifi_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: False)
    monkeypatch.setattr(
        ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths("", "", "", "", "", "")
    )
    assert b"BEGIN CERTIFICATE" in build.certificates()


def test_pip_is_asked_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert isinstance(build._pip_config(), str)
    told = tmp_path / "python3"
    told.write_text("#!/bin/sh\necho \"global.timeout='7'\"\n")
    told.chmod(0o755)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build._pip_config() == "global.timeout='7'\n"
    told.write_text("#!/bin/sh\nexit 1\n")
    assert build._pip_config() == ""


def test_the_pins_are_those_of_the_lock_file() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    packages = {package["name"]: package for package in lock["package"]}
    (project,) = (package for package in lock["package"] if package["name"] == "todoctl")
    wanted: set[str] = set()
    open_names = [found["name"] for found in project["dev-dependencies"]["app"]]
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted.add(name)
            open_names += [
                found["name"]
                for found in packages[name].get("dependencies", [])
                if "win32" not in found.get("marker", "")
            ]
    pins: dict[str, tuple[str, set[str]]] = {}
    for pin in (ROOT / "src" / "todoctl" / "images" / "requirements.txt").read_text().split("\n")[:-1]:
        word = pin.split(" ;")[0].strip(" \\")
        if word.startswith("--hash="):
            pins[name][1].add(word.removeprefix("--hash="))
        else:
            name, version = word.split("==")
            pins[name] = (version, set())
    assert pins == {name: (packages[name]["version"], hashes(packages[name])) for name in wanted}, (
        "nox -s pins writes them again"
    )


def hashes(package: dict[str, Any]) -> set[str]:
    """Of all its files: an image may be built on any Python of any architecture."""
    return {file["hash"] for file in (package["sdist"], *package["wheels"])}

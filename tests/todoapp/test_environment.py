"""Whatever the environment is like, the app serves, or ends with one line; its log has no traceback."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.app_server import AppServer, app_server, free_port, wait_for
from tests.image_service import ImageService

pytestmark = pytest.mark.live

SERVES = {
    "a proxy that httpx cannot use": {"ALL_PROXY": "socks5://user:secret@127.0.0.1:9"},
    "a proxy that is none": {"HTTP_PROXY": "nonsense://", "HTTPS_PROXY": "http://[", "NO_PROXY": "[::"},
    "certificates that are gone": {
        "SSL_CERT_FILE": "/gone",
        "SSL_CERT_DIR": "/gone",
        "SSLKEYLOGFILE": "/no/log",
    },
    "variables of uvicorn's": {"WEB_CONCURRENCY": "many", "FORWARDED_ALLOW_IPS": "?", "UVICORN_PORT": "x"},
    "a zone and a locale that are none": {"TZ": ":/no/zone", "LC_ALL": "none", "LANG": "xx"},
    "an ASCII log": {"PYTHONIOENCODING": "ascii:strict", "LOG_LEVEL": "debug"},
    "no home": {"HOME": "/gone", "TMPDIR": "/gone", "USER": ""},
    "a user and a password": {"CREDENTIALS": "user:s3cret%20@", "LOG_LEVEL": "debug"},
}


@pytest.mark.parametrize("name", SERVES)
def test_it_serves_a_picture_all_the_same(images: ImageService, tmp_path: Path, name: str) -> None:
    env = dict(SERVES[name])
    env["IMAGE_URL"] = images.url.replace("//", f"//{env.pop('CREDENTIALS', '')}")
    with app_server(tmp_path / "cäche", tmp_path / "log", **env) as app:
        page, state = app.view_valid(), app.cache()
        assert state["last_error"] is None
        if "s3cret" in env["IMAGE_URL"]:
            assert "authorization" in {key.lower() for key in images.requests[0].headers}
    assert_in_lines(app.log)
    for text in (app.log, page.html, str(state)):
        assert "s3cret" not in text
        assert "user:" not in text


def assert_in_lines(log: str) -> None:
    """Every line of the log begins with its time."""
    assert [line for line in log.splitlines() if not line.startswith("20")] == []


@pytest.mark.parametrize("name", [name for name in SERVES if "proxy" in name or "cert" in name])
def test_what_a_fetch_cannot_use_is_one_line(tmp_path: Path, name: str) -> None:
    with app_server(
        tmp_path / "c", tmp_path / "log", IMAGE_URL="https://u:s3@host.invalid/", **SERVES[name]
    ) as app:
        error = wait_for(lambda: app.cache()["last_error"], what="the failure")
        assert app.view().status == "empty"
    assert_in_lines(app.log)
    assert "s3" not in error
    assert "secret" not in app.log


ENDS = {
    "PORT": ("x", 2),
    "HOST": ("a" * 300, 1),
    "CACHE_TTL": ("soon", 2),
    "IMAGE_URL": ("http://user:s3cret@:80", 2),
    "LOG_LEVEL": ("", 2),
}


@pytest.mark.parametrize("variable", ENDS)
def test_what_it_cannot_use_ends_it_with_one_line(tmp_path: Path, variable: str) -> None:
    value, code = ENDS[variable]
    env = os.environ | {"PORT": str(free_port()), "CACHE_DIR": str(tmp_path), variable: value}
    ended = subprocess.run(
        [sys.executable, "-m", "todoapp"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == code
    [line] = ended.stderr.splitlines()
    assert variable in line
    assert "s3cret" not in line


@pytest.mark.parametrize("output", ["closed", "/dev/full"])
def test_a_log_that_cannot_be_written(tmp_path: Path, output: str) -> None:
    """It serves, and stops as asked."""
    redirection = ">&-" if output == "closed" else f">{output}"
    app = AppServer(
        tmp_path / "cache",
        tmp_path / "log",
        {"IMAGE_URL": "sample:"},
        ("sh", "-c", f'exec "$@" {redirection}', "-"),
    )
    app.start()
    app.view_valid()
    assert app.stop() == 0
    app.client.close()
    assert_in_lines(app.log)  # where it is closed, on standard error


def test_a_directory_whose_name_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    directory = Path(os.fsdecode(bytes(tmp_path / "file") + b"/\xff\n"))
    with app_server(directory, tmp_path / "log", IMAGE_URL="sample:") as app:
        app.view_valid()
        assert "volume" in app.cache()["last_error"]
    assert_in_lines(app.log)


HANGS = """
import os, sys, time
from pathlib import Path
from todoapp import store
from todoapp.__main__ import main
stop = Path(sys.argv[1])
def hang(*args, _open=os.open, **kwargs):
    while stop.exists():
        time.sleep(0.05)
    return _open(*args, **kwargs)
class Os:
    open = staticmethod(hang)
    def __getattr__(self, name):
        return getattr(os, name)
store.os = Os()
sys.exit(main())
"""


def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """Pages go on in memory after a while, and counting when the disk is back."""
    app = AppServer(tmp_path / "cache", tmp_path / "log", {"IMAGE_URL": "sample:"})
    app.start("-c", HANGS, str(tmp_path / "hangs"))
    count = app.view_valid().access_count
    (tmp_path / "hangs").touch()
    begun = time.monotonic()
    with httpx.Client(base_url=app.url, timeout=30) as other:
        pages = [app.view() for _ in range(3)]
        assert other.get("/healthz").status_code == other.get("/readyz").status_code == 200
        assert other.get("/image").status_code == 200
    assert time.monotonic() - begun < 15
    assert [page.access_count for page in pages] == [count + 1, count + 2, count + 3]
    assert "does not answer" in app.cache()["last_error"]
    (tmp_path / "hangs").unlink()
    wait_for(lambda: app.cache()["last_error"] is None, what="the disk")
    assert app.view().access_count == count + 4
    app.close()
    assert_in_lines(app.log)


def test_a_head_without_end_is_dropped(tmp_path: Path) -> None:
    with app_server(tmp_path / "cache", tmp_path / "log", IMAGE_URL="sample:") as app:
        with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
            with pytest.raises(OSError, match=r"reset|pipe"):
                connection.sendall(b"x" * 64_000_000)
        app.view_valid()
    assert_in_lines(app.log)

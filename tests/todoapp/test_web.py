"""Every endpoint over real HTTP, and what is no request for one."""

import hashlib
from collections.abc import Iterator

import pytest

from tests.app_server import AppServer, app_server
from tests.image_service import image_service

pytestmark = pytest.mark.live

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


@pytest.fixture(name="app", scope="module")
def _app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One app for tests that do not mind each other."""
    base = tmp_path_factory.mktemp("app")
    with image_service() as images, app_server(base / "c", base / "log", IMAGE_URL=images.url) as app:
        app.view()
        yield app


def test_the_page(app: AppServer) -> None:
    before = app.cache()
    answer = app.client.get("/")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    after = app.cache()
    assert after["access_count"] == before["access_count"] + 1
    assert after["image_access_count"] == before["image_access_count"] + 1
    assert after["last_access_at"] > before["last_access_at"]


def test_the_page_and_the_state_agree(app: AppServer) -> None:
    page, state = app.view(), app.cache()
    assert page.status == state["status"] == "valid"
    assert page.access_count == state["access_count"]
    assert page.image_access_count == state["image_access_count"]
    assert state["expires_at"] == state["downloaded_at"] + state["ttl"]
    assert state["ttl"] == 600
    assert state["source"] == app.env["IMAGE_URL"]
    assert state["last_error"] is None
    assert set(state) == {
        "status",
        "downloaded_at",
        "expires_at",
        "last_access_at",
        "ttl",
        "grace_used",
        "access_count",
        "image_access_count",
        "image",
        "source",
        "last_error",
    }


def test_no_access_but_by_viewing_the_page(app: AppServer) -> None:
    before = app.cache()
    for path in ("/image", "/api/cache", "/healthz", "/readyz", "/nothing", "/static/nothing"):
        app.client.get(path)
    assert app.client.head("/").status_code == 200
    assert app.client.post("/").status_code == 405
    assert app.cache() == before


def test_the_picture(app: AppServer) -> None:
    answer = app.client.get("/image")
    image = app.cache()["image"]
    assert hashlib.sha256(answer.content).hexdigest() == image["sha256"]
    assert answer.headers["content-type"] == image["content_type"] == "image/png"
    assert len(answer.content) == image["size"]
    assert answer.headers["etag"] == f'"{image["sha256"]}"'
    assert answer.headers["cache-control"] == "no-cache"
    head = app.client.head("/image")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == answer.headers["etag"]
    assert head.headers["content-length"] == str(image["size"])


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ('"other", {etag}', 304),
        ('"other",W/{etag} , "more"', 304),
        ("*", 304),
        ('"other"', 200),
        ('W/"other"', 200),
        ("{bare}", 200),
        ("", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match(app: AppServer, if_none_match: str, status: int, method: str) -> None:
    etag = app.client.get("/image").headers["etag"]
    value = if_none_match.format(etag=etag, bare=etag.strip('"'))
    answer = app.client.request(method, "/image", headers={"If-None-Match": value})
    assert answer.status_code == status
    assert answer.headers["etag"] == etag
    if status == 304:
        assert answer.content == b""
        assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/image/",
        "/api",
        "/api/cache/",
        "/index.html",
        "/static",
        "/static/",
        "/static/nothing.css",
        "/static/../page.py",
        "/static/..%2fpage.py",
        "/static/%2e%2e/page.py",
        "/static/....//page.py",
        "/static//etc/passwd",
        "/static/%00",
        "//etc/passwd",
        "/..%2f..%2f..%2fetc/passwd",
        "/cached_image.jpg",
        "/cache_metadata.json",
        "/%ff",
    ],
)
def test_unknown_paths(app: AppServer, path: str) -> None:
    answer = app.client.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert SECURITY.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("path", ["/", "/image", "/api/cache", "/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_wrong_methods(app: AppServer, path: str, method: str) -> None:
    answer = app.client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_static_files(app: AppServer) -> None:
    from todoapp import app as page

    files = [path for path in (page.HERE / "static").iterdir() if path.is_file()]
    assert files
    for path in files:
        answer = app.client.get(f"/static/{path.name}")
        assert answer.status_code == 200
        assert answer.content == path.read_bytes()
        assert SECURITY.items() <= dict(answer.headers).items()
    answer = app.client.post(f"/static/{files[0].name}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/image", "/api/cache", "/healthz", "/readyz", "/nothing"])
def test_security_headers(app: AppServer, path: str) -> None:
    headers = dict(app.client.get(path).headers)
    assert SECURITY.items() <= headers.items()
    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert "server" not in headers


def test_the_log_says_what_it_serves_and_why_it_fetches(app: AppServer) -> None:
    first, second, third = app.log.splitlines()[:3]
    assert f"cache in {app.cache_dir}, TTL 600 s" in first
    assert app.env["IMAGE_URL"] in first
    assert "fetching a new picture: there is no picture yet" in second
    image = app.cache()["image"]
    assert third.endswith(f"INFO new picture: SHA-256 {image['sha256']}, image/png, {image['size']} bytes")

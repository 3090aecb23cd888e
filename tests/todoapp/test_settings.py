"""What the environment may say, and the one line for what it may not."""

from pathlib import Path

import pytest

from tests.app_server import AppServer
from todoapp.settings import Settings, SettingsError, read


def test_defaults_are_those_of_the_contract() -> None:
    assert read({}) == Settings(
        host="0.0.0.0",
        port=3000,
        cache_dir=Path("cache").absolute(),
        ttl=600.0,
        image_url="https://picsum.photos/500",
        log_level="INFO",
        drain_seconds=3.0,
    )


def test_every_value_is_read() -> None:
    environ = {
        "HOST": "::1",
        "PORT": "65535",
        "CACHE_DIR": "/a/b",
        "CACHE_TTL": "0.5",
        "IMAGE_URL": "http://[::1]:8000/x?y=1",
        "LOG_LEVEL": "debug",
        "DRAIN_SECONDS": "0",
    }
    assert read(environ) == Settings(
        host="::1",
        port=65535,
        cache_dir=Path("/a/b"),
        ttl=0.5,
        image_url="http://[::1]:8000/x?y=1",
        log_level="DEBUG",
        drain_seconds=0.0,
    )
    assert read({"IMAGE_URL": "sample:"}).image_url == "sample:"


BAD = {
    "HOST": ["", " "],
    "PORT": ["", "0", "65536", "99999", "-1", "1.5", "http", "٣", "9" * 5000, " 80"],
    "CACHE_DIR": ["", "  ", "a\0b"],
    "CACHE_TTL": ["", "0", "-1", "nan", "inf", "-inf", "ten", "1e999", "0x10"],
    "IMAGE_URL": [
        "",
        "picsum.photos/500",
        "ftp://host/x",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://host:port/",
        "http://host:0/",
        "http://host:99999/",
        "http://[::1/",
        "http://a b/",
        "http://höst/",
        "http://host/\n",
        "sample",
        "sample:x",
        "SAMPLE:",
    ],
    "LOG_LEVEL": ["", "LOUD", "10"],
    "DRAIN_SECONDS": ["", "-1", "61", "nan", "inf", "soon"],
}


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, bad in BAD.items() for number in range(len(bad))]
)
def test_a_bad_value_is_one_line_that_names_the_variable(name: str, number: int) -> None:
    value = BAD[name][number]
    with pytest.raises(SettingsError) as caught:
        read({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}=")
    assert "give it" in message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_ends_the_start(tmp_path: Path, name: str) -> None:
    env = {name: BAD[name][-1].replace("\0", "") or " "}
    if name == "CACHE_DIR":
        env[name] = " "  # no environment can hold a NUL
    server = AppServer(tmp_path / "cache", tmp_path / "log", {})
    server.env |= env
    server.spawn()
    assert server.wait() == 2
    server.client.close()
    [line] = server.log.splitlines()
    assert line.startswith(f"todoapp: {name}=")
    assert not (tmp_path / "cache").exists()

"""What is asked for, checked before anything is visited; commands; the files of a volume."""

import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.todoctl.course.made import Seen, made
from todoctl.course import command
from todoctl.course.command import course_apps
from todoctl.errors import BadUsageError, UnavailableError

URL = "http://localhost:8081"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ttl": 0}, "--ttl 0 is not a time to live"),
        ({"urls": [URL, URL]}, f"--url {URL} is given more than once"),
        ({"urls": ["localhost:8081"]}, "--url 'localhost:8081' is not a page's address"),
        ({"urls": ["http://[::1"]}, "is not a page's address"),
        ({"urls": ["http://a b/"]}, "is not a page's address"),
        ({"urls": [f"http://{'a' * 70}.com/"]}, "is not a page's address"),
        ({"urls": [f"http://{'ü' * 70}.com/"]}, "is not a page's address"),
        ({"urls": ["http://a:99999/"]}, "is not a page's address"),
        ({"image": "http://[::1"}, "--image 'http://[::1' is not a picture's address. Use one like /image"),
        ({"image": "data:,a"}, "--image 'data:,a' is not a picture's address"),
        ({"volumes": [Path("/")], "volume_execs": ["ls"]}, "--volume and --volume-exec do not go together"),
        ({"volumes": [Path("/no/such")]}, "--volume /no/such is no directory"),
        ({"restarts": ["a", "b"]}, "--restart-command is given 2 times for 1 --url"),
        ({"restarts": [" "]}, "--restart-command is empty"),
        ({"volume_execs": ["a 'b"]}, '--volume-exec "a \'b" is no command: No closing quotation'),
        ({"claims": "stays,moon"}, "--claims 'moon' is no claim. Use shown, stays"),
        ({"claims": ","}, "--claims names none"),
        ({"claims": "restart"}, "--claims restart needs --restart-command"),
        ({"claims": "crash"}, "--claims crash needs todoctl grade"),
        ({"claims": "files"}, "--claims files needs --volume or --volume-exec"),
    ],
)
def test_bad_usage(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadUsageError) as told:
        course_apps(**{"urls": [URL], "ttl": 600.0, **options})
    assert words in str(told.value)


def test_what_is_asked_for() -> None:
    one, other = course_apps(
        [URL, "https://a/b"], ttl=20, restarts=["r 'x y'", "s"], claims="stays, stays,renews"
    )
    assert (one.url, other.url) == (f"{URL}/", "https://a/b")
    assert one.commands == ("r 'x y'",)
    assert one.claims == ("stays", "renews")
    assert one.counted == {"shown", "stays", "renews"}
    assert course_apps([URL], ttl=20)[0].counted == {"shown", "stays", "renews", "counts", "times"}
    assert one.acts.keys() == {"restart"}
    for image in ("image", "/my image.png", "https://a/b"):
        assert course_apps([URL, "http://[::1]:80/"], ttl=20, image=image)[1].image == image


def run(words: list[str], seconds: float = 20.0, settle: float = 0.0) -> str:
    output: list[str] = []
    over = command.start(words, seconds, output, settle=settle)
    while not over():
        time.sleep(0.01)
    return output[0]


@pytest.mark.live
@pytest.mark.smoke
def test_a_command_runs_without_a_shell() -> None:
    began = time.monotonic()
    assert run([sys.executable, "-c", "print('$HOME')"], settle=1.0) == "$HOME\n"
    assert time.monotonic() - began >= 1.0, "what it began may take a while"


@pytest.mark.live
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["/no/such/command"], "The command '/no/such/command' cannot be run: No such file or directory."),
        (["sleep", "9"], "The command 'sleep 9' has not ended after 0.2 s."),
        (["ls", "/no such"], "The command 'ls "),
    ],
)
def test_a_failure_is_one_line(words: list[str], line: str) -> None:
    with pytest.raises(UnavailableError) as error:
        run(words, seconds=0.2 if words[0] == "sleep" else 20)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "picture").write_bytes(b"bytes")
    [file] = command.read(tmp_path, made(Seen(0, "")))
    assert (file.name, file.size, file.body) == ("cache/picture", 5, hashlib.sha256(b"bytes").hexdigest())
    with pytest.raises(UnavailableError, match="is no directory"):
        command.read(tmp_path / "gone", made(Seen(0, "")))


def test_a_file_that_vanishes_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache.tmp").touch()
    (tmp_path / "picture.png").write_bytes(b"bytes")
    read = Path.read_bytes

    def go(path: Path) -> bytes:
        if path.suffix == ".tmp":
            raise FileNotFoundError
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", go)
    assert [file.name for file in command.read(tmp_path, made(Seen(0, "")))] == ["picture.png"]

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UnavailableError, match="cannot be read: Permission denied"):
        command.read(tmp_path, made(Seen(0, "")))


@pytest.mark.live
@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("-rw-r--r--. 1 root root 21276 2025-11-24 05:35:33.8 +0000 a.jpg", [("a.jpg", 21276)]),
        ("-rw-r--r-- 1 root root 140 Nov 24 05:35 b.json", [("b.json", 140)]),
        ("drwxr-xr-x 2 root root 4096 Nov 24 05:35 more", []),
        ("total 0", []),
    ],
)
def test_a_listing(line: str, files: list[tuple[str, int]]) -> None:
    words = [sys.executable, "-c", f"print({line!r})"]
    assert [(file.name, file.size) for file in command.listed(words, made(Seen(0, "")))] == files


@pytest.mark.live
def test_what_is_no_listing() -> None:
    with pytest.raises(UnavailableError, match="--volume-exec lists no files"):
        command.listed([sys.executable, "-c", "print('cached_image.jpg')"], made(Seen(0, "")))

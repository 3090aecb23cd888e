"""What is refused before anything is visited."""

from pathlib import Path
from typing import Any

import pytest

from todoctl.course.options import course_options
from todoctl.course.verdict import CLAIMS
from todoctl.errors import BadUsageError

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
        ({"claims": "files"}, "--claims files needs --volume or --volume-exec"),
    ],
)
def test_bad_usage(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadUsageError) as told:
        course_options(**{"urls": [URL], "ttl": 600.0, **options})
    assert words in str(told.value)


def test_what_is_asked_for() -> None:
    one, other = course_options(
        [URL, "https://a/b"], ttl=20, restarts=["r 'x y'", "s"], claims="stays, stays,renews"
    )
    assert (one.url, other.url) == (f"{URL}/", "https://a/b")
    assert one.restart == ("r", "x y")
    assert one.claims == ("stays", "renews")
    assert one.counted == {"shown", "stays", "renews"}
    assert course_options([URL], ttl=20)[0].counted == {*CLAIMS}
    for image in ("image", "/my image.png", "https://a/b"):
        assert course_options([URL, "http://[::1]:80/"], ttl=20, image=image)[1].image == image

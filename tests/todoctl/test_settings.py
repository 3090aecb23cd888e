"""Settings: what is refused, and how they travel."""

import math

import pytest

from todoctl.errors import BadUsageError
from todoctl.settings import Settings, parse_duration, seconds


@pytest.mark.parametrize("port", [0, -1, 65536, 99999])
def test_a_port_is_between_1_and_65535(port: int) -> None:
    with pytest.raises(BadUsageError, match=rf"--port {port} is not a port\. Use a number from 1 to 65535\."):
        Settings(port=port)


@pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf])
def test_a_ttl_is_a_time_above_zero(ttl: float) -> None:
    with pytest.raises(BadUsageError, match="is not a time to live"):
        Settings(ttl=ttl)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "foo",
        "ftp://example.org/x",
        "http://",
        "http://host:0/",
        "http://host:x/",
        "http://a b/",
        "Sample:",
        "http://exämple.org/",
    ],
)
def test_an_image_url_is_http_or_sample(url: str) -> None:
    with pytest.raises(BadUsageError, match="is not a picture's address"):
        Settings(image_url=url)


@pytest.mark.parametrize("url", ["sample:", "http://127.0.0.1:9/x", "https://picsum.photos/500"])
def test_settings_travel_through_json(url: str) -> None:
    settings = Settings(port=1234, ttl=2.5, image_url=url)
    assert Settings.from_json(settings.to_json()) == settings
    assert settings.url == "http://localhost:1234"


def test_settings_of_another_version_are_taken_as_far_as_they_are_known() -> None:
    assert Settings.from_json({"ttl": 5, "moon": "full"}) == Settings(ttl=5)
    assert Settings.from_json({}) == Settings()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@example.org/a@b", "https://***@example.org/a@b"),
        ("http://token@[::1]:80/", "http://***@[::1]:80/"),
        ("https://example.org/@me:x", "https://example.org/@me:x"),
        ("sample:", "sample:"),
    ],
)
def test_user_and_password_are_not_shown(url: str, shown: str) -> None:
    assert Settings(image_url=url).source == shown


@pytest.mark.parametrize(("value", "text"), [(600.0, "600"), (2.5, "2.5"), (0.1, "0.1"), (1e7, "10000000")])
def test_seconds_are_written_without_needless_digits(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("2.5s", 2.5), ("5m", 300), ("1h30m", 5400), ("1m30", 90)]
)
def test_a_timeout_is_written_as_for_kubectl(text: str, value: float) -> None:
    assert parse_duration("--timeout", text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "5x", "m", "nan", "1.5m", "1 m", "9" * 400])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadUsageError, match=r"--timeout .* is not a time\. Use seconds"):
        parse_duration("--timeout", text)

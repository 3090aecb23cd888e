"""Where pictures come from."""

from pathlib import Path

import pytest

from tests.image_service import ImageService, Mode
from todoctl.cli import up
from todoctl.errors import BadUsageError
from todoctl.settings import DEFAULT_IMAGE_URL, SAMPLE_IMAGES, Settings
from todoctl.state import Home
from todoctl.targets.base import Deployment
from todoctl.targets.local.target import LocalTarget
from todoctl.terminal import Terminal


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (Mode.OK, None),
        (Mode.REDIRECT, None),
        (Mode.ERROR_500, "it answers 500"),
        (Mode.HTML, "it answers with text/html"),
        (Mode.CLOSED, "Server disconnected without sending a response."),
    ],
)
def test_a_service_is_reachable_when_it_brings_a_picture(
    mode: Mode, why: str | None, images: ImageService
) -> None:
    images.mode = mode
    found = up.why_unreachable(images.url)
    assert found is None if why is None else found is not None and found.startswith(why)


def test_nobody_there_is_unreachable() -> None:
    assert up.why_unreachable("http://127.0.0.1:1/")


def test_an_app_that_does_not_answer_says_nothing() -> None:
    assert up._problem("http://127.0.0.1:1") is None


@pytest.mark.parametrize(
    ("running", "problem", "source", "told"),
    [
        (SAMPLE_IMAGES, None, DEFAULT_IMAGE_URL, ""),
        (SAMPLE_IMAGES, "it is away", SAMPLE_IMAGES, "cannot be reached from here (it is away)"),
        (DEFAULT_IMAGE_URL, "it is away", DEFAULT_IMAGE_URL, ""),
    ],
)
def test_the_bundled_pictures_are_for_machines_without_internet(
    running: str,
    problem: str | None,
    source: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(up, "why_unreachable", lambda _: problem)
    target = LocalTarget(Home(tmp_path))
    found = Deployment(settings=Settings(image_url=running), url="", details={})
    monkeypatch.setattr(target, "deployed", lambda: found)
    assert up.choose_source(target, Terminal()) == source
    assert told in capsys.readouterr().out


def test_options_for_another_target_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUsageError, match=r"--base-image goes with --target k3d only, and .* is local"):
        up._target("local", {"base_image": "x"}, Home(tmp_path))

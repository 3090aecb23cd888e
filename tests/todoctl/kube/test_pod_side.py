"""Looking at the app's side again and again: by one program, and by others where that has failed."""

import base64
import json
from collections.abc import Iterator

import pytest

from tests.todoctl.kube.kube import Kube
from todoctl.errors import UnavailableError
from todoctl.kube.api import Api
from todoctl.kube.pod_side import PodSide
from todoctl.targets.volume import File

AT = 1795520561932186601


def names(files: list[File]) -> list[tuple[str, bytes]]:
    return [(file.name, file.content) for file in files]


def line(content: bytes) -> str:
    return json.dumps([["picture", len(content), AT, base64.b64encode(content).decode()]]) + "\n"


@pytest.fixture(name="app")
def _app(api: Api) -> Iterator[PodSide]:
    side = PodSide(api, "pod-1", fractions=True)
    yield side
    side.close()


def test_one_program_in_the_pod_looks_again_and_again(app: PodSide, kube: Kube) -> None:
    contents = [b"", b"1", b"2" * 300_000]
    kube.lines = [line(content) for content in contents]
    kube.output = "not asked"
    for content in contents:
        assert names(app.read()) == [("picture", content)]


def test_where_the_program_has_ended_another_one_looks(app: PodSide, kube: Kube) -> None:
    kube.lines = [line(b"1")]
    kube.output = line(b"2")
    for content in (b"1", b"2", b"1"):
        assert names(app.read()) == [("picture", content)]


def test_why_the_program_failed_is_told(app: PodSide, kube: Kube) -> None:
    kube.output, kube.ending = (
        "PermissionError",
        '{"status": "Failure", "details": {"causes": [{"message": "1"}]}}',
    )
    with pytest.raises(UnavailableError, match=r"'python3' failed in the pod .*PermissionError"):
        app.read()

"""Commands that cannot be begun in a pod."""

import pytest

from tests.todoctl.kubernetes.kube import Answer, Kube
from todoctl.errors import UnavailableError
from todoctl.kubernetes.api import Api


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(403, '{"message": "quota\\nexceeded"}'), r"quota exceeded"),
        (Answer(500), r"Handshake status 500 .*Error"),
    ],
)
def test_a_refusal_is_told_in_one_line(api: Api, kube: Kube, answer: Answer, why: str) -> None:
    kube.answers["/exec"] = answer
    kube.answers["/portforward"] = answer
    for begin in (api.pod_commands.begin, api.pod_commands.run):
        with pytest.raises(UnavailableError, match=rf"The cluster has refused: {why}\.$"):
            begin("pod", "true")
    with pytest.raises(UnavailableError, match=rf"The cluster has refused: {why}\.$"):
        api.pod_commands.connect("pod", 3000)


def test_an_api_that_is_away_is_told_in_one_line(api: Api, kube: Kube) -> None:
    kube.close()
    with pytest.raises(UnavailableError, match=r"API does not answer: .*Connection refused"):
        api.pod_commands.run("pod", "true")


def test_a_failure_that_is_not_the_server_s_is_not_hidden(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(api.pod_commands, "_core")
    with pytest.raises(AttributeError):
        api.pod_commands.run("pod", "true")

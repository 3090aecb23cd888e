"""Commands that cannot be begun in a pod."""

import pytest
from kubernetes.stream import ws_client
from websocket import WebSocketConnectionClosedException

from tests.todoctl.kube.kube import Answer, Kube
from todoctl.errors import UnavailableError
from todoctl.kube.api import Api
from todoctl.kube.pod_commands import CommandFailedError


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
        with pytest.raises(
            UnavailableError, match=rf"The API server has refused the request: {why}\. Mend what"
        ):
            begin("pod", "true")
    with pytest.raises(UnavailableError, match=rf"The API server has refused the request: {why}\. Mend what"):
        api.pod_commands.connect("pod", 3000)


def test_an_api_that_is_away_is_told_in_one_line(api: Api, kube: Kube) -> None:
    kube.close()
    with pytest.raises(UnavailableError, match=r"API does not answer: .*Connection refused"):
        api.pod_commands.run("pod", "true")


def test_a_failure_that_is_not_the_server_s_is_not_hidden(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(api.pod_commands, "_core")
    with pytest.raises(AttributeError):
        api.pod_commands.run("pod", "true")


def test_a_command_that_has_failed_is_told_from_one_that_nobody_knows_of(api: Api, kube: Kube) -> None:
    """Else what is on a volume would pass for missing, where only the way there is."""
    kube.ending = '{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "1"}]}}'
    with pytest.raises(CommandFailedError, match="'test' failed in the pod") as failed:
        api.pod_commands.run("pod", "test")
    assert failed.value.exit_code == 1
    for kube.ending in ("", '{"status": "Failure", "message": "error dialing backend"}'):
        with pytest.raises(
            UnavailableError, match="connection was lost while 'test' ran in the pod pod"
        ) as lost:
            api.pod_commands.run("pod", "test")
        assert not isinstance(lost.value, CommandFailedError)


def test_a_connection_that_breaks_off_is_told_in_one_line(
    api: Api, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object, **__: object) -> None:
        raise WebSocketConnectionClosedException("lost")

    monkeypatch.setattr(ws_client.WSClient, "run_forever", lose)
    with pytest.raises(UnavailableError, match=r"connection was lost .*: lost\. Run"):
        api.pod_commands.run("pod", "test")

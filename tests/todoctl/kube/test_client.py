"""The API: what is there, what is not, and what cannot be told; commands in pods and connections to them."""

from collections.abc import Callable
from http.client import HTTPConnection

import pytest
from websocket import WebSocketConnectionClosedException

from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import pod
from todoctl.errors import CommandFailedError, UnavailableError
from todoctl.kube.client import Client
from todoctl.kube.streams import Session

NOT_FOUND = '{"kind": "Status", "reason": "NotFound", "message": "pods \\"it\\" not found"}'

ASK: list[Callable[[Client], object]] = [
    Client.ping,
    lambda client: client.get("Pod", "it"),
    lambda client: client.list("Pod"),
    lambda client: client.apply(pod("it") | {"kind": "Pod"}),
    lambda client: client.delete("Pod", "it"),
    lambda client: client.run("it", "true"),
    lambda client: client.begin("it", "true"),
    lambda client: client.connect("it", 3000),
    lambda client: list(client.logs("it", lines=1)),
]


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(403, '{"kind": "Status", "message": "quota\\nexceeded"}'), r": quota exceeded\. "),
        (Answer(403, "plain"), "403 Forbidden: plain"),
        (Answer(503, ""), "503 Service Unavailable"),
        (Answer(500, "[]"), "500 Internal Server Error"),
        (Answer(404, "<h1>Not found</h1>"), "404 Not Found"),  # of a proxy, say: nothing follows from it
    ],
)
def test_a_refusal_is_said_in_one_line(
    ask: Callable[[Client], object], answer: Answer, why: str, client: Client, kube: Kube
) -> None:
    kube.answers["/"] = answer
    with pytest.raises(UnavailableError, match=rf"The API server has refused the request.*{why}") as failed:
        ask(client)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("ask", ASK)
def test_an_api_that_is_away_is_said_in_one_line(
    ask: Callable[[Client], object], client: Client, kube: Kube
) -> None:
    kube.close()
    with pytest.raises(UnavailableError, match=r"API does not answer: http://127.*refused.*todoctl up"):
        ask(client)


def test_only_the_api_server_itself_says_that_something_is_not_there(client: Client, kube: Kube) -> None:
    assert client.get("Pod", "it") is None
    assert not client.delete("Service", "todo-app-svc")
    kube.answers["/httproutes"] = Answer(404, "404 page not found\n")  # a cluster without the Gateway API
    assert client.get("HTTPRoute", "it") is None
    kube.answers["/pods"] = Answer(404, "404 page not found\n")
    with pytest.raises(UnavailableError, match="refused"):
        client.get("Pod", "it")
    kube.answers["/pods"] = Answer(200, "<html>Log in to the network</html>")
    with pytest.raises(UnavailableError, match="no API server"):
        client.get("Pod", "it")


def test_a_token_that_has_expired_is_had_anew(client: Client, kube: Kube) -> None:
    kube.answers["/pods"] = Answer(401, "{}")
    kube.controllers.append(lambda: kube.answers.clear() if kube.requests else None)
    assert client.list("Pod") == []


def test_creating_says_whether_it_has_made_it(client: Client) -> None:
    made = {"kind": "ConfigMap", "metadata": {"name": "it"}}
    assert [client.create(made), client.create(made)] == [True, False]


def test_a_log_may_end_with_a_line_end(client: Client, kube: Kube) -> None:
    kube.logs = "one\ntwo\n"
    assert list(client.logs("pod", lines=5)) == ["one", "two"]
    assert list(client.logs("pod", lines=5, follow=True)) == ["one", "two"]


def test_a_port_of_a_pod(client: Client, kube: Kube) -> None:
    kube.pods = [pod("it")]
    for _ in range(2):
        connection = HTTPConnection("it", 3000)
        connection.sock = client.connect("it", 3000)
        connection.request("HEAD", "/")
        assert connection.getresponse().status == 200
        connection.close()


def test_a_command_that_has_failed_is_not_one_that_nobody_knows_of(client: Client, kube: Kube) -> None:
    """Else what is on a volume would pass for missing, if only the connection is."""
    kube.output = "out"
    assert client.run("pod", "test") == "out"
    kube.ending = '{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "1"}]}}'
    with pytest.raises(CommandFailedError, match="'test' failed in the pod") as failed:
        client.run("pod", "test")
    assert failed.value.exit_code == 1
    for kube.ending in ("", '{"status": "Failure", "message": "error dialing backend"}'):
        with pytest.raises(UnavailableError, match="connection was lost while 'test' ran") as lost:
            client.run("pod", "test")
        assert not isinstance(lost.value, CommandFailedError)


def test_a_connection_that_breaks_off_is_said_in_one_line(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object) -> bool:
        raise WebSocketConnectionClosedException("lost")

    monkeypatch.setattr(Session, "receive", lose)
    with pytest.raises(UnavailableError, match=r"connection was lost .*: lost\. Run"):
        client.run("pod", "test")

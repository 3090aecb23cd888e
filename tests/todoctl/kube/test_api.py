"""The API: its failures in one line, its kubeconfig, and no proxy on the way."""

from pathlib import Path

import pytest

from tests.todoctl.kube.kube import Answer, Kube
from todoctl.errors import UnavailableError
from todoctl.kube.api import Api


@pytest.fixture(name="api")
def _api(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    path = tmp_path / "kubeconfig"
    path.write_text(kube.kubeconfig())
    return Api(path, proxied=False)


def test_a_proxy_is_not_in_the_way(api: Api) -> None:
    api.ping()


@pytest.mark.parametrize("content", [None, "", "nonsense: true"])
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnavailableError, match="kubeconfig cannot be used"):
        Api(path)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"message": "quota\\nexceeded"}', "quota exceeded"),
        ("plain", "plain"),
        ("", "Forbidden"),
        ("[]", ""),
    ],
)
def test_a_refusal_is_told_in_one_line(api: Api, kube: Kube, body: str, why: str) -> None:
    kube.answers["/"] = Answer(403, body)
    for ask in (api.ping, api.deployment, api.pods):
        with pytest.raises(UnavailableError, match=rf"refused the request: .*{why}"):
            ask()
    api.wait_for_pods(1)  # whoever waits asks again


def test_an_api_that_is_away_is_told_in_one_line(api: Api, kube: Kube) -> None:
    kube.close()
    for ask in (api.ping, api.deployment, api.pods):
        with pytest.raises(UnavailableError, match=r"does not answer.*todoctl up"):
            ask()
    api.wait_for_pods(1)


def test_a_watch_may_end_without_news(api: Api, kube: Kube) -> None:
    kube.answers["watch=True"] = Answer(200, "")
    api.pods()
    api.wait_for_pods(1)


def test_deleting_what_is_not_there(api: Api) -> None:
    assert not api.delete({"kind": "Service", "metadata": {"name": "todo-app-svc"}})


def test_a_log_may_end_with_a_line_end(api: Api, kube: Kube) -> None:
    kube.logs = "one\ntwo\n"
    assert list(api.log("pod", lines=5)) == ["one", "two"]

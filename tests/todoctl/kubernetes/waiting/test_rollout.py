"""What is said of a pod that is not ready."""

import pytest

from tests.todoctl.kubernetes.kube import Answer, Kube
from tests.todoctl.kubernetes.objects import Json, pod
from tests.todoctl.kubernetes.place import Place
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.kubernetes.api import Api
from todoctl.kubernetes.waiting import patience, rollout

ENDING = pod("old")
ENDING["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"


LOST = pod("lost", phase="Failed", reason="Evicted", message="The node was low on resource: imagefs.")


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        ([], rollout.SETTLED),
        ([ENDING], "1 pod(s) still ending"),
        ([pod("new")], rollout.SETTLED),
        ([pod("new"), LOST], rollout.SETTLED),
        ([pod("new", ready=False), ENDING], "pod new runs, and is not ready yet"),
    ],
)
def test_what_is_in_the_way_of_the_app(pods: list[Json], reason: str, kube: Kube, api: Api) -> None:
    kube.pods = pods
    assert rollout.hindrance(api).what == reason


def test_the_newest_pod_counts(kube: Kube, api: Api) -> None:
    older, newer = pod("older", ready=False), pod("newer", ready=False)
    newer["metadata"]["creationTimestamp"] = "2026-11-23T12:00:01Z"
    kube.pods = [older, newer]
    found = rollout.of_pods(api, api.pods())
    assert [one.what.split()[1] for one in found] == ["newer", "older"]


def test_an_evicted_pod_is_not_waited_for(kube: Kube, api: Api) -> None:
    """It stays on the list for long."""
    kube.pods = [LOST, pod("new")]
    assert [one.metadata.name for one in rollout.standing(api.pods())] == ["new"]


def test_nothing_is_rolled_out_without_a_deployment() -> None:
    assert not rollout.is_rolled_out(None, [])


def test_whoever_waits_can_give_up(place: Place) -> None:
    place.stop.set()
    with pytest.raises(UnavailableError, match="given up"):
        rollout.wait(place, None)


def test_waiting_for_the_end_tells_what_is_still_there(
    kube: Kube, place: Place, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_SECONDS", 0.2)
    kube.pods = [pod("new")]
    with pytest.raises(UnavailableError, match="does not end, and nothing new has happened"):
        rollout.wait_for_none(place, told)


def test_an_api_that_is_busy_for_a_moment_is_asked_again(
    kube: Kube, place: Place, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "ASK_AGAIN_SECONDS", 0.01)
    kube.answers["/pods"] = Answer(503, "apiserver is shutting down")
    monkeypatch.setattr(told, "update", lambda *_: kube.answers.clear())
    rollout.wait_for_none(place, told)
    assert not kube.answers


def test_an_api_that_stays_away_is_told(kube: Kube, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "ASK_AGAIN_SECONDS", 0.01)
    kube.answers["/pods"] = Answer(503, "apiserver is shutting down")
    with pytest.raises(
        UnavailableError, match="does not get ready: The cluster has refused: apiserver is shutting"
    ):
        rollout.wait(place, None)

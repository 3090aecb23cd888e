"""What is said of a pod that is not ready."""

from typing import Any

import pytest

from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import Json, deployment, pod
from tests.todoctl.kube.place import Place
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.kube.api import Api
from todoctl.kube.waiting import patience, rollout
from todoctl.kube.waiting.blocker import Blocker, Grade

ENDING = pod("old")
ENDING["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"


LOST = pod("lost", phase="Failed", reason="Evicted", message="The node was low on resource: imagefs.")


def blocker(api: Api) -> Blocker:
    return rollout.blocker(api, api.deployment(), api.pods())


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
    assert blocker(api).what == reason


def made(name: str, template: str, second: int, **more: Any) -> Json:  # noqa: ANN401 - JSON
    """A pod that a deployment made of one of its templates."""
    one = pod(name, labels={"app": "todo-app", "pod-template-hash": template}, **more)
    one["metadata"]["creationTimestamp"] = f"2026-11-23T12:00:{second:02}Z"
    return one


REFUSED = {"reason": "ErrImagePull", "message": "unexpected status: 401 Unauthorized"}


@pytest.mark.parametrize("ready", [False, True])
def test_a_pod_of_before_the_rollout_is_not_in_the_way(ready: bool, kube: Kube, api: Api) -> None:
    """It stands until the new one is ready, and for a moment after that."""
    kube.pods = [made("older", "a", 1, waiting=REFUSED), made("newer", "b", 2, ready=ready)]
    reason = rollout.SETTLED if ready else "pod newer runs, and is not ready yet"
    assert blocker(api).what == reason


def test_any_pod_of_the_rollout_is_in_the_way(kube: Kube, api: Api) -> None:
    kube.pods = [made("one", "b", 2, waiting=REFUSED), made("another", "b", 3)]
    assert blocker(api).grade is Grade.FINAL


@pytest.mark.parametrize("observed", [1, 2])
def test_until_a_change_is_observed_its_pods_are_not_there(observed: int, kube: Kube, api: Api) -> None:
    kube.pods = [made("older", "a", 1, waiting=REFUSED)]
    found = deployment("todo-app-dep")
    found["metadata"]["generation"] = 2
    found["status"]["observedGeneration"] = observed
    kube.resources["deployments", "todo-app-dep"] = found
    assert (blocker(api).what == rollout.SETTLED) == (observed < 2)


def test_the_newest_pod_counts(kube: Kube, api: Api) -> None:
    older, newer = pod("older", ready=False), pod("newer", ready=False)
    newer["metadata"]["creationTimestamp"] = "2026-11-23T12:00:01Z"
    kube.pods = [older, newer]
    found = rollout.newest(api.deployment(), api.pods())
    assert [one.metadata.name for one in found] == ["newer", "older"]
    assert blocker(api).what.split()[1] == "newer"


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
        UnavailableError,
        match="does not get ready: The API server has refused the request: apiserver is shutting",
    ):
        rollout.wait(place, None)

"""The target as the verbs use it, on a make-believe cluster."""

import json
import time
from dataclasses import replace

import httpx
import pytest

from tests.app_server import free_port
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import pod
from tests.todoctl.targets.kubernetes.conftest import OPTIONS
from tests.todoctl.told import Told
from todoctl.client import Client
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import Home
from todoctl.ports import check_free
from todoctl.settings import Settings
from todoctl.targets.kubernetes import forward
from todoctl.targets.kubernetes.target import NamespaceTarget
from todoctl.targets.local import process

MADE = {
    ("configmaps", "todoctl"),
    ("persistentvolumeclaims", "local-pv-claim"),
    ("deployments", "todo-app-dep"),
    ("services", "todo-app-svc"),
}


def test_up_makes_what_belongs_there_and_leads_the_port_to_it(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert target.settings() is None
    assert target.up(settings, told)
    assert set(kube.resources) == MADE
    with Client(f"http://127.0.0.1:{settings.port}") as client:
        client.find_page()
    assert target.settings() == settings
    assert target.details()["Namespace"] == "default"
    assert "pod-1-0" in target.details()["Runs as"]
    changes = len([line for line in kube.requests if line.startswith("PATCH")])
    assert not target.up(settings, told)
    assert len([line for line in kube.requests if line.startswith("PATCH")]) == changes
    assert target.up(replace(settings, ttl=5.0), told), "other settings"
    monkeypatch.setattr("todoctl.targets.kubernetes.context.digest", lambda _: "another version's")
    assert target.up(replace(settings, ttl=5.0), told), "what another version has applied"


def test_down_takes_away_what_todoctl_has_made_and_nothing_else(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    target.up(settings, told)
    kube.apply("services", "mine", {"metadata": {"name": "mine"}})
    kube.resources["services", "todo-app-svc"]["metadata"]["labels"] = {}
    assert target.down(told, keep_data=True)
    assert set(kube.resources) == {
        ("persistentvolumeclaims", "local-pv-claim"),
        ("services", "mine"),
        ("services", "todo-app-svc"),
    }
    assert not process.find(target.directory, forward.MODULE)
    assert target.settings() is None
    assert not target.down(told, keep_data=True), "that is so already"
    assert target.down(told, keep_data=False)
    assert set(kube.resources) == {("services", "mine"), ("services", "todo-app-svc")}
    assert not home.path.exists() or not list(home.path.iterdir())
    assert not target.down(told, keep_data=False), "there is nothing more that is known"


def test_up_takes_a_claim_up_that_was_kept(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    uid = kube.resources["persistentvolumeclaims", "local-pv-claim"]["metadata"]["uid"]
    target.down(told, keep_data=True)
    assert target.up(settings, told)
    assert kube.resources["persistentvolumeclaims", "local-pv-claim"]["metadata"]["uid"] == uid
    assert not (target.directory / "kept.json").exists()


def test_what_does_not_go_is_told(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    kube.answers["DELETE"] = Answer(200, "{}")
    with pytest.raises(UnavailableError, match=r"PersistentVolumeClaim local-pv-claim.* did not go"):
        target.down(told, keep_data=False)
    assert target.settings() == settings, "so that down can be run again"


def test_all_rights_that_are_missing_are_named_before_anything_is_touched(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.denied = {"create pods/exec", "patch deployments"}
    with pytest.raises(UnavailableError, match="not allowed: patch deployments, create pods/exec"):
        target.up(settings, told)
    assert not kube.resources
    assert not target.directory.exists()


def test_without_an_image_nothing_is_begun(home: Home, settings: Settings, told: Told) -> None:
    with pytest.raises(BadUsageError, match="--app-image"):
        NamespaceTarget(home, replace(OPTIONS, app_image=None)).up(settings, told)


def test_the_namespace_is_made_where_that_is_asked_for(
    home: Home, kube: Kube, settings: Settings, told: Told
) -> None:
    target = NamespaceTarget(home, replace(OPTIONS, namespace="mine", create_namespace=True))
    kube.answers["/namespaces/mine/pods"] = Answer(403, '{"message": "not today"}')
    for _ in range(2):
        with pytest.raises(UnavailableError, match="not today"):
            target.up(settings, told)
    assert ("namespaces", "mine") in kube.resources
    kube.answers["POST /api/v1/namespaces"] = Answer(403, '{"message": "not allowed to create"}')
    with pytest.raises(UnavailableError, match="not allowed to create"):
        target.up(settings, told)


def test_what_somebody_else_has_made_is_left_alone(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.apply("services", "todo-app-svc", {"metadata": {"name": "todo-app-svc"}})
    with pytest.raises(UnavailableError, match="Service todo-app-svc is in namespace default"):
        target.up(settings, told)
    kube.apply("configmaps", "todoctl", {"metadata": {"name": "todoctl"}})
    with pytest.raises(UnavailableError, match="has a ConfigMap todoctl that todoctl has not made"):
        target.up(settings, told)


def test_a_namespace_is_never_deleted_and_the_command_for_it_is_printed(
    kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    """Others may have put there what no list of kinds names: a Secret, a CronJob, a resource of their own."""
    target = NamespaceTarget(home, replace(OPTIONS, create_namespace=True))
    target.up(settings, told)
    assert target.down(told, keep_data=False)
    assert ("namespaces", "default") in kube.resources
    assert "'kubectl --context=it --namespace=default delete namespace default' deletes it" in told


def test_a_context_that_leads_elsewhere_is_refused(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    target.up(settings, told)
    kube.resources["configmaps", "todoctl"]["metadata"]["uid"] = "another"
    found = NamespaceTarget(home, OPTIONS)
    with pytest.raises(UnavailableError, match="context it now points elsewhere"):
        found.details()
    with pytest.raises(UnavailableError, match="context it now points elsewhere"):
        found.up(replace(settings, ttl=5.0), told)
    with pytest.raises(UnavailableError, match="context it now points elsewhere"):
        found.down(told, keep_data=False)
    assert ("deployments", "todo-app-dep") in kube.resources


def test_an_app_that_somebody_has_taken_down_is_told_and_what_is_left_is_taken_away(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    target.up(settings, told)
    del kube.resources["configmaps", "todoctl"]
    del kube.resources["services", "todo-app-svc"]
    found = NamespaceTarget(home, OPTIONS)
    for refused in (found.details, lambda: found.up(settings, told)):
        with pytest.raises(UnavailableError, match=r"The app has gone from namespace default.*todoctl down"):
            refused()
    assert found.down(told, keep_data=False)
    assert kube.resources == {}
    assert not found.directory.exists()


def test_where_the_namespace_may_be_gone_it_is_said_how_to_forget_it(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    """Its user has no rights there any more, and cannot see that it is gone."""
    target.up(settings, told)
    kube.answers["/configmaps/todoctl"] = Answer(403, '{"message": "configmaps is forbidden"}')
    found = NamespaceTarget(home, OPTIONS)
    with pytest.raises(UnavailableError, match=r"is forbidden.*if the namespace is gone.*rm -r '.*default'"):
        found.down(told, keep_data=False)
    with pytest.raises(UnavailableError) as caught:
        found.details()
    assert "rm -r" not in str(caught.value), "nobody asked to take it away"


def test_a_record_that_is_damaged_is_told(
    target: NamespaceTarget, settings: Settings, told: Told, home: Home
) -> None:
    target.up(settings, told)
    path = target.directory / "state.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "options": {"context": ""}}))
    with pytest.raises(UnavailableError, match="is damaged"):
        NamespaceTarget(home, OPTIONS).details()


def test_a_directory_without_a_record_is_no_app(target: NamespaceTarget, told: Told) -> None:
    target.directory.mkdir(parents=True)
    assert not target.down(told, keep_data=False)
    assert not target.directory.exists()


def test_an_api_that_is_away_is_told_by_status(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    target.instances()
    kube.answers["/pods"] = Answer(503, "away")
    assert "away" in target.details()["Runs as"]


def test_an_app_is_stopped_killed_and_started_again(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    before = target.instances()
    kube.output = ""
    target.kill()
    assert not before & target.instances()
    target.restart()
    assert target.scale(2) == ["http://10.43.0.9:1234"]
    for at_once in (False, True):
        target.stop(at_once=at_once)
        assert not target.instances()
        target.start(settings)
        assert target.instances()
    assert all("gracePeriodSeconds=1" in line for line in kube.requests if line.startswith("DELETE"))


def test_a_port_that_is_taken_is_told(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.open_page(settings.port)
    with pytest.raises(UnavailableError, match=f"Port {settings.port}"):
        target.up(settings, told)


def test_another_port_is_led_on_in_the_place_of_the_first(
    target: NamespaceTarget, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    other = replace(settings, port=free_port())
    assert target.up(other, told)
    with Client(f"http://127.0.0.1:{other.port}") as client:
        client.find_page()
    check_free(settings.port)
    assert len(process.find(target.directory, forward.MODULE)) == 1


def test_a_forwarder_that_has_ended_is_begun_anew(
    target: NamespaceTarget, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    (running,) = process.find(target.directory, forward.MODULE)
    running.kill()
    assert target.up(settings, told)
    assert process.find(target.directory, forward.MODULE) not in ([], [running])


def test_a_pod_that_refuses_is_told(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    kube.answers["/nothing"] = Answer(404)
    with pytest.raises(UnavailableError, match="pod todoctl-image-service has refused: 404 Not Found"):
        target._context().ask_pod("GET", "todoctl-image-service", 8000, "/nothing")


def test_the_image_service_is_asked_through_a_forwarded_port(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    place = target._context()
    assert place.ask_pod("HEAD", "todoctl-image-service", 8000, "/way") == b""
    kube.answers["/portforward"] = Answer(403, '{"message": "no"}')
    with pytest.raises(UnavailableError, match=r"The API server has refused the request: no\. Mend what"):
        place.ask_pod("HEAD", "todoctl-image-service", 8000, "/way")


def test_a_connection_that_finds_no_pod_is_closed(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    kube.pods = [pod("starting", ready=False)]
    time.sleep(2 * forward.KNOWN_SECONDS)
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{settings.port}/", trust_env=False)
    assert "No pod of the app is ready" in (target.directory / forward.LOG).read_text()

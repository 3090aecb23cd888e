"""The app in a namespace of a make-believe cluster, as the commands use it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.app_server import free_port
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import pod
from tests.todoctl.targets.kubernetes.conftest import Make
from tests.todoctl.told import Told
from todoctl import targets
from todoctl.client import Client
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.images import build as building
from todoctl.images import engine, pull
from todoctl.ports import check_free
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets import Choice
from todoctl.targets.base import Deployment, Target
from todoctl.targets.kubernetes import forward
from todoctl.targets.kubernetes.target import KubernetesTarget
from todoctl.targets.local import process

CLAIM = ("persistentvolumeclaims", "local-pv-claim")
MADE = {CLAIM, ("deployments", "todo-app-dep"), ("services", "todo-app-svc")}

pytestmark = pytest.mark.live  # the port is forwarded by a process


def deployed(target: Target) -> Deployment:
    found = target.deployed()
    assert found
    return found


def test_up_makes_what_belongs_there_and_forwards_the_port_to_it(
    target: KubernetesTarget, at: Make, kube: Kube, settings: Settings, told: Told
) -> None:
    assert target.deployed() is None
    assert target.up(settings, told)
    assert set(kube.resources) == MADE
    with Client(f"http://127.0.0.1:{settings.port}") as client:
        client.find_page()
    assert deployed(target).settings == settings
    assert deployed(target).details["Namespace"] == "default"
    assert "pod-1-0" in str(target.instances())
    assert not at().up(settings, told), "the image is the one that was named before"
    assert at().up(replace(settings, ttl=5.0), told), "other settings"
    (running,) = process.find(target.directory, forward.MODULE)
    running.kill()
    assert at().up(replace(settings, ttl=5.0), told), "the forwarder had ended"
    other = replace(settings, ttl=5.0, port=free_port())
    assert at().up(other, told)
    with Client(f"http://127.0.0.1:{other.port}") as client:
        client.find_page()
    check_free(settings.port)


def test_down_takes_away_what_todoctl_has_made_and_nothing_else(
    target: KubernetesTarget, at: Make, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    target.up(settings, told)
    uid = kube.resources[CLAIM]["metadata"]["uid"]
    mine = {"kind": "Service", "metadata": {"name": "mine"}, "spec": {}}
    kube.apply("services", "mine", mine)
    assert target.down(told, keep_data=True)
    assert set(kube.resources) == {CLAIM, ("services", "mine")}
    assert not process.find(target.directory, forward.MODULE)
    assert at().deployed() is None
    assert at().up(settings, told)
    assert kube.resources[CLAIM]["metadata"]["uid"] == uid
    assert at().down(told, keep_data=False)
    assert set(kube.resources) == {("services", "mine")}
    assert not home.path.exists() or not list(home.path.iterdir())
    assert not at().down(told, keep_data=False), "there is nothing more"


def test_what_was_applied_is_found_when_the_state_directory_is_lost(
    target: KubernetesTarget, kube: Kube, settings: Settings, told: Told, tmp_path: Path
) -> None:
    """By the names that the user gives, as on another machine."""
    target.up(settings, told)
    forward.Forwarder(target.directory).stop()
    lost = Home(tmp_path / "lost")
    assert targets.find(lost, Choice()) is None
    found = targets.require(lost, Choice(context="it"))
    assert deployed(found).settings == settings
    assert found.down(told, keep_data=False)
    assert not kube.resources
    with pytest.raises(UnavailableError, match="Nothing is up"):
        targets.require(lost, Choice(context="it"))


def test_all_that_is_in_the_way_is_named_before_anything_is_touched(
    target: KubernetesTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.denied = {"create pods/exec", "patch deployments"}
    kube.open_page(settings.port)
    with pytest.raises(
        UnavailableError,
        match=f"not allowed: patch deployments, create pods/exec.*Port {settings.port}",
    ):
        target.up(settings, told)
    assert not kube.resources
    assert not target.directory.exists()


def test_an_api_server_that_does_not_answer_is_a_finding(
    at: Make, kube: Kube, settings: Settings, config: Path
) -> None:
    config.write_text(kube.kubeconfig().replace(str(kube.port), str(free_port())))
    (found,) = at().findings(settings.port)
    assert (found.subject, found.ok) == ("API server", False)


def test_what_somebody_else_has_made_is_left_alone(
    target: KubernetesTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.apply("services", "todo-app-svc", {"metadata": {"name": "todo-app-svc"}})
    with pytest.raises(UnavailableError, match="service/todo-app-svc is in namespace default"):
        target.up(settings, told)
    assert set(kube.resources) == {("services", "todo-app-svc")}


def test_a_namespace_is_never_deleted_and_the_command_for_it_is_printed(
    at: Make, kube: Kube, settings: Settings, told: Told
) -> None:
    """Others may have put there what no list of kinds names: a Secret, a CronJob, a resource of their own."""
    at(app_image="me/app:1", create_namespace=True).up(settings, told)
    assert at().down(told, keep_data=False)
    assert ("namespaces", "default") in kube.resources
    assert "'kubectl --context=it delete namespace default' deletes it" in told


def test_a_namespace_that_may_be_gone_can_be_forgotten(
    target: KubernetesTarget, at: Make, kube: Kube, settings: Settings, told: Told
) -> None:
    """Its user has no rights there any more, and cannot see that it is gone."""
    target.up(settings, told)
    kube.answers["/namespaces/default/"] = Answer(403, '{"kind": "Status", "message": "is forbidden"}')
    with pytest.raises(UnavailableError, match=r"is forbidden.*if the namespace is gone.*rm -r '.*default'"):
        at().down(told, keep_data=False)
    assert not process.find(target.directory, forward.MODULE)


def test_an_annotation_that_somebody_has_edited_counts_as_lost(
    target: KubernetesTarget, at: Make, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    for found in kube.resources.values():
        found["metadata"].setdefault("annotations", {})["todoctl/asked"] = "{"
    assert at().deployed() is None
    assert at(app_image="me/app:1").up(settings, told)
    assert deployed(at()).settings == settings


def test_an_app_is_stopped_killed_and_started_again(
    target: KubernetesTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    before = target.instances()
    kube.output = ""
    target.restart(at_once=True)
    assert not before & target.instances()
    target.restart()
    assert target.scale(2) == ["http://10.43.0.9:1234"]
    kube.ending = '{"status": "Failure", "details": {"causes": [{"message": "1"}]}}'  # of `test -e`
    for at_once in (False, True):
        target.stop(at_once=at_once)
        assert not target.instances()
        target.start(replace(settings, ttl=1.0))
        assert target.instances()
        assert deployed(target).settings == settings, "what was asked for is not what plays"


def test_a_pod_that_crashes_is_told_with_its_last_words(
    target: KubernetesTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}
    kube.shape = lambda _: [pod("sick", waiting=waiting, restarts=3, last={"reason": "Error", "exitCode": 1})]
    with pytest.raises(UnavailableError, match=r"CrashLoopBackOff.*its log ends: last line"):
        target.up(settings, told)
    assert "sick" in str(target.instances())


def test_a_timeout_ends_the_wait_with_the_reason(
    target: KubernetesTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.shape = lambda _: [pod("slow", ready=False)]
    with pytest.raises(UnavailableError, match=r"within 0\.1 s: pod slow runs, and is not ready yet"):
        target.up(settings, told, 0.1)


# The image


def test_without_an_image_it_is_told_how_to_name_one(
    at: Make, kube: Kube, settings: Settings, told: Told
) -> None:
    with pytest.raises(BadUsageError, match=r"or a registry to push to\. Or: .*kind load docker-image"):
        at().up(settings, told)
    assert kube.resources == {}


def test_it_is_built_and_pushed_if_a_registry_is_named(
    at: Make, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, ...]] = []
    there: set[str] = set()

    def build(name: str, base: str, _: object) -> None:
        done.append(("build", name, base))
        there.add(name)

    monkeypatch.setattr(engine, "connect", lambda: "engine")
    monkeypatch.setattr(pull, "pull_missing", lambda *_: None if done else done.append(("pull",)))
    monkeypatch.setattr(engine, "has_image", lambda _, name: name in there)
    monkeypatch.setattr(building, "reference", lambda *_: "todo-app:0123")
    monkeypatch.setattr(building, "build", build)
    monkeypatch.setattr(building, "push", lambda name, _: done.append(("push", name)))
    name = "registry:5000/me/todo-app:0123"
    assert at(registry="registry:5000/me", base_image="python:3").up(settings, told)
    assert done.pop(0) == ("pull",), "what it is built on has its part in the name"
    assert done == [("build", name, "python:3"), ("push", name)]
    assert not at().up(settings, told)
    assert done[2:] == [("push", name)], "it may have gone from the registry"
    (container,) = kube.resources["deployments", "todo-app-dep"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == name


# The page by a host


def test_through_an_ingress_no_port_is_forwarded(
    at: Make, kube: Kube, settings: Settings, told: Told
) -> None:
    host = f"localhost:{free_port()}"
    kube.open_page(int(host.partition(":")[2]))
    target = at(app_image="me/app:1", host=host)
    assert target.up(settings, told)
    assert deployed(target).url == f"http://{host}"
    assert ("ingresses", "dwk-todo-app-ingress") in kube.resources
    assert not process.find(target.directory, forward.MODULE)
    assert (target.endpoint(settings).url, target.endpoint(settings).transport) == (f"http://{host}", None)
    assert not at().up(settings, told), "nothing differs"
    assert not any(finding.subject.startswith("Port") for finding in target.findings(settings.port))
    assert at().down(told, keep_data=False)
    assert not kube.resources


def test_a_route_of_a_gateway(at: Make, kube: Kube, settings: Settings, told: Told) -> None:
    host = f"localhost:{free_port()}"
    kube.open_page(int(host.partition(":")[2]))
    target = at(app_image="me/app:1", host=host, gateway="infra/public")
    assert target.up(settings, told)
    route = kube.resources["httproutes", "dwk-todo-app-route"]
    assert route["spec"]["parentRefs"] == [{"name": "public", "namespace": "infra"}]
    assert "gateway infra/public" in target.endpoint(settings).words
    assert at().down(told, keep_data=False)
    assert not kube.resources


def test_a_host_that_leads_nowhere_is_told_at_once(at: Make, settings: Settings, told: Told) -> None:
    with pytest.raises(UnavailableError, match=r"nowhere\.invalid is not known here.*/etc/hosts"):
        at(app_image="me/app:1", host="nowhere.invalid").up(settings, told)

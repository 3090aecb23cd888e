"""The record of a validation in a namespace that others use too."""

import pytest

from tests.faults.trial import Silence
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.targets.kubernetes.conftest import OPTIONS
from tests.todoctl.told import Told
from todoctl.errors import LockedError
from todoctl.home import Home
from todoctl.settings import Settings
from todoctl.targets.kubernetes.record import NAME
from todoctl.targets.kubernetes.target import NamespaceTarget
from todoctl.targets.marker import FileRecord
from todoctl.validate import validate

THERE = ("configmaps", NAME)


@pytest.fixture(name="elsewhere")
def _elsewhere(home: Home, target: NamespaceTarget, settings: Settings, told: Told) -> NamespaceTarget:
    """The same namespace from another machine, both with the app up."""
    other = NamespaceTarget(Home(home.path / "elsewhere"), OPTIONS)
    for one in (target, other):
        one.up(settings, told)
        one.forwarder.stop()  # the machines have ports of their own
    return other


def test_it_is_there_and_here(target: NamespaceTarget, kube: Kube, elsewhere: NamespaceTarget) -> None:
    assert not target.record.exists()
    target.record.begin()
    assert target.record.exists()
    assert kube.resources[THERE]["data"]["since"].endswith("Z")
    assert not elsewhere.record.exists()
    target.record.end()
    assert THERE not in kube.resources
    assert not target.record.exists()
    target.record.end()


def test_others_are_told_of_it(
    target: NamespaceTarget, kube: Kube, elsewhere: NamespaceTarget, settings: Settings, told: Told
) -> None:
    target.record.begin()
    for refused in (
        elsewhere.record.begin,
        lambda: elsewhere.up(settings, told),
        lambda: elsewhere.down(told, keep_data=False),
    ):
        with pytest.raises(LockedError, match=r"A validation is under way.* on .*, process \d+ began it at"):
            refused()
    assert not elsewhere.record.exists()
    assert "began it" in elsewhere.details()["Validation"]
    assert "Validation" not in target.details()
    assert THERE in kube.resources


def test_where_the_other_one_ends_meanwhile_ours_begins(
    target: NamespaceTarget, kube: Kube, elsewhere: NamespaceTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, tries = FileRecord.begin, []

    def slow(record: FileRecord) -> None:
        """The other one begins after it was looked for, and has ended when it is looked for again."""
        begin(record)
        tries.append(record)
        if len(tries) == 1:
            kube.answers[f"POST /api/v1/namespaces/{target.record._context.namespace}/configmaps"] = Answer(
                409, "{}"
            )
        else:
            kube.answers.clear()

    monkeypatch.setattr(FileRecord, "begin", slow)
    target.record.begin()
    assert len(tries) == 2
    assert target.record.exists()
    assert THERE in kube.resources


def test_a_validation_is_told_of_another_also_while_that_has_stopped_the_app(
    target: NamespaceTarget, elsewhere: NamespaceTarget, told: Told
) -> None:
    target.record.begin()
    target.stop()
    with pytest.raises(LockedError):
        validate(elsewhere, Silence(), told, (), full=False, report=lambda _: None)


def test_a_down_that_is_refused_leaves_the_port_alone(
    target: NamespaceTarget, elsewhere: NamespaceTarget, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is up stays up, and so does the way there."""
    ended: list[bool] = []
    monkeypatch.setattr(elsewhere.forwarder, "stop", lambda: ended.append(True))
    target.record.begin()
    with pytest.raises(LockedError):
        elsewhere.down(told, keep_data=False)
    assert not ended
    target.record.end()
    elsewhere.down(told, keep_data=False)
    assert ended


def test_who_comes_new_is_told_of_it_too(
    home: Home, target: NamespaceTarget, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    target.record.begin()
    target.forwarder.stop()
    new = NamespaceTarget(Home(home.path / "new"), OPTIONS)
    with pytest.raises(LockedError, match="A validation is under way"):
        new.up(settings, told)
    assert new.settings() is None


def test_of_two_that_begin_at_once_one_is_told(
    target: NamespaceTarget, elsewhere: NamespaceTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.record.begin()
    seen = iter([None])  # it looks before the other one has begun
    look = elsewhere.record.other
    monkeypatch.setattr(elsewhere.record, "other", lambda: next(seen, look()))
    with pytest.raises(LockedError):
        elsewhere.record.begin()
    assert not elsewhere.record.exists()

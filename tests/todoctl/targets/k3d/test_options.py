"""What may be asked of a cluster."""

import json

import pytest

from todoctl.errors import BadUsageError
from todoctl.targets.k3d.options import ClusterOptions


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a" * 33, "a b"])
def test_a_name_is_one_that_k3d_can_use(name: str) -> None:
    with pytest.raises(BadUsageError, match="is no name for a cluster"):
        ClusterOptions(cluster=name)


@pytest.mark.parametrize("agents", [-1, 21])
def test_agents_are_few(agents: int) -> None:
    with pytest.raises(BadUsageError, match="is no number of agents"):
        ClusterOptions(agents=agents)


def test_the_port_is_bound_here_or_everywhere() -> None:
    with pytest.raises(BadUsageError, match=r"Use 127\.0\.0\.1 or 0\.0\.0\.0"):
        ClusterOptions(listen="192.168.1.1")


def test_names_follow_from_the_cluster() -> None:
    assert ClusterOptions().node == "k3d-k3s-default-agent-0"
    assert ClusterOptions(cluster="mine", agents=0).node == "k3d-mine-server-0"


@pytest.mark.parametrize("made", [ClusterOptions(agents=3), ClusterOptions(k3d_arg=("--servers=2",))])
def test_options_are_remembered(made: ClusterOptions) -> None:
    assert ClusterOptions.from_json(json.loads(json.dumps(made.to_json()))) == made

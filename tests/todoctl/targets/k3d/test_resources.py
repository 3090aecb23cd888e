"""What follows from the options of a cluster."""

import yaml

from todoctl.kube import manifests
from todoctl.settings import Settings
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.resources import resources


def test_on_the_documented_cluster_only_image_and_pictures_are_adapted() -> None:
    """So `kubectl apply -k manifests/` makes what `up` makes."""
    plain = manifests.plain()
    image = plain[2]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert resources(Settings(), ClusterOptions(), image) == plain


def test_what_is_rendered_is_read_again() -> None:
    made = resources(Settings(ttl=2.5), ClusterOptions(cluster="a", agents=0), "app:1")
    assert list(yaml.safe_load_all(manifests.render(made))) == made
    text = manifests.render(made)
    assert "k3d-a-server-0" in text
    assert "'2.5'" in text

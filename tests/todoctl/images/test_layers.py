"""Bytes and words from what Docker's engine tells."""

from tests.todoctl.images.pulls import BEGIN, BIG, BROKEN, END, RESUMED, SECOND, SIZE, SMALL, event
from todoctl.images.layers import Layers


def told(layers: Layers) -> tuple[int, int | None, str]:
    """Bytes that are here, bytes in all where that is known, and what is done."""
    return layers.loaded, None if layers.more else layers.size, layers.doing


def test_bytes_are_those_that_are_here_whatever_breaks() -> None:
    layers = Layers()
    assert told(layers) == (0, None, "asking the registry")
    assert not layers.known
    for one in BEGIN[:6]:
        layers.take(one)
    assert layers.known
    assert told(layers)[1] is None, "Docker has not told it of every layer"
    for one in BEGIN[6:]:
        layers.take(one)
    here = 100235 + 1401856 + 1430528
    assert told(layers) == (here, SIZE, "")
    for one in BROKEN:
        layers.take(one)
    assert told(layers) == (here, SIZE, "broke off, Docker tries again")
    assert layers.most == here
    for one in RESUMED:
        layers.take(one)
    resumed = SIZE - (2550411 - 28194) - (4555118 - 48674)
    assert here < resumed
    assert told(layers) == (resumed, SIZE, "")
    doing = []
    for one in END:
        layers.take(one)
        doing.append(layers.doing)
    assert list(dict.fromkeys(doing)) == ["", "waiting", "unpacking", "ready"]
    assert told(layers) == (SIZE, SIZE, "ready")


def test_what_is_not_unpacked_comes_again_when_a_pull_is_begun_anew() -> None:
    layers = Layers()
    for one in [*BEGIN, event(SMALL, "Pull complete")]:
        layers.take(one)
    before = layers.most
    layers.begin_again()
    assert layers.loaded == 100235
    layers.take(event(BIG, "Downloading", 1000, 6002030))
    assert layers.loaded == 101235
    assert layers.most == before
    layers.take(event(SMALL, "Already exists"))
    assert layers.loaded == 101235


def test_a_registry_that_tells_no_sizes() -> None:
    layers = Layers()
    layers.take({"status": "Downloading", "progressDetail": {"current": 500, "total": -1}, "id": BIG})
    assert told(layers) == (500, None, "")
    layers.take(event(BIG, "Download complete"))
    assert told(layers) == (500, 500, "waiting")


def test_containerds_store_counts_the_seconds_of_unpacking() -> None:
    """As Docker 29 does it."""
    layers = Layers()
    layers.take(event(SECOND, "Downloading", 400, 4001419))
    layers.take({"status": "Extracting", "progressDetail": {"current": 3, "units": "s"}, "id": SECOND})
    assert told(layers) == (4001419, 4001419, "unpacking")

"""The order in which events took effect."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from todoctl.validation.history import Event, Request


def in_order(events: Sequence[Event], views: Callable[[int], int | None]) -> Iterator[tuple[int, Event]]:
    """The events with their numbers, by when they began; those of a crowd by the counts they were told."""
    numbered = sorted(enumerate(events), key=lambda found: found[1].begin)
    for crowd, together in groupby(numbered, key=_crowd):
        found = list(together)
        if crowd:
            found.sort(key=lambda one: (views(one[0]) is None, views(one[0]) or 0))
        yield from found


def _crowd(found: tuple[int, Event]) -> str:
    event = found[1]
    return event.crowd if isinstance(event, Request) else ""

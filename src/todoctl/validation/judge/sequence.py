"""The order in which events took effect."""

from collections.abc import Callable, Iterator, Sequence

from todoctl.evidence.history import Event, Request


def in_order(events: Sequence[Event], views: Callable[[int], int | None]) -> Iterator[tuple[int, Event]]:
    """The events with their numbers, by when they began.

    A crowd stands together where its first one began, in the order of the site counts that it was told.
    """
    first: dict[str, float] = {}
    for event in events:
        crowd = _crowd(event)
        first[crowd] = min(first.get(crowd, event.begin), event.begin)

    def place(found: tuple[int, Event]) -> tuple[float, int]:
        number, event = found
        crowd = _crowd(event)
        return (first[crowd], views(number) or 0) if crowd else (event.begin, 0)

    yield from sorted(enumerate(events), key=place)


def _crowd(event: Event) -> str:
    return event.crowd if isinstance(event, Request) else ""

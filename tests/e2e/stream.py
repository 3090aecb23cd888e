"""A steady stream of page views, as a site has them while its pods are replaced."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests import visitor
from todoctl.validation.driver import streaming


@dataclass
class Answers:
    """`answered` counts the views that got their page, `failures` tells of the others, in order."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def page_stream(url: str) -> Iterator[Answers]:
    """Page views from here to the end of the block."""
    told = Answers()

    def view() -> None:
        try:
            visitor.view(url)
            told.answered += 1
        except httpx.HTTPError as error:
            told.failures.append(str(error))

    with streaming(view):
        yield told

"""A steady stream of page views, as a site has them while its pods are replaced."""

import httpx

from tests import visitor
from todoctl.validation.visitor import Stream


class PageStream(Stream):
    """`answered` counts the views that got their page, `failures` tells of the others, in order."""

    def __init__(self, url: str) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._url = url
        super().__init__(self._visit, running=True)

    def _visit(self) -> None:
        try:
            visitor.view(self._url)
            self.answered += 1
        except httpx.HTTPError as error:
            self.failures.append(str(error))

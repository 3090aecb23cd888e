"""Requests at the limits of what is taken, and over them."""

from tests.faults.fault import Fault

FAULTS = (
    Fault(
        "URLs over 2 KiB refused",
        "protocol",
        "MAX_URL_BYTES = 8 * 1024",
        "MAX_URL_BYTES = 2 * 1024",
        "refused",
        "page",
    ),
    Fault(
        "header fields over 4 KiB refused",
        "protocol",
        "MAX_HEADER_BYTES = 16 * 1024",
        "MAX_HEADER_BYTES = 4 * 1024",
        "refused",
        "page",
    ),
    Fault(
        "a limit for each header field alone",
        "protocol",
        "self._header_bytes += len(name) + len(value)",
        "self._header_bytes = len(name) + len(value)",
        "refused",
        "page",
    ),
    Fault(
        "a limit for all requests of a connection",
        "protocol",
        "        self._url_bytes = self._header_bytes = 0\n        super().on_message_begin()",
        "        super().on_message_begin()",
        "refused",
        "page",
    ),
    Fault(
        "a body of unknown length taken",
        "protocol",
        'announced[0] == b"transfer-encoding" or (',
        'announced[0] == b"x-transfer-encoding" or (',
        "refused",
        "page",
    ),
    Fault(
        "POST /healthz taken",
        "web",
        'Route("/healthz", healthz)',
        'Route("/healthz", healthz, methods=["GET", "POST"])',
        "refused",
        "page",
    ),
)

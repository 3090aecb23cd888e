"""HTTP on the wire: uvicorn's protocol, with the limits that it lacks and one packet for a small answer."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MAX_URL_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
"""Of all header fields of a request together."""

LINGER = 1.0
"""Seconds to go on reading after a refusal, or else its client would only see a reset."""


class Corked:
    """A transport that sends the head of an answer together with what follows it.

    uvicorn writes head and body one after the other, which makes two system calls and two packets.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a transport can do
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data`, unless it is a head: that waits for the next write or for `flush`."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.writelines((head, data))
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send a head that nothing follows, as that of the answer to a HEAD."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def write_eof(self) -> None:
        """Say that nothing follows, once everything is sent."""
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Close the connection once everything is sent."""
        self.flush()
        self._transport.close()


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits to URL and header fields, and with no bodies."""

    _refusal = 400, "this is not HTTP/1.1"
    _refused = False
    _head_bytes = 0
    _url_bytes = 0
    _header_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve a connection (`asyncio.Protocol`)."""
        self._corked = Corked(cast("asyncio.Transport", transport))
        super().connection_made(cast("asyncio.Transport", self._corked))

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the request was refused already (`asyncio.Protocol`)."""
        if self._refused:
            return
        self._head_bytes += len(data)
        super().data_received(data)
        # The parser keeps a name or a value to itself for as long as it does not end.
        if self._head_bytes > MAX_URL_BYTES + 2 * MAX_HEADER_BYTES and not self._refused:
            self._refusal = 431, "the header fields are too large"
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin to count anew (`httptools`)."""
        self._url_bytes = self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Refuse a URL that is too long (`httptools`)."""
        self._url_bytes += len(url)
        if self._url_bytes > MAX_URL_BYTES:
            self._refuse(414, f"the URL is longer than {MAX_URL_BYTES} bytes")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse too many header fields, and those that announce a body (`httptools`)."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(431, f"the header fields are larger than {MAX_HEADER_BYTES} bytes")
        super().on_header(name, value)
        announced = self.headers[-1]
        if announced[0] == b"transfer-encoding" or (
            announced[0] == b"content-length" and announced[1].strip(b" 0")
        ):
            self._refuse(413, "no request here has a body")

    def on_headers_complete(self) -> None:
        """Pass the request on (`httptools`)."""
        self._head_bytes = 0
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request of this connection (uvicorn)."""
        self._corked.flush()
        super().on_response_complete()

    def _refuse(self, status: int, reason: str) -> None:
        self._refusal = status, reason
        raise ValueError(reason)  # makes the parser stop, and uvicorn send its 400

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says more
        """Send the refusal, and close the connection once the client has had time to read it."""
        self._refused = True
        before: RequestResponseCycle | None = self.cycle
        if before is not None and not before.response_complete:
            before.keep_alive = False  # its answer is still on its way, and is the last one then
            return
        status, reason = self._refusal
        body = f"{reason}\n".encode()
        fields = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%s: %s\r\n" % field for field in fields if field[0] != b"connection")
        self.transport.write(b"".join((STATUS_LINE[status], head, b"connection: close\r\n\r\n", body)))
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)

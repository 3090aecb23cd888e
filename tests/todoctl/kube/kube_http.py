"""The HTTP of the make-believe cluster: pages, tools and the API; which is which, the path says."""

import base64
import hashlib
import inspect
import json
import re
import socket
import struct
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

import yaml

from todoctl.kube import ask

if TYPE_CHECKING:
    from tests.todoctl.kube.kube import Kube
    from tests.todoctl.kube.objects import Json

NAMED = re.compile(r"/(?P<kind>[a-z]+)/(?P<name>[a-z0-9-]+)$")
LISTED = re.compile(r"(/namespaces/(?P<namespace>[a-z-]+))?/(?P<kind>[a-z]+)$")


def merged(before: "Json", change: "Json") -> "Json":
    """What a JSON merge patch makes of a resource (RFC 7396)."""
    made = {**before}
    for name, value in change.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(before.get(name) or {}, value) if isinstance(value, dict) else value
    return made


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    kube: "ClassVar[Kube]"

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""

    def _answer(self, code: int, value: object, headers: dict[str, str] | None = None) -> None:
        if isinstance(value, dict):
            value.setdefault("kind", "List" if code < 400 else "Status")
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(value, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

    def _is_prepared(self, body: str = "") -> bool:
        for control in self.kube.controllers:
            control()
        line = f"{self.command} {self.path} {body}"
        self.kube.requests.append(line)
        for words, answer in self.kube.answers.items():
            if words in line:
                self._answer(answer.code, answer.body)
                return True
        return False

    def do_HEAD(self) -> None:
        self.kube.looks += 1
        codes = self.kube.page_codes
        self._answer(codes.pop(0) if codes else self.kube.page_code, "", self.kube.page_headers)

    def do_POST(self) -> None:
        asked = json.loads(self._body())
        if self.path.endswith("/selfsubjectaccessreviews"):
            wanted = asked["spec"]["resourceAttributes"]
            resource = "/".join(filter(None, (wanted["resource"], wanted["subresource"])))
            allowed = f"{wanted['verb']} {resource}" not in self.kube.denied
            self._answer(201, {"spec": asked["spec"], "status": {"allowed": allowed}})
        elif "tool" in asked:
            self._answer(200, self.kube.tool(asked["tool"], asked["given"]))
        elif not self._is_prepared():
            kind, name = urlsplit(self.path).path.rpartition("/")[2], asked["metadata"]["name"]
            there = (kind, name) in self.kube.resources
            self._answer(409 if there else 201, {} if there else self.kube.apply(kind, name, asked))

    def do_PATCH(self) -> None:
        body = self._body()
        path = NAMED.search(urlsplit(self.path).path)
        if path and not self._is_prepared(body):
            resource = yaml.safe_load(body)
            if "merge-patch" in self.headers["Content-Type"] and path["kind"] != "deployments":
                resource = merged(self.kube.resources[path["kind"], path["name"]], resource)
            manager = parse_qs(urlsplit(self.path).query).get("fieldManager", ["unknown"])[0]
            resource.setdefault("metadata", {})["managedFields"] = [{"manager": manager}]
            self._answer(200, self.kube.apply(path["kind"], path["name"], resource))

    def do_DELETE(self) -> None:
        path = NAMED.search(urlsplit(self.path).path)
        if path and not self._is_prepared():
            gone = self.kube.delete(path["kind"], path["name"])
            self._answer(200 if gone else 404, gone or {"message": "not found"})

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self._is_prepared():
            return
        path = NAMED.search(url.path)
        if url.path.endswith("/exec"):
            self._execute()
        elif url.path.endswith("/portforward"):
            self._forward()
        elif url.path.endswith("/log"):
            self._answer(200, self.kube.logs)
        elif url.path.endswith("/serviceaccounts/default"):
            self._answer(200, {})
        elif (listed := LISTED.search(url.path)) and listed["kind"] in self.kube.lists:
            items = self._selected(self.kube.items(listed["kind"], listed["namespace"]))
            self._answer(200, {"metadata": {"resourceVersion": "7"}, "items": items})
        else:
            found = self.kube.resources.get((path["kind"], path["name"])) if path else None
            self._answer(200 if found else 404, found or {"message": "not found"})

    def _selected(self, items: "list[Json]") -> "list[Json]":
        """Those with the labels that are asked for, and of the resource that events are asked of."""
        asked = parse_qs(urlsplit(self.path).query)
        labels = {tuple(one.split("=")) for one in asked.get("labelSelector", [])}
        uids = {one.partition("involvedObject.uid=")[2] for one in asked.get("fieldSelector", [])} - {""}
        return [
            one
            for one in items
            if labels <= (one["metadata"].get("labels") or {}).items()
            and (not uids or one["involvedObject"]["uid"] in uids)
        ]

    def _forward(self) -> None:
        """The WebSocket that `kubectl port-forward` speaks: channel 0 is data; it leads to the page,
        or to the image service."""
        (port,) = parse_qs(urlsplit(self.path).query)["ports"]
        self._upgrade()
        for channel in (0, 1):
            self._send(2, bytes([channel]) + struct.pack("<H", int(port)))
        there = int(self.kube.url.rpartition(":")[2])
        if port == "8000" and self.kube.service:
            there = self.kube.service.server_address[1]
        with socket.create_connection(("127.0.0.1", there)) as page:
            back = threading.Thread(target=self._lead_back, args=(page,))
            back.start()
            with suppress(OSError):  # it closes when it has answered
                while data := self._receive():
                    page.sendall(data[1:])
            with suppress(OSError):
                page.shutdown(socket.SHUT_RDWR)
            back.join()
        self.close_connection = True

    def _lead_back(self, page: socket.socket) -> None:
        with suppress(OSError):  # who asked may be gone
            while data := page.recv(1 << 16):
                self._send(2, b"\0" + data)
            self._send(8, struct.pack("!H", 1000))

    def _execute(self) -> None:
        """The WebSocket that `kubectl exec` speaks: channel 1 is output, 3 the end."""
        self._upgrade()
        query = parse_qs(urlsplit(self.path).query)
        if inspect.getsource(ask) in query["command"]:
            while data := self._receive():
                asked = json.loads(data[1:]) | {"host": "127.0.0.1", "port": self.kube.port}
                told = {"number": asked["number"], **ask.answer(asked)}
                self._send(2, b"\1" + json.dumps(told).encode() + b"\n")
        elif query.get("stdin") in (["true"], ["True"]):
            for line in self.kube.lines:
                self._send(2, b"\1" + line.encode())
                self._receive()
        else:
            self._send(2, b"\1" + self.kube.output.encode())
            self._send(2, b"\3" + self.kube.ending.encode())
        self._send(8, struct.pack("!H", 1000))
        self.close_connection = True

    def _upgrade(self) -> None:
        """RFC 6455."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
            self.send_header(name, value)
        self.send_header("Sec-WebSocket-Accept", accept)
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()

    def _send(self, opcode: int, data: bytes) -> None:
        short, long = struct.pack("!B", len(data) % 126), struct.pack("!BQ", 127, len(data))
        self.wfile.write(bytes([0x80 | opcode]) + (short if len(data) < 126 else long) + data)

    def _receive(self) -> bytes:
        """A frame, which a client masks; nothing where it is gone."""
        head = self.rfile.read(2)
        if len(head) < 2 or head[0] & 0xF == 8:
            return b""
        length = head[1] % 128
        if length > 125:
            length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
        mask, data = self.rfile.read(4), self.rfile.read(length)
        return bytes(byte ^ mask[number % 4] for number, byte in enumerate(data))

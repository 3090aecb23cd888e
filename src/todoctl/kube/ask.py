"""Sends HTTP requests from inside a pod; its text is sent there, and is a program there.

Each line of standard input is a request, each line of standard output an answer, as JSON objects that share
a `number`. Requests go at the same time, each on a connection of its own.
"""

import base64
import json
import sys
import threading
from http.client import HTTPConnection, HTTPException
from typing import Any

writing = threading.Lock()


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Returns status, headers and body of the answer; or, as `error`, why there is none."""
    connection = HTTPConnection(asked["host"], asked["port"], timeout=asked["timeout"])
    try:
        connection.putrequest(asked["method"], asked["path"], skip_host=True, skip_accept_encoding=True)
        for name, value in asked["headers"]:
            connection.putheader(name, value)
        connection.endheaders(base64.b64decode(asked["body"]))
        found = connection.getresponse()
        body = base64.b64encode(found.read()).decode()
        return {"status": found.status, "headers": found.getheaders(), "body": body}
    except (OSError, HTTPException) as error:
        return {"error": str(error) or type(error).__name__}
    finally:
        connection.close()


def work(given: str) -> None:
    """Answers one line with one line."""
    asked = json.loads(given)
    line = json.dumps({"number": asked["number"], **answer(asked)})
    with writing:
        print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    for given in sys.stdin:
        threading.Thread(target=work, args=(given,)).start()

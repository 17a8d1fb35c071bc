"""Messages between the processes of a cluster: one JSON object a line, of bounded size.

What arrives may come from anybody who reaches the port: it is read as JSON, compared as it is,
shown without control characters, and nothing in it is ever executed or unpickled.
"""

import json
import socket
from typing import Any

MAX_BYTES = 64 * 1024
# A peer that connected and says nothing is given up after so long.
SILENCE_SECONDS = 5.0


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Writes one message.

    Raises:
      OSError: nobody reads any more.
    """
    connection.sendall(json.dumps(message).encode() + b"\n")


class Reader:
    """Reads the messages of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest = b""

    def next(self) -> dict[str, Any]:
        """Returns the next message.

        Raises:
          OSError: the connection broke, or nothing came in time.
          ValueError: what came is no message: too long, no JSON, or no object.
        """
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_BYTES:
                raise ValueError(f"a message of more than {MAX_BYTES} bytes")
            part = self.connection.recv(4096)
            if not part:
                raise ConnectionError("the other side hung up")
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            value = json.loads(line.decode())
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if not isinstance(value, dict):
            raise ValueError("no object")
        return value


def texts(value: Any) -> dict[str, str]:
    """Returns the entries of a received object that are texts, as they came: `shown` shows them.

    >>> texts({"version": "2.21", "other": 3})
    {'version': '2.21'}
    """
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}


def shown(text: str) -> str:
    r"""Returns at most 500 characters of a received text; what cannot be printed is escaped.

    >>> print(shown("/写真\u3000\x1b[31m"))
    /写真\u3000\x1b[31m
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(text)[:500]
    )

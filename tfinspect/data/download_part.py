"""What has arrived of a download, and of which version of the file it is."""

import contextlib
import http.client
import os
import re
from dataclasses import dataclass

from tfinspect import files

# No file has a length of more digits.
_NUMBER = "[0-9]{1,18}"


@dataclass(frozen=True)
class Part:
    """What has arrived of a file.

    Attributes:
      path: of it.
      verified: whether an MD5 will tell when it is put together of two files.
    """

    path: str
    verified: bool

    @property
    def received(self) -> int:
        """Bytes to go on from."""
        if not os.path.exists(self.path) or not (self.verified or self.version):
            return 0
        return os.path.getsize(self.path)

    @property
    def version(self) -> str | None:
        """What the server calls the file that it is of; None where it said nothing."""
        with contextlib.suppress(OSError), open(self._beside, encoding="latin-1") as stream:
            text = stream.read()
            # It is sent back in a header.
            return text if text.isascii() and text.isprintable() else None
        return None

    def begin(self, version: str | None) -> None:
        """Forgets what has arrived, and notes the version of what will."""
        # In this order: no version ever stands beside bytes of another one.
        open(self.path, "wb").close()
        files.remove(self._beside)
        if version is not None:
            with open(self._beside, "w", encoding="latin-1", errors="replace") as stream:
                stream.write(version)

    def remove(self) -> None:
        """Deletes it."""
        files.remove(self.path)
        files.remove(self._beside)

    def finish(self, path: str) -> None:
        """Puts the whole file to its place."""
        files.remove(self._beside)
        os.replace(self.path, path)

    @property
    def _beside(self) -> str:
        return f"{self.path}.version"


def version_of(headers: http.client.HTTPMessage) -> str | None:
    """Returns what identifies a file byte for byte (RFC 9110, 13.1.5), if the server says it."""
    tag: str | None = headers.get("ETag")
    return tag if tag is not None and tag.startswith('"') else headers.get("Last-Modified")


def length_of(headers: http.client.HTTPMessage) -> int | None:
    """Returns how many bytes an answer says it has; None where it does not say.

    Raises:
      http.client.HTTPException: what it says is no number.
    """
    length: str | None = headers.get("Content-Length")
    if length is None:
        return None
    if not re.fullmatch(_NUMBER, length.strip()):
        raise http.client.HTTPException(f"the server says '{length[:40]}' for the length in bytes")
    return int(length)


def resumed_length(headers: http.client.HTTPMessage, start: int) -> int | None:
    """Returns the bytes of the whole file of which an answer is the part from `start`.

    A server may send another part than it was asked for, or less (RFC 9110, 15.3.7).

    Returns:
      None where the answer is of another part, or does not say it.
    """
    said = headers.get("Content-Range", "").strip()
    found = re.fullmatch(f"bytes ({_NUMBER})-{_NUMBER}/({_NUMBER})", said)
    return int(found[2]) if found and int(found[1]) == start else None

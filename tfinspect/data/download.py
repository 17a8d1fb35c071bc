"""Downloads into the cache: with progress, resumed where they broke off, verified by MD5."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass

from tfinspect import files
from tfinspect.data.download_part import Part, length_of, resumed_length, version_of
from tfinspect.data.examples import Progress
from tfinspect.data.lock import locked
from tfinspect.errors import DataError

_READ_BYTES = 1 << 18
_ATTEMPTS = 4
_TIMEOUT_SECONDS = 30
_RANGE_NOT_SATISFIABLE = 416


class TooLargeError(DataError):
    """More was sent than a file of its kind has."""


def download(
    url: str,
    path: str,
    md5: str | None,
    progress: Progress | None = None,
    *,
    limit: int | None = None,
) -> None:
    """Downloads a file unless it is there, and verifies its MD5 where one is given.

    What was received of a broken download stays beside it as `….part`, and the next call goes on
    from there, if an MD5 or the server can tell that both halves are of one file. Two processes
    that want the same file fetch it once: the second waits.

    Args:
      url: of the file.
      path: where it is put.
      md5: that it must have; None for one whose publisher gives none.
      progress: called with what is done, how much of it, and the whole, in bytes.
      limit: bytes that it may have at most; a larger one is not received, and nothing of it stays.
        None for any size.

    Raises:
      DataError: no network, the connection breaks again and again, the file is larger than the
        limit, or the MD5 is wrong.
    """
    with locked(f"{path}.lock", progress):
        if not os.path.exists(path):
            _download(url, path, md5, _Receipt(os.path.basename(path), progress, limit))
        elif md5 is not None:
            verify_md5(path, md5, f"delete it and run again, or replace it by '{url}'")


@dataclass(frozen=True)
class _Receipt:
    """Told of what has arrived; refuses what is too much.

    Attributes:
      name: of the file.
      progress: told; None for nobody.
      limit: bytes; None for any number.
    """

    name: str
    progress: Progress | None
    limit: int | None

    def report(self, done: int, total: int) -> None:
        """Tells that `done` of `total` bytes (0 where that is not known) are there."""
        if self.limit is not None and max(done, total) > self.limit:
            raise TooLargeError(f"{max(done, total):,} bytes or more")
        if self.progress is not None:
            self.progress(f"downloading {self.name}", done, total)


def _download(url: str, path: str, md5: str | None, receipt: _Receipt) -> None:
    part = Part(f"{path}.part", md5 is not None)
    for attempt in range(_ATTEMPTS):
        try:
            if _receive(url, part, receipt):
                break
        except TooLargeError as error:
            part.remove()
            raise TooLargeError(
                f"'{url}' has {error}, and at most {receipt.limit:,} belong there; nothing of it "
                f"was kept. Get the file elsewhere and put it at '{path}'."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            if attempt + 1 == _ATTEMPTS or _is_final(error):
                raise _failure(url, path, part, error) from error
    else:
        raise _failure(url, path, part, ConnectionError("the connection broke off"))
    _finish(url, part, path, md5)


def _finish(url: str, part: Part, path: str, md5: str | None) -> None:
    found = file_digest(part.path, "md5") if md5 is not None else None
    if found != md5:
        part.remove()
        raise DataError(
            f"'{url}' was received with MD5 {found} instead of {md5} and deleted; "
            f"try again, or put the right file at '{path}'."
        )
    part.finish(path)


def _receive(url: str, part: Part, receipt: _Receipt) -> bool:
    """Appends what is missing to `part`; tells whether it is complete now."""
    start, version = part.received, part.version
    request = urllib.request.Request(url, headers=_range(start, version))
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            if error.code != _RANGE_NOT_SATISFIABLE or not start:
                raise
        # Nothing is missing, or the file is another one: its MD5 will tell.
        return part.verified or _anew(url, part, receipt)
    with response:
        done, total = 0, length_of(response.headers)
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            done, total = start, resumed_length(response.headers, start)
            if total is None or version not in (None, version_of(response.headers)):
                return _anew(url, part, receipt)
        receipt.report(done, total or 0)
        if not done:
            part.begin(version_of(response.headers))
        with open(part.path, "ab") as stream:
            while piece := response.read(_READ_BYTES):
                stream.write(piece)
                done += len(piece)
                receipt.report(done, total or 0)
    return total is None or done >= total


def _range(start: int, version: str | None) -> dict[str, str]:
    if not start:
        return {}
    # A server that has another version by now sends all of it.
    return {"Range": f"bytes={start}-"} | ({} if version is None else {"If-Range": version})


def _anew(url: str, part: Part, receipt: _Receipt) -> bool:
    if not part.received:
        raise http.client.HTTPException("the server sends a part where all was asked for")
    part.remove()
    return _receive(url, part, receipt)


def _is_final(error: Exception) -> bool:
    # A refused file, a full disk or an unknown host will not mend itself in a moment.
    if isinstance(error, urllib.error.HTTPError):
        return error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, urllib.error.URLError) or not isinstance(
        error, (ConnectionError, TimeoutError, http.client.HTTPException)
    )


def _failure(url: str, path: str, part: Part, error: Exception) -> DataError:
    received = part.received
    kept = f" after {received:,} bytes, from which the next try goes on" if received else ""
    reason = getattr(error, "reason", None) or error
    return DataError(
        f"cannot download '{url}' ({reason}){kept}; try again, or get the file elsewhere and "
        f"put it at '{path}'."
    )


def verify_md5(path: str, md5: str, cure: str) -> None:
    """Checks a file's MD5; `cure` says in the error what to do about another one.

    Raises:
      DataError: it is another one.
    """
    found = file_digest(path, "md5")
    if found != md5:
        raise DataError(f"'{path}' has MD5 {found} instead of {md5}; {cure}.")


def file_digest(path: str, algorithm: str) -> str:
    """Returns the hash of a file, local or remote, as hexadecimal digits.

    Raises:
      DataError: the file cannot be opened.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with files.open_file(path) as stream:
        while piece := stream.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()

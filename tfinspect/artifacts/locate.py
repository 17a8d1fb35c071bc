"""Which files belong to a path, by names and first or last bytes; nothing is parsed here."""

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from tfinspect.errors import ArtifactError
from tfinspect.names import nearest

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC = b"PK\x03\x04"
_SHARD = re.compile(r"\.data-\d+-of-\d+$")
_V1_SHARD = re.compile(r"-\d{5}-of-(\d{5})$")
_STATE_FIELD = re.compile(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
_SUFFIXES = (".index", ".meta", ".pb", ".pbtxt", ".keras", ".h5", ".hdf5", ".ckpt")
# A directory with more names is searched for near ones only so far.
_MOST_NAMES = 10_000
# Of so many directories in one is looked what they hold.
_MOST_DIRECTORIES = 100


def run_directory(path: str) -> str | None:
    """Recognises the directory of a training run of this package."""
    described = os.path.join(path, "config.json")
    trained = any(os.path.isdir(os.path.join(path, name)) for name in ("best", "checkpoints"))
    return path if trained and os.path.isfile(described) else None


def saved_model(path: str) -> str | None:
    """Recognises a SavedModel by its directory or its `saved_model.pb`; returns the directory."""
    directory, name = os.path.split(path)
    if name in _SAVED_MODEL_FILES and os.path.isfile(path):
        return directory or "."
    found = any(os.path.isfile(os.path.join(path, name)) for name in _SAVED_MODEL_FILES)
    return path if found else None


_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")


def bundle_prefix(path: str) -> str | None:
    """Recognises a V2 checkpoint by any of its files or its directory; returns the prefix."""
    prefix = _prefix(path)
    return prefix if prefix is not None and os.path.isfile(f"{prefix}.index") else None


def saved_slices(path: str) -> str | None:
    """Recognises a V1 checkpoint: a file that ends like a table, or the prefix of such files."""
    prefix = _prefix(path)
    if prefix is None:
        return None
    if os.path.isfile(prefix):
        return prefix if last_bytes(prefix, 8) == TABLE_MAGIC else None
    return prefix if v1_shards(prefix) else None


def v1_shards(prefix: str) -> list[str]:
    """Returns the sorted files `prefix-00000-of-00002` of a sharded V1 checkpoint."""
    directory, name = os.path.split(prefix)
    return sorted(
        os.path.join(directory, found)
        for found in _names(directory or ".")
        if found.startswith(name) and _V1_SHARD.fullmatch(found[len(name) :])
    )


def v1_shard_count(path: str) -> int | None:
    """Returns how many files a sharded V1 checkpoint has by the name of one; None for one alone."""
    found = _V1_SHARD.search(path)
    return int(found[1]) if found else None


def hdf5_file(path: str) -> str | None:
    """Recognises an HDF5 file by its signature."""
    return path if os.path.isfile(path) and first_bytes(path, 8) == _HDF5_MAGIC else None


def zip_archive(path: str) -> str | None:
    """Recognises a `.keras` file by its name or a zip's signature.

    Keras before 2.12 wrote HDF5 under every name.
    """
    if not os.path.isfile(path) or os.path.getsize(path) == 0 or hdf5_file(path):
        return None
    return path if path.endswith(".keras") or first_bytes(path, 4) == _ZIP_MAGIC else None


def by_suffix(*suffixes: str) -> Callable[[str], str | None]:
    """Returns a recogniser of files by the end of their names."""

    def recognise(path: str) -> str | None:
        return path if path.endswith(suffixes) and os.path.isfile(path) else None

    return recognise


def _prefix(path: str) -> str | None:
    if os.path.isdir(path):
        return _newest(path)
    if os.path.basename(path) == "checkpoint" and os.path.isfile(path):
        return _newest(os.path.dirname(path) or ".")
    if path.endswith(".index"):
        return path.removesuffix(".index")
    return _V1_SHARD.sub("", path) if _is_v1_shard(path) else _SHARD.sub("", path)


def _is_v1_shard(path: str) -> bool:
    return bool(_V1_SHARD.search(path)) and not _SHARD.search(path) and os.path.isfile(path)


def _newest(directory: str) -> str | None:
    state = os.path.join(directory, "checkpoint")
    if not os.path.isfile(state):
        return _only_prefix(directory)
    with open(state, "rb") as stream:
        text = stream.read(1 << 20).decode("utf-8", "replace")
    found = _STATE_FIELD.search(text)
    if found is None:
        raise ArtifactError(
            f"'{state}' names no checkpoint (model_checkpoint_path is missing); "
            "give the checkpoint's own prefix."
        )
    prefix = os.path.join(directory, _unquoted(found.group(1)))
    # A directory that was moved still has the old absolute path in its state file.
    moved = os.path.join(directory, os.path.basename(prefix))
    for candidate in (prefix, moved):
        if os.path.isfile(f"{candidate}.index") or os.path.isfile(candidate):
            return candidate
    near = nearest(os.path.basename(prefix), _prefixes(directory))
    offer = f"there are: {', '.join(map(repr, near))}" if near else "there is none beside it"
    raise ArtifactError(f"'{state}' names '{prefix}', which is missing; {offer}.")


def _unquoted(text: str) -> str:
    plain = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8) & 0xFF), text)
    return re.sub(r"\\(.)", r"\1", plain).encode("latin-1", "replace").decode("utf-8", "replace")


def _only_prefix(directory: str) -> str | None:
    prefixes = _prefixes(directory)
    return os.path.join(directory, prefixes[0]) if len(prefixes) == 1 else None


def _prefixes(directory: str) -> list[str]:
    names = _names(directory)
    return sorted(name.removesuffix(".index") for name in names if name.endswith(".index"))


def _names(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as found:
            return [entry.name for _, entry in zip(range(_MOST_NAMES), found, strict=False)]
    except OSError:
        return []


class Nearby(NamedTuple):
    """Existing artifacts.

    Attributes:
      paths: of some; where none beside a path has a name like its own, files alone.
      more: how many more there are.
      alike: whether their names are like the one that was given; then the likest comes first.
    """

    paths: list[str]
    more: int
    alike: bool


def nearby(path: str, count: int = 5) -> Nearby:
    """Returns existing artifacts in a directory and those in it, or beside a path."""
    inside = os.path.isdir(path)
    directory = path if inside else os.path.dirname(path.rstrip(os.sep))
    while directory and not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    found = _artifacts(directory or ".")
    if inside:
        below = [place for place in _directories(directory) if place not in found]
        found += sorted(name for place in below for name in _artifacts(place))
    else:
        # By the part of the path that is not there: what both have in common is no likeness.
        named = {os.path.relpath(place, directory or "."): place for place in found}
        alike = nearest(os.path.relpath(path or ".", directory or "."), named, count)
        if alike:
            return Nearby([named[name] for name in alike], len(found) - len(alike), True)
        found = [place for place in found if not os.path.isdir(place)]
    return Nearby(found[:count], max(0, len(found) - count), False)


def _artifacts(directory: str) -> list[str]:
    """Returns the sorted paths of what looks like an artifact in a directory."""
    found = []
    for name in _names(directory):
        place = os.path.normpath(os.path.join(directory, name))
        if name.endswith(_SUFFIXES) and _is_filled(place):
            found.append(place.removesuffix(".index"))
        elif os.path.isdir(place) and _holds_one(place):
            found.append(place)
    return sorted(found)


def _is_filled(place: str) -> bool:
    return os.path.isfile(place) and os.path.getsize(place) > 0


def _holds_one(directory: str) -> bool:
    whole = saved_model(directory) or run_directory(directory) or _only_prefix(directory)
    return bool(whole) or os.path.isfile(os.path.join(directory, "checkpoint"))


def _directories(directory: str) -> list[str]:
    places = (os.path.normpath(os.path.join(directory, name)) for name in _names(directory))
    return [place for place in places if os.path.isdir(place)][:_MOST_DIRECTORIES]


def first_bytes(path: str, count: int) -> bytes:
    """Returns up to `count` bytes from the start of a file."""
    with open(path, "rb") as stream:
        return stream.read(count)


def last_bytes(path: str, count: int) -> bytes:
    """Returns up to `count` bytes from the end of a file."""
    with open(path, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - count))
        return stream.read(count)

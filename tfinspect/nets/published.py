"""The published checkpoints by network name: found in the cache, or downloaded to it."""

import os

from tfinspect import files
from tfinspect.cache import local_cache_directory
from tfinspect.data.archives import extract
from tfinspect.data.download import download
from tfinspect.data.examples import Progress
from tfinspect.data.lock import locked
from tfinspect.errors import DataError, NetworkError
from tfinspect.names import choices
from tfinspect.nets.registry import get_spec, list_specs
from tfinspect.nets.sizes import SIZES

# Of the weights as float32 in an archive, and what graphs and texts beside them take.
_MOST_COPIES, _BYTES = 8, 4
_OTHER_FILES = 64 << 20
# A V2 checkpoint's files; a V1 checkpoint is one file without such an ending.
_INDEX, _DATA, _META = ".index", ".data-", ".meta"


def resolve_checkpoint(source: str, progress: Progress | None = None) -> str:
    """Returns the path of a checkpoint that is given as a path or as a network's name.

    Args:
      source: a path, local or remote; or the name of a network whose weights were published. A
        file or directory of that name in the current directory comes first.
      progress: of the download.

    Raises:
      NetworkError: it is a network's name, without published weights.
      DataError: the archive cannot be downloaded, or is broken.
    """
    return published_checkpoint(source, progress) if names_published_weights(source) else source


def names_published_weights(source: str) -> bool:
    """Tells a network's name from a path; what exists in the current directory is a path."""
    return source in {spec.name for spec in list_specs()} and not os.path.exists(source)


def published_checkpoint(network: str, progress: Progress | None = None) -> str:
    """Returns the path of a network's published weights, downloaded and unpacked when first asked.

    Of the archive only the checkpoint's files are unpacked, into the cache.

    Args:
      network: name in the registry.
      progress: called with what is done, how much of it, and the whole, in bytes.

    Returns:
      The file of a V1 checkpoint, or the prefix of a V2 checkpoint.

    Raises:
      NetworkError: no such network, or its weights were not published.
      DataError: the archive cannot be downloaded, is larger than `largest_archive`, packed or
        unpacked, is broken, or holds no checkpoint.
    """
    url = get_spec(network).checkpoint_url
    if url is None:
        have = [spec.name for spec in list_specs() if spec.checkpoint_url]
        raise NetworkError(
            f"no weights of '{network}' were published; {choices(network, have)}; give the path "
            "of a checkpoint."
        )
    directory = os.path.join(local_cache_directory(), "checkpoints", network)
    archive = os.path.join(local_cache_directory(), "downloads", url.rpartition("/")[2])
    with locked(f"{directory}.lock", progress):
        if not os.path.isdir(directory):
            limit = largest_archive(network)
            download(url, archive, None, progress, limit=limit)
            _unpack(archive, directory, limit, progress)
    return _prefix(directory, archive)


def largest_archive(network: str) -> int:
    """Returns how many bytes the archive of a network's weights may have, packed and unpacked.

    The publisher states neither sizes nor checksums. But the number of parameters is known, and a
    checkpoint has at most an optimizer's two slots and a moving average of each; frozen graphs and
    others for telephones lie beside it.
    """
    return _MOST_COPIES * _BYTES * SIZES[network].parameters + _OTHER_FILES


def _unpack(archive: str, directory: str, limit: int, progress: Progress | None) -> None:
    # Unpacked beside and renamed: a directory of this name is always whole.
    partial = files.temporary_name(directory)
    files.remove(partial)
    try:
        extract(archive, partial, _is_part_of_checkpoint, progress, limit=limit)
        _prefix(partial, archive)
        files.rename(partial, directory)
    finally:
        files.remove(partial)


def _is_part_of_checkpoint(name: str) -> bool:
    return ".ckpt" in name and not name.endswith(_META)


def _prefix(directory: str, archive: str) -> str:
    """Returns the prefix of the one checkpoint in a directory."""
    names = files.list_directory(directory)
    prefixes = {name.removesuffix(_INDEX).partition(_DATA)[0] for name in names}
    if len(prefixes) != 1:
        raise DataError(
            f"archive '{archive}' holds {len(prefixes)} checkpoints instead of one; delete it and "
            "get it again from its publisher."
        )
    return os.path.join(directory, prefixes.pop())

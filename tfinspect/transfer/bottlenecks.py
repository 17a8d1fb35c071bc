"""Bottleneck features: what the frozen part makes of each image, computed once and kept on disk.

Keyed by the weights of the frozen part, the records, the image size and the preprocessing: another
head, rate or number of epochs finds them again.
"""

import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.cache import local_cache_directory
from tfinspect.data import pipeline
from tfinspect.errors import DataError
from tfinspect.transfer.boundary import CutNetwork
from tfinspect.transfer.frozen import digests
from tfinspect.transfer.stacked_rows import StackedRows
from tfinspect.transfer.stale_features import forget_stale, mark_used
from tfinspect.transfer.tuned_model import TunedModel

LABELS = "labels.npy"
# What of a model's settings its features depend on; the others belong to training.
_OF_THE_NETWORK = ("network", "width", "compute_dtype")
# Told how many images are done, and of how many.
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Features:
    """Features of one split, memory-mapped.

    Attributes:
      arrays: float `[N, …]`, one for each tensor of the boundary; of several views, rows by number.
      labels: int64 `[N]`.
      directory: where they lie.
    """

    arrays: tuple[np.ndarray | StackedRows, ...]
    labels: np.ndarray
    directory: str


@dataclass(frozen=True)
class Wanted:
    """Which images: a split, and one random view of each; None takes them as in evaluation.

    `weights` are the digests of the network's variables; None has them computed.
    """

    batches: pipeline.Batches
    view: pipeline.View | None
    weights: Mapping[str, str] | None = None


def bottleneck_features(
    model: TunedModel,
    network: CutNetwork,
    wanted: Wanted,
    told: Told,
    cached: bool | None = None,
) -> Features:
    """Returns the features of a split; those in the cache are not computed again.

    Args:
      model: the network with its weights, in the stage that it was cut for.
      network: the same, cut.
      wanted: which images.
      told: called after each batch.
      cached: whether they are taken from the cache, where that was decided before; None looks.

    Raises:
      DataError: the cache cannot be read or written, or the records are not as many as they should
        be.
    """
    directory = _directory(model, network, wanted)
    if not (_is_whole(directory) if cached is None else cached):
        with files.reporting("write", directory, "make room there or set $TFINSPECT_CACHE"):
            forget_stale(os.path.dirname(directory))
            dataset = pipeline.evaluation_dataset(wanted.batches, wanted.view)
            _compute(network, dataset, directory, wanted.batches.examples, told)
    mark_used(os.path.join(directory, LABELS))
    with files.reporting("read", directory, "remove it, and give the same command again"):
        arrays = [
            np.load(_path(directory, number), mmap_mode="r") for number in range(len(network.names))
        ]
        return Features(tuple(arrays), np.load(os.path.join(directory, LABELS)), directory)


def is_cached(model: TunedModel, network: CutNetwork, wanted: Wanted) -> bool:
    """Tells whether the features of a split need not be computed."""
    return _is_whole(_directory(model, network, wanted))


def _is_whole(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, LABELS))


def joined(views: Sequence[Features]) -> Features:
    """Puts several views of the same images one after the other; they stay on disk."""
    columns: Any = zip(*(view.arrays for view in views), strict=True)
    labels = np.concatenate([view.labels for view in views])
    return Features(tuple(map(StackedRows, columns)), labels, views[0].directory)


def feature_key(model: TunedModel, network: CutNetwork, wanted: Wanted) -> str:
    """Returns what the features of some images are found by: equal for equal features."""
    batches = wanted.batches
    weights = digests(model) if wanted.weights is None else wanted.weights
    frozen = {name: digest for name, digest in weights.items() if not model.stage.trains(name)}
    parts = {
        "network": {name: model.get_config()[name] for name in _OF_THE_NETWORK},
        "weights": frozen,
        "boundary": network.names,
        "records": batches.manifest.fingerprint(),
        "split": batches.split,
        "examples": batches.examples,
        "view": None if wanted.view is None else dataclasses.asdict(wanted.view),
        "image_shape": batches.image_shape,
        "preprocessing": dataclasses.asdict(batches.preprocessing),  # type: ignore[call-overload]
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _directory(model: TunedModel, network: CutNetwork, wanted: Wanted) -> str:
    key = feature_key(model, network, wanted)
    return os.path.join(local_cache_directory(), "features", key)


def _path(directory: str, number: int) -> str:
    return os.path.join(directory, f"features-{number}.npy")


def _compute(network: CutNetwork, dataset: Any, directory: str, count: int, told: Told) -> None:
    # The process's number is no name: that of a process in another container may be the same.
    scratch = os.path.join(
        os.path.dirname(directory), f".{os.path.basename(directory)}.{uuid.uuid4().hex}"
    )
    files.make_directory(scratch)
    try:
        labels = np.empty((count,), np.int64)
        arrays: list[Any] = []
        done = end = 0
        for values, found in _values(network, dataset):
            arrays = arrays or [
                np.lib.format.open_memmap(
                    _path(scratch, number), "w+", value.dtype, (count, *value.shape[1:])
                )
                for number, value in enumerate(values)
            ]
            end = done + len(found)
            if end > count:
                break
            labels[done:end] = found
            for array, value in zip(arrays, values, strict=True):
                array[done:end] = value
            done = end
            told(done, count)
        if end != count:
            raise DataError(
                f"the records hold {'more' if end > count else 'fewer'} examples than the "
                f"{count:,} that their manifest names; convert the data again."
            )
        for array in arrays:
            array.flush()
        np.save(os.path.join(scratch, LABELS), labels)
        _publish(scratch, directory)
    finally:
        files.remove(scratch)


def _publish(scratch: str, directory: str) -> None:
    """Moves finished features to their place, unless another process has put the same ones there.

    What lies there whole is never taken away: somebody may be reading it.
    """
    try:
        os.rename(scratch, directory)
    except OSError:
        if _is_whole(directory):
            return
        # What a process left there that was killed while it removed stale features.
        files.remove(directory)
        os.rename(scratch, directory)


def _values(network: CutNetwork, dataset: Any) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
    for images, labels in dataset:
        values = network.features(images)
        yield [one.numpy() for one in values], labels.numpy()

"""Fetched values as records, and as files."""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import ConfigError
from tfinspect.play.player import Played

# Values with more elements are summed up instead of being written out.
_SMALL = 16


def value_rows(values: Mapping[str, np.ndarray], saved: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns one record per fetched tensor.

    Args:
      values: by name.
      saved: name -> file.
    """
    return [
        {
            "name": name,
            "dtype": "string" if value.dtype == object else str(value.dtype),
            "shape": tuple(value.shape),
            **_numbers(value),
            "value": _written(np.asarray(value)) if value.size <= _SMALL else None,
            "file": saved.get(name),
        }
        for name, value in values.items()
    ]


def _numbers(value: np.ndarray) -> dict[str, float | None]:
    if value.dtype == object or not value.size:
        return {"min": None, "max": None, "mean": None}
    numbers = value.astype(np.float64)
    return {"min": numbers.min(), "max": numbers.max(), "mean": numbers.mean()}


def _written(value: np.ndarray) -> Any:
    if value.ndim:
        return [_written(np.asarray(one)) for one in value]
    one = value.item()
    if isinstance(one, bytes):
        return one.decode("utf-8", "backslashreplace")
    # The shortest decimal that is this float32, not the float64 next to it.
    return float(str(value)) if isinstance(one, float) else one


def save_values(values: Mapping[str, np.ndarray], directory: str) -> dict[str, str]:
    """Writes each value as `.npy`, named after its tensor; returns name -> path.

    Raises:
      DataError: the directory cannot be written.
      ConfigError: a string tensor, which no `.npy` file holds without Python objects, or two names
        that make one file name.
    """
    paths: dict[str, str] = {}
    for name, value in values.items():
        path = os.path.join(directory, re.sub(r"[^A-Za-z0-9._-]+", "_", name) + ".npy")
        if value.dtype == object or path in paths.values():
            why = "strings" if value.dtype == object else f"the same file as another: '{path}'"
            raise ConfigError(f"'{name}' cannot be saved: it gives {why}; leave out --output.")
        paths[name] = path
    files.make_directory(directory)
    for name, path in paths.items():
        with files.writing(path) as stream:
            np.save(stream, values[name], allow_pickle=False)
    return paths


def class_rows(played: Played, top: int) -> list[dict[str, Any]]:
    """Returns the likeliest classes of each image, likeliest first.

    Raises:
      ConfigError: the model is no classifier, or has other labels than classes.
    """
    return [
        {"image": number, "rank": rank, "label": one.label, "probability": one.probability}
        for number, ranked in enumerate(played.model.ranked(played.logits, top))
        for rank, one in enumerate(ranked, start=1)
    ]

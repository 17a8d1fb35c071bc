"""Stored values of another dtype than the variable: which are converted, which refused."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfinspect.transfer.load_report import DTYPE_MISMATCH, LOADED, LoadReport, LoadRow

# Any of them is the same number, rounded at most; an integer is a quantized or another thing.
_FLOATING = ("float16", "bfloat16", "float32", "float64")


def with_dtypes(
    report: LoadReport, wanted: Mapping[str, str], stored: Mapping[str, str]
) -> LoadReport:
    """Says of every variable that would be loaded from another dtype what becomes of it.

    Args:
      report: what would be loaded, by names and shapes.
      wanted: dtype of each of the network's variables, by name.
      stored: dtype of each of the artifact's variables, by name.

    Returns:
      The report; floating-point values are converted, and the row says so, all others are refused
      as `dtype mismatch`.
    """

    def judged(row: LoadRow) -> LoadRow:
        if row.status != LOADED or row.source is None or wanted[row.name] == stored[row.source]:
            return row
        have, want = stored[row.source], wanted[row.name]
        if have in _FLOATING and want in _FLOATING:
            return dataclasses.replace(row, detail=f"converted from {have} to {want}")
        detail = f"the artifact has {have}, the network {want}"
        return dataclasses.replace(row, status=DTYPE_MISMATCH, detail=detail)

    return dataclasses.replace(report, rows=tuple(judged(row) for row in report.rows))


def read_as_loaded(artifact: Any, source: str, dtype: str) -> np.ndarray:
    """Reads a stored value as the network's variable holds it once it is loaded.

    Args:
      artifact: an opened artifact.
      source: name of its variable.
      dtype: of the network's variable.

    Raises:
      ArtifactError: the stored value is damaged.
    """
    value: np.ndarray = artifact.read(source)
    return value if value.dtype.name == dtype else value.astype(dtype)

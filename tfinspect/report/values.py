"""What the page says about each variable: statistics, the shape of its values, and findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfinspect.artifacts import Artifact
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError
from tfinspect.health import Finding, value_findings
from tfinspect.stats import VariableStats, has_numbers, value_stats

if TYPE_CHECKING:
    import numpy as np

BINS = 24
# Of larger tensors every k-th value is enough for the shape of a histogram.
_MOST_SAMPLED = 1 << 18
_NO_STATS = VariableStats()


@dataclass(frozen=True)
class VariableValues:
    """One variable and what its values are like.

    Attributes:
      entry: name, shape and type.
      stats: all None where there are no numbers or they cannot be read.
      histogram: counts of BINS equal bins from the least to the largest finite value; empty where
        there is nothing to count.
    """

    entry: VariableEntry
    stats: VariableStats = _NO_STATS
    histogram: tuple[int, ...] = ()


def read_values(
    artifact: Artifact, entries: Sequence[VariableEntry]
) -> tuple[list[VariableValues], list[Finding]]:
    """Reads each variable once, one at a time.

    Returns:
      What the values are like, in the order of `entries`, and everything that is wrong with them.
    """
    described: list[VariableValues] = []
    findings: list[Finding] = []
    for entry in entries:
        if not has_numbers(entry) or not entry.readable:
            described.append(VariableValues(entry))
            continue
        try:
            value = artifact.read(entry.name)
        except ArtifactError as error:
            described.append(VariableValues(entry))
            findings.append(Finding(entry.name, "unreadable", entry.parameters, str(error)))
            continue
        described.append(VariableValues(entry, value_stats(value), histogram(value)))
        findings.extend(value_findings(entry, value))
    return described, findings


def histogram(value: "np.ndarray") -> tuple[int, ...]:
    """Counts the finite values in BINS equal bins; of many values, evenly spaced ones.

    >>> import numpy as np
    >>> histogram(np.array([0.0, 1.0, 1.0]))[0], histogram(np.array([0.0, 1.0, 1.0]))[-1]
    (1, 2)
    """
    import numpy as np

    step = max(1, value.size // _MOST_SAMPLED)
    sample = value.reshape(-1)[::step].astype(np.float64)
    finite = sample[np.isfinite(sample)]
    if finite.size < 2 or finite.min() == finite.max():
        return ()
    # Halves, since the difference of two extreme values may overflow.
    counts, _ = np.histogram(finite / 2, bins=BINS)
    return tuple(int(count) for count in counts)

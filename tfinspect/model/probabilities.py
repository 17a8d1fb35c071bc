"""From logits to probabilities, where the model's end says how; where it does not, nothing."""

from typing import Any

import numpy as np

from tfinspect.errors import ConfigError

_SUM_TOLERANCE = 1e-3


def probabilities(name: str, logits: Any, end: str, labels: tuple[str, ...] | None) -> np.ndarray:
    """Returns float32 `[N, classes]`: the softmax of logits, or both sides of one sigmoid.

    Args:
      name: of the model, for errors.
      logits: `[N, classes]`.
      end: type of the op that gives them.
      labels: of the classes; two of them make `[N, 1]` of a sigmoid `[1 - p, p]`.

    Raises:
      ConfigError: they are no logits of a softmax: one column, sigmoids, or probabilities already.
    """
    import tensorflow as tf

    values = np.asarray(logits)
    if end == "Sigmoid" and values.ndim == 2 and values.shape[1] == 1 and len(labels or ()) == 2:
        return np.concatenate([1 - values, values], axis=1).astype(np.float32)
    _require_logits(name, values, end)
    found: np.ndarray = tf.nn.softmax(tf.cast(logits, tf.float32)).numpy()
    return found


def _require_logits(name: str, values: np.ndarray, end: str) -> None:
    if values.ndim and values.shape[-1] == 1:
        raise ConfigError(
            f"'{name}' gives one column, over which a softmax is always 1; for a sigmoid of two "
            "classes give both names with labels=, or take the values with model.logits."
        )
    if end == "Sigmoid":
        raise ConfigError(
            f"'{name}' ends in a sigmoid for each of {values.shape[-1]} columns, which are no "
            "classes of a softmax; take the values with model.logits."
        )
    # Logits are hardly ever non-negative rows that sum to 1.
    ones = np.abs(values.sum(axis=-1) - 1) < _SUM_TOLERANCE
    if values.size and (values >= 0).all() and ones.all():
        raise ConfigError(
            f"the output of '{name}' is probabilities already, and their softmax is none; "
            "choose the logits with output_name= (--output-name), or take the probabilities "
            "with model.logits."
        )

"""What must hold of a network with its weights, each thing as one record."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfinspect.extraction import Loaded
from tfinspect.extraction.frozen import frozen_graph
from tfinspect.extraction.part import LOGITS
from tfinspect.transfer.load_report import RE_INITIALISED
from tfinspect.verification.golden import Golden

_VARIANCE = "moving_variance"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
      check: what.
      passed: whether it holds.
      detail: what was found.
    """

    check: str
    passed: bool
    detail: str

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `verify` writes; its keys are stable."""
        return asdict(self)


def checks(
    loaded: Loaded, images: np.ndarray, tolerance: float, golden: Golden | None
) -> tuple[np.ndarray, list[Check]]:
    """Looks at the values, and computes the logits in several ways.

    Args:
      loaded: a network that all its variables were loaded into.
      images: preprocessed, `[1, H, W, C]`.
      tolerance: how far two ways may be apart, as part of the largest logit.
      golden: logits of before; None compares with none.

    Returns:
      The logits `[1, classes]`, and what was found.
    """
    found = [_loaded(loaded), *_values(loaded.part.variables_by_name())]
    network = loaded.part.model
    logits = network.logits(images)
    found.append(_same("deterministic", logits, network.logits(images), 0.0))
    found.append(_dependent(logits, network.logits(images[:, ::-1])))
    eager = np.asarray(network.keras_model.network(images, False)[0])
    found.append(_same("graph agrees with eager execution", logits, eager, tolerance))
    frozen = _of_frozen(loaded, images)
    found.append(_same("frozen graph agrees", logits, frozen, tolerance))
    found.append(Check("fingerprint", bool(np.isfinite(logits).all()), fingerprint(logits)))
    if golden is not None:
        found.append(_same("golden logits agree", logits, golden.logits, tolerance))
    return logits, found


def fingerprint(logits: np.ndarray) -> str:
    """Words logits `[1, classes]` so that two people can compare them by eye."""
    values = logits[0].astype(np.float64)
    return (
        f"class {int(values.argmax())} of {len(values)}, largest {values.max():.5g}, "
        f"mean {values.mean():.5g}, std {values.std():.5g}"
    )


def _loaded(loaded: Loaded) -> Check:
    """Looks whether the logits need a variable that kept its initial value."""
    needed = set(loaded.part.graph.variables)
    initial = [row.name for row in loaded.report.having(RE_INITIALISED) if row.name in needed]
    detail = f"{len(initial):,} have initial values, the first '{initial[0]}'; " if initial else ""
    return Check("every variable loaded", not initial, detail + loaded.report.summary())


def _values(variables: Mapping[str, Any]) -> Iterator[Check]:
    infinite, negative, variances = [], [], 0
    for name, variable in variables.items():
        value = variable.numpy()
        if not np.isfinite(value).all():
            infinite.append(name)
        if name.endswith(_VARIANCE):
            variances += 1
            if not (value > 0).all():
                negative.append(name)
    yield Check("values finite", not infinite, _named(infinite, len(variables), "variables"))
    yield Check("variances positive", not negative, _named(negative, variances, "moving variances"))


def _named(wrong: list[str], count: int, what: str) -> str:
    if not wrong:
        return f"all of {count:,} {what}"
    return f"not in {len(wrong):,} of {count:,} {what}, the first '{wrong[0]}'"


def _same(what: str, first: np.ndarray, second: np.ndarray, tolerance: float) -> Check:
    if first.shape != second.shape:
        return Check(what, False, f"{list(first.shape)} against {list(second.shape)}")
    difference = float(np.abs(first - second).max())
    passed = difference <= tolerance * float(np.abs(first).max())
    return Check(what, passed, f"largest difference {difference:.3g}")


def _dependent(first: np.ndarray, second: np.ndarray) -> Check:
    """Looks whether the logits of an image and of it upside down differ at all."""
    difference = float(np.abs(first - second).max())
    detail = f"largest difference {difference:.3g} for the pattern upside down"
    return Check("logits depend on the image", difference > 0, detail)


def _of_frozen(loaded: Loaded, images: np.ndarray) -> np.ndarray:
    """Returns the logits of the frozen graph, imported again."""
    import tensorflow as tf

    graph = loaded.part.graph
    frozen = frozen_graph(graph)
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(frozen, name=""), [])
    fed, fetched = (
        wrapped.graph.get_tensor_by_name(name)
        for name in (f"{graph.input}:0", graph.outputs[LOGITS])
    )
    logits: np.ndarray = wrapped.prune(fed, fetched)(tf.constant(images)).numpy()
    return logits

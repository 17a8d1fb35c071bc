"""`check_gradient`: the gradients of a function compared with finite differences."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.custom_ops.declaration import as_array
from tfinspect.custom_ops.finite_differences import (
    Difference,
    Index,
    chosen_indices,
    differences,
    epsilon,
    projection,
)
from tfinspect.custom_ops.gradient_report import Disagreement, GradientReport, InputCheck
from tfinspect.errors import CustomOpError

ELEMENTS = 64
_SEED = 0


def check_gradient(
    op: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    orders: Sequence[int] = (1, 2),
    elements: int = ELEMENTS,
    tolerance: float | None = None,
) -> GradientReport:
    """Compares the gradients of a function of tensors with central differences.

    All outputs are added up with fixed random factors, and the gradient of that sum, and the
    gradient of its gradient, are compared element by element. The function is computed in float64
    where it takes it, else in the dtype that was given. Nothing is random: two calls give equal
    reports. Where the function has a kink, as ReLU at 0, the two rightly disagree.

    Args:
      op: a custom op, or any function from tensors to a tensor or several.
      inputs: one array, tensor or number per input; floats are checked, others are only passed on.
      orders: of the derivatives: 1, 2 or both; the second where the first agrees.
      elements: at most so many of each input are compared, chosen evenly at random.
      tolerance: largest difference, as a share of the input's largest derivative; None takes 1e-5
        in float64, and what the differences are good for in narrower types. The rounding of the
        function's values comes on top.

    Returns:
      A report; `report.ok` says whether all is well.

    Raises:
      CustomOpError: there is no function, no input is a float, the function has no float output, or
        no finite value.
    """
    if not callable(op):
        raise CustomOpError(
            f"{op!r} is no function; give the op itself, and its inputs as a list behind it."
        )
    function = _Function(op, inputs)
    tolerance = _tolerance(function.rounding) if tolerance is None else tolerance
    checks: list[InputCheck] = []
    for order in sorted(set(orders)):
        # The gradient of a wrong gradient tells nothing.
        if all(check.ok for check in checks):
            checks += _checks(function, order, elements, tolerance)
    return GradientReport(tuple(checks), function.dtype.name)


def _tolerance(rounding: float) -> float:
    return max(1e-5, 10 * rounding ** (2 / 3))


class _Function:
    """The function of the floating inputs alone, with its gradients of order 1 and 2.

    Attributes:
      names: of the floating inputs.
      floats: their values.
      dtype: of the first.
      rounding: relative error of the function's values, and of its inputs.
    """

    def __init__(self, op: Callable[..., Any], inputs: Sequence[Any]) -> None:
        self._op = op
        given = [tf.convert_to_tensor(one) for one in inputs]
        places = [n for n, one in enumerate(given) if one.dtype.is_floating]
        if not places:
            raise CustomOpError("none of the inputs is a float; give one to differentiate by.")
        self._given, self._places = given, places
        names = _input_names(op)
        self.names = [names[n] if n < len(names) else f"input {n}" for n in places]
        self.floats = self._widest()
        self.dtype = tf.as_dtype(self.floats[0].dtype)
        outputs = self(self.floats)
        self.rounding = max(epsilon(one.dtype) for one in [*outputs, *self.floats])
        if not all(np.isfinite(np.asarray(one, np.float64)).all() for one in outputs):
            raise CustomOpError("the function is not finite at these inputs; give others.")
        self._factors = {
            1: projection([one.shape for one in outputs], _SEED),
            2: projection([one.shape for one in self.floats], _SEED + 1),
        }

    def _widest(self) -> list[np.ndarray]:
        own = [as_array(self._given[n]) for n in self._places]
        wide = [np.asarray(one, np.float64) for one in own]
        try:
            outputs = self(wide)
        except Exception:
            # It is made for another dtype; an error that is not the dtype's will come again.
            return own
        return wide if all(one.dtype == np.float64 for one in outputs) else own

    def __call__(self, floats: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the floating outputs."""
        return [as_array(one) for one in self._outputs([tf.constant(one) for one in floats])]

    def _outputs(self, floats: Sequence[Any]) -> list[Any]:
        given = list(self._given)
        for n, one in zip(self._places, floats, strict=True):
            given[n] = one
        outputs = [tf.convert_to_tensor(one) for one in tf.nest.flatten(self._op(*given))]
        outputs = [one for one in outputs if one.dtype.is_floating]
        if not outputs:
            raise CustomOpError("the function has no float output; there is nothing to check.")
        return outputs

    def _sum(self, values: Sequence[Any], order: int) -> Any:
        factors = [tf.constant(one, tf.float64) for one in self._factors[order]]
        pairs = zip(values, factors, strict=True)
        return tf.add_n([tf.reduce_sum(factor * tf.cast(one, tf.float64)) for one, factor in pairs])

    def _gradients(self, floats: Sequence[Any], order: int) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(floats)
            values = self._outputs(floats) if order == 1 else self._dense(floats)
            total = self._sum(values, order)
        return list(tape.gradient(total, floats))

    def _dense(self, floats: Sequence[Any]) -> list[Any]:
        found = zip(self._gradients(floats, 1), floats, strict=True)
        return [tf.zeros_like(one) if gradient is None else gradient for gradient, one in found]

    def gradients(self, order: int) -> list[np.ndarray | None]:
        """Returns the gradients as TensorFlow has them."""
        found = self._gradients([tf.constant(one) for one in self.floats], order)
        return [None if one is None else as_array(tf.convert_to_tensor(one)) for one in found]

    def differences(self, place: int, order: int, indices: Sequence[Index]) -> list[Difference]:
        """Returns the differences of the function, or of its gradients for order 2."""

        def first(floats: Sequence[np.ndarray]) -> list[np.ndarray]:
            return [as_array(one) for one in self._dense([tf.constant(one) for one in floats])]

        function = self if order == 1 else first
        factors = self._factors[order]
        return differences(function, self.floats, place, indices, factors, self.rounding)


def _input_names(op: Any) -> tuple[str, ...]:
    names: tuple[str, ...] | None = getattr(op, "input_names", None)
    if names is not None:
        return names
    try:
        parameters = inspect.signature(op).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(one.name for one in parameters if one.kind == one.POSITIONAL_OR_KEYWORD)


def _checks(function: _Function, order: int, elements: int, tolerance: float) -> list[InputCheck]:
    """Checks the derivatives of one order with respect to every input."""
    named = list(enumerate(zip(function.names, function.floats, strict=True)))
    try:
        gradients = function.gradients(order)
    except LookupError as error:
        # TensorFlow's word for an op without a gradient; that of the first order is an error.
        if order == 1:
            raise CustomOpError(f"the function has no gradient: {error}.") from error
        return [
            InputCheck(name, order, value.size, skipped=str(error)) for _, (name, value) in named
        ]
    checks = []
    for place, (name, value) in named:
        found = gradients[place]
        shape = value.shape if found is None else found.shape
        if shape == value.shape:
            gradient = np.zeros(shape) if found is None else np.asarray(found, np.float64)
            indices = chosen_indices(shape, elements, _SEED)
            expected = function.differences(place, order, indices)
            checks.append(
                _compared(InputCheck(name, order, value.size), gradient, expected, tolerance)
            )
        else:
            problem = f"the gradient has the shape {list(shape)}, the input {list(value.shape)}"
            checks.append(InputCheck(name, order, value.size, problem=problem))
    return checks


def _compared(
    check: InputCheck, gradient: np.ndarray, expected: Sequence[Difference], tolerance: float
) -> InputCheck:
    largest = max((abs(one.value) for one in expected), default=0.0)
    errors = {one: abs(float(gradient[one.index]) - one.value) for one in expected}
    # Written so that a NaN counts as wrong.
    wrong = [one for one, error in errors.items() if not error <= tolerance * largest + one.noise]
    wrong.sort(key=lambda one: -errors[one])
    return dataclasses.replace(
        check,
        checked=len(expected),
        max_error=max(errors.values(), default=0.0),
        disagreements=tuple(
            Disagreement(check.input, one.index, float(gradient[one.index]), one.value)
            for one in wrong
        ),
    )

"""`custom_op`: an op from a NumPy forward and a TensorFlow gradient."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.custom_ops import boundary, gradients
from tfinspect.custom_ops.declaration import (
    as_array,
    checked_arrays,
    declared_outputs,
    require_callable,
    spec_of,
)
from tfinspect.errors import CustomOpError

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


def custom_op(
    forward: Callable[..., Any] | None = None,
    *,
    output: Any,
    gradient: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Any:
    """Makes an op of a NumPy function; as a decorator or as a function.

    The op takes and returns tensors. It works eagerly, in `tf.function`, in a TensorFlow 1 graph,
    as a layer's activation and under a strategy, runs on the CPU of the process that built it, and
    cannot be exported. It must be a pure function of its inputs.

        @tfinspect.custom_op(output=lambda x, k: x, gradient=sigmoid_gradient)
        def sigmoid(x, k=1.0):
            return 1 / (1 + np.exp(-k * x))

    Args:
      forward: takes one read-only NumPy array per input and returns one, or a tuple of them.
      output: shape and dtype of what it returns: a `tf.TensorSpec`, a tuple of them, or a function
        from one spec per input to those. A shape may be unknown in part.
      gradient: takes the call, with `inputs` and `outputs` as a `tf.Operation` has them, and the
        gradient with respect to each output; returns one per input, None for one that has none.
        What an input was broadcast over is summed. It is TensorFlow code, so second derivatives
        follow. None makes an op that cannot be differentiated.
      name: in graphs and messages; None takes the forward's.

    Returns:
      A `CustomOp`; without a forward, a decorator.

    Raises:
      CustomOpError: a part is no function.
    """
    if forward is None:
        return lambda decorated: CustomOp(decorated, output, gradient, name)
    return CustomOp(forward, output, gradient, name)


@dataclass(frozen=True)
class Call:
    """One call of an op as its gradient sees it.

    Attributes:
      inputs: its tensors.
      outputs: what it made of them.
    """

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


class CustomOp:
    """What `custom_op` returns: call it with tensors, arrays or numbers.

    Attributes:
      name: in graphs and messages.
      input_names: of the forward's parameters; empty where it does not tell them.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        output: Any,
        gradient: Callable[..., Any] | None,
        name: str | None,
    ) -> None:
        """Takes the parts as `custom_op` explains them."""
        require_callable(forward, "forward of a custom op")
        self.name = name or _identifier(forward)
        if gradient is not None:
            require_callable(gradient, f"gradient of '{self.name}'")
        self._forward, self._output, self._gradient = forward, output, gradient
        self._signature = _signature(forward)
        self.input_names = _names(self._signature)
        self._traced: set[Any] = set()
        self.__doc__, self.__name__ = forward.__doc__, self.name

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the op.

        Args:
          *args: the inputs; a bare Python number takes the dtype of the first floating one.
          **kwargs: inputs by the forward's parameter names.

        Returns:
          A tensor, or a tuple of them, of the declared shapes and dtypes.

        Raises:
          CustomOpError: inputs, forward or declaration do not fit together. In a graph TensorFlow
            raises one of its own errors, with the same words, when the op runs.
        """
        boundary.refuse_saving(self.name)
        inputs = _tensors(self._ordered(args, kwargs), self.name)
        outputs = declared_outputs(self._output, [spec_of(one) for one in inputs], self.name)
        with tf.name_scope(self.name):
            made = self._differentiable(inputs, lambda: self._run(inputs, outputs.specs))
        return outputs.packed(made)

    def _ordered(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if self._signature is None:
            if kwargs:
                raise CustomOpError(
                    f"'{self.name}' has no named inputs; give {list(kwargs)} in order."
                )
            return list(args)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise CustomOpError(f"'{self.name}{self._signature}': {error}.") from error
        bound.apply_defaults()
        return list(bound.args)

    def _differentiable(self, inputs: Sequence[Any], make: Callable[[], list[Any]]) -> list[Any]:
        """Returns the outputs that `make` gives, with the declared gradient."""

        @tf.custom_gradient
        def call(*inputs: Any) -> Any:
            outputs = make()

            def gradient(*upstream: Any) -> Any:
                # Into the graph of this gradient, from where the next derivative can reach them.
                held, made = ([tf.identity(one) for one in side] for side in (inputs, outputs))
                # The gradient may use the outputs: they must depend on the inputs by the declared
                # gradient again, or second derivatives would lack a term.
                again = self._differentiable(held, lambda: made)
                return self._gradients(Call(tuple(held), tuple(again)), upstream)

            return tuple(outputs), gradient

        return list(call(*inputs))

    def _run(self, inputs: Sequence[Any], specs: Sequence[tf.TensorSpec]) -> list[Any]:
        if tf.executing_eagerly():
            return [tf.constant(one) for one in self._compute(*map(as_array, inputs))]
        dtypes = [spec.dtype for spec in specs]
        outputs = tf.numpy_function(self._compute, inputs, dtypes, stateful=False)
        for made, spec in zip(outputs, specs, strict=True):
            made.set_shape(spec.shape)
        return list(outputs)

    def _compute(self, *arrays: np.ndarray) -> list[np.ndarray]:
        # The rule again, with the sizes that the graph did not know.
        outputs = declared_outputs(self._output, [spec_of(one) for one in arrays], self.name)
        returned = boundary.call_forward(self._forward, arrays, self.name)
        return checked_arrays(returned, outputs, self.name)

    def _gradients(self, call: Call, upstream: Sequence[Any]) -> list[Any]:
        boundary.refuse_saving(self.name)
        if self._gradient is None:
            raise CustomOpError(
                f"'{self.name}' has no gradient; declare one (gradient=…), or put "
                "tf.stop_gradient around it."
            )
        upstream = gradients.completed(upstream, call.outputs)
        with tf.name_scope(f"{self.name}_gradient"), boundary.tensorflow_only(self.name):
            if tf.executing_eagerly():
                self._trace_gradient(self._gradient, call)
            found = self._gradient(call, *upstream)
        return gradients.fitted(found, call.inputs, self)

    def _trace_gradient(self, gradient: Callable[..., Any], call: Call) -> None:
        """Runs the gradient once on tensors without values, where NumPy cannot hide."""
        key = tuple((one.dtype, one.shape.rank) for one in call.inputs)
        if key in self._traced:
            return
        with tf.__internal__.FuncGraph("gradient").as_default():
            inputs, outputs, upstream = (
                tuple(tf.compat.v1.placeholder(one.dtype, one.shape) for one in side)
                for side in (call.inputs, call.outputs, call.outputs)
            )
            try:
                gradient(Call(inputs, outputs), *upstream)
            except Exception as error:
                # Anything else either shows with values, too, or matters in graphs alone.
                if boundary.uses_numpy(error):
                    raise
        self._traced.add(key)


def _identifier(forward: Any) -> str:
    name = getattr(forward, "__name__", "")
    return name if name.isidentifier() else "custom_op"


def _signature(forward: Any) -> inspect.Signature | None:
    if isinstance(forward, np.ufunc):
        # Its own parameters, such as `where` and `out`, are no inputs.
        return None
    try:
        signature = inspect.signature(forward)
    except (TypeError, ValueError):
        return None
    for parameter in signature.parameters.values():
        if parameter.kind not in _POSITIONAL:
            raise CustomOpError(
                f"the forward's parameter '{parameter.name}' is for keywords alone; the inputs of "
                "an op have an order."
            )
    return signature


def _names(signature: inspect.Signature | None) -> tuple[str, ...]:
    parameters = signature.parameters.values() if signature else ()
    return tuple(one.name for one in parameters if one.kind is not inspect.Parameter.VAR_POSITIONAL)


def _tensors(values: Sequence[Any], name: str) -> list[Any]:
    if not values:
        raise CustomOpError(f"'{name}' was called without inputs; give one or more.")
    dtypes = [tf.as_dtype(one.dtype) for one in values if hasattr(one, "dtype")]
    floating = next((dtype for dtype in dtypes if dtype.is_floating), None)
    return [
        tf.convert_to_tensor(one, floating if type(one) in (int, float) else None) for one in values
    ]

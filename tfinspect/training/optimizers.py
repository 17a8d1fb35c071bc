"""Optimizers, and the names under which TensorFlow 1 stores their slots."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
import tf_keras

from tfinspect.training.config import TrainConfig

# Attribute of the optimizer that lists a slot per trainable variable -> TensorFlow 1's slot name.
_SLOTS = {
    "momentum": {"accumulators": "Momentum"},
    "adam": {"_momentums": "Adam", "_velocities": "Adam_1"},
    "adamw": {"_momentums": "AdamW", "_velocities": "AdamW_1"},
    "rmsprop": {"_velocities": "RMSProp", "_momentums": "RMSProp_1"},
}
_AVERAGE = {"_model_variables_moving_average": "ExponentialMovingAverage"}
# Every variable but kernels, by the last component of its name.
_NOT_DECAYED = ("gamma", "beta", "biases")


class _KeepsWeights:
    """Leaves the weights alone when `fit` ends; tf_keras would put their average in their place."""

    def finalize_variable_values(self, var_list: Sequence[tf.Variable]) -> None:
        """Does nothing."""


class _RateFactors:
    """Multiplies the learning rate of each variable by a factor of its own."""

    # Variable name without `:0` -> factor; 1 for the others.
    rate_factors: Mapping[str, float]
    weight_decay: float | None

    def _apply_weight_decay(self, variables: Sequence[tf.Variable]) -> None:
        """Leaves the decay to `update_step`, where the factor holds for it too."""

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Updates one variable, by its share of the step and of the decoupled weight decay."""
        factor = self.rate_factors.get(variable.name.removesuffix(":0"), 1.0)
        before = tf.identity(variable) if factor != 1.0 else None
        if self.weight_decay is not None and self._use_weight_decay(variable):  # type: ignore[attr-defined]
            rate = tf.cast(self.learning_rate, variable.dtype)  # type: ignore[attr-defined]
            variable.assign_sub(variable * tf.cast(self.weight_decay, variable.dtype) * rate)
        super().update_step(gradient, variable)  # type: ignore[misc]
        # Every optimizer's step is proportional to the rate, Adam's too.
        if before is not None:
            variable.assign(before + factor * (variable - before))


class MomentumSGD(_KeepsWeights, tf_keras.optimizers.Optimizer):
    """SGD with momentum as TensorFlow 1, PyTorch and the papers define it.

        accumulator = momentum * accumulator + gradient
        variable   -= learning_rate * accumulator

    The learning rate stays outside the accumulator (unlike in Keras), so that a drop of the rate
    takes effect at once.
    """

    def __init__(self, learning_rate: float, momentum: float, **averaging: Any) -> None:
        super().__init__(name="Momentum", jit_compile=False, **averaging)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.momentum = momentum
        self.accumulators: list[tf.Variable] = []

    def build(self, var_list: Sequence[tf.Variable]) -> None:
        """Creates one accumulator of zeros per variable."""
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self.accumulators = [
            self.add_variable_from_reference(variable, "accumulator") for variable in var_list
        ]
        # Keras calls `build` before every step, and would start new moving averages each time.
        self._built = True

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Updates one variable and its accumulator in one fused kernel."""
        accumulator = self.accumulators[self._index_dict[self._var_key(variable)]]
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=accumulator.handle,
            lr=tf.cast(self.learning_rate, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
            momentum=tf.cast(self.momentum, variable.dtype),
            use_locking=False,
            use_nesterov=False,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return super().get_config() | {
            "learning_rate": self._serialize_hyperparameter(self._learning_rate),
            "momentum": self.momentum,
        }


class _Adam(_KeepsWeights, tf_keras.optimizers.Adam):
    pass


class _AdamW(_KeepsWeights, tf_keras.optimizers.AdamW):
    pass


class _RMSProp(_KeepsWeights, tf_keras.optimizers.RMSprop):
    pass


_KINDS: dict[str, Any] = {
    "momentum": MomentumSGD,
    "adam": _Adam,
    "adamw": _AdamW,
    "rmsprop": _RMSProp,
}


def make_optimizer(
    config: TrainConfig,
    variables: Sequence[tf.Variable],
    rate_factors: Mapping[str, float] | None = None,
) -> Any:
    """Builds the configured optimizer, with its slots for the given trainable variables.

    Args:
      config: says which one.
      variables: the trainable ones.
      rate_factors: variable name -> factor on its learning rate; None gives all the same.
    """
    shared: dict[str, Any] = {"use_ema": config.ema_decay is not None}
    if config.ema_decay is not None:
        shared["ema_momentum"] = config.ema_decay
    if config.optimizer in ("momentum", "rmsprop"):
        shared["momentum"] = config.momentum
    if config.optimizer == "adamw":
        shared["weight_decay"] = config.weight_decay
    kind = _KINDS[config.optimizer] if rate_factors is None else _with_rate_factors(config)
    optimizer = kind(learning_rate=config.peak_learning_rate, **shared)
    if rate_factors is not None:
        optimizer.rate_factors = rate_factors
    if config.optimizer == "adamw":
        optimizer.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))
    optimizer.build(variables)
    return optimizer


def _with_rate_factors(config: TrainConfig) -> Any:
    kind = _KINDS[config.optimizer]
    return type(f"Scaled{kind.__name__}", (_RateFactors, kind), {})


def regularization(config: TrainConfig) -> float:
    """Returns the L2 factor that belongs into the loss: none where the optimizer decays itself."""
    return 0.0 if config.optimizer == "adamw" else config.weight_decay


def slots(config: TrainConfig, optimizer: Any, variables: Sequence[tf.Variable]) -> dict[str, Any]:
    """Returns the optimizer's variables by the names that TensorFlow 1 would give them.

    Args:
      config: says which optimizer it is.
      optimizer: what `make_optimizer` built.
      variables: the trainable variables it was built for, in that order.

    Returns:
      `<variable>/<slot>` -> slot variable, and `global_step`.
    """
    found: dict[str, Any] = {"global_step": optimizer.iterations}
    table = _SLOTS[config.optimizer] | (_AVERAGE if config.ema_decay is not None else {})
    for attribute, slot in table.items():
        # RMSProp without momentum has no slots for it.
        values = getattr(optimizer, attribute, None) or []
        for variable, value in zip(variables, values, strict=bool(values)):
            found[f"{variable.name.split(':')[0]}/{slot}"] = value
    return found


def averages(optimizer: Any) -> list[tf.Variable]:
    """Returns the moving averages of the trainable variables, in their order; none if not kept."""
    return list(optimizer._model_variables_moving_average) if optimizer.use_ema else []


@contextmanager
def learning_rate(optimizer: Any, rate: Any) -> Iterator[None]:
    """Lets an optimizer take this rate, a float32 scalar tensor, for the steps of the block.

    So a step on one of several workers has a rate of its own, where the optimizer's variable would
    be that of all.
    """
    kept, optimizer._learning_rate = optimizer._learning_rate, rate
    try:
        yield
    finally:
        optimizer._learning_rate = kept

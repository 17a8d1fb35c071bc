"""The gradients that a step used, from what it left in the optimizer's slots.

So they are those of the whole batch and of all replicas, with the L2 terms, and cost no pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tfinspect.training.config import TrainConfig

# Keras's defaults, which `make_optimizer` leaves as they are.
_ADAM_DECAY = 0.9
_RMSPROP_EPSILON = 1e-7


@dataclass(frozen=True)
class Step:
    """One step of an optimizer.

    Attributes:
      before, after: variables and slots by their stored names.
      learning_rate: of the step.
    """

    before: Mapping[str, np.ndarray]
    after: Mapping[str, np.ndarray]
    learning_rate: float

    def update(self, name: str) -> np.ndarray:
        """Returns what was added to a variable or a slot, float64."""
        return self.after[name].astype(np.float64) - self.before[name]


def gradient(config: TrainConfig, step: Step, variable: str) -> np.ndarray | None:
    """Returns the gradient of the loss with respect to a variable, float64.

    Args:
      config: says which optimizer it was.
      step: what it did.
      variable: its name.

    Returns:
      None where the step does not tell: RMSProp's with a learning rate of 0.
    """
    if config.optimizer == "momentum":
        # accumulator = momentum * accumulator + gradient
        slot = f"{variable}/Momentum"
        return step.after[slot] - config.momentum * step.before[slot].astype(np.float64)
    if config.optimizer in ("adam", "adamw"):
        # average += (1 - decay) * (gradient - average)
        slot = f"{variable}/{'Adam' if config.optimizer == 'adam' else 'AdamW'}"
        return step.before[slot] + step.update(slot) / (1 - _ADAM_DECAY)
    return _rmsprop_gradient(config, step, variable) if step.learning_rate else None


def _rmsprop_gradient(config: TrainConfig, step: Step, variable: str) -> np.ndarray:
    # increment = rate * gradient / sqrt(velocity + epsilon)
    slot = f"{variable}/RMSProp_1"
    if slot in step.after:
        increment = step.after[slot] - config.momentum * step.before[slot].astype(np.float64)
    else:
        increment = -step.update(variable)
    velocity = step.after[f"{variable}/RMSProp"].astype(np.float64)
    return increment * np.sqrt(velocity + _RMSPROP_EPSILON) / step.learning_rate

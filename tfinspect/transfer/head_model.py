"""A network's trainable part alone, as a model that takes the frozen part's features."""

from typing import Any

import tensorflow as tf
import tf_keras

from tfinspect.training.own_step import OwnStep
from tfinspect.transfer.boundary import CutNetwork
from tfinspect.transfer.tuned_model import TunedModel


class _Stage:
    """The network and what its stage changes, out of Keras's sight.

    Keras would search the whole network for variables and metrics, before and after each epoch.
    """

    def __init__(self, whole: TunedModel) -> None:
        named = whole.variables_by_name()
        self.whole = whole
        self.trainable = tuple(whole.trainable_weights)
        self.live = tuple(one for name, one in named.items() if whole.stage.trains(name))


class HeadModel(OwnStep, tf_keras.Model):
    """Trains the variables of the network that it was cut from."""

    def __init__(self, whole: TunedModel, network: CutNetwork) -> None:
        """Wraps the trainable part.

        Args:
          whole: the network in its stage.
          network: the same, cut.
        """
        super().__init__(name="head")
        self._stage = _Stage(whole)
        self._heads = {True: network.train_head, False: network.evaluate_head}
        self.built = True

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs: Any, training: bool | None = False) -> tf.Tensor:
        """Returns logits `[N, classes]` of features, one tensor or a tuple of them."""
        features = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        (logits,) = self._heads[bool(training)](*features)
        return logits

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Trains on one batch, and counts the step."""
        logs = super().train_step(data)
        # Dropout's key reads the number inside a function of its own, which nothing orders.
        with tf.control_dependencies(list(logs.values())):
            self._stage.whole.steps.done.assign_add(1)
        return logs

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """The trainable variables of the network's stage."""
        return list(self._stage.trainable)

    @property
    def live_variables(self) -> list[tf.Variable]:
        """All that the stage changes: trainable variables, and moving statistics beside them."""
        return list(self._stage.live)

    @property
    def weights(self) -> list[tf.Variable]:
        """What the stage changes, which is all that its steps can spoil."""
        return self.live_variables

    @property
    def losses(self) -> list[tf.Tensor]:
        """The L2 terms of the trainable part."""
        return self._stage.whole.losses

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """Returns all variables of the whole network by name."""
        return self._stage.whole.variables_by_name()

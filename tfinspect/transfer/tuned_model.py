"""A network of which a stage trains only a part."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfinspect.errors import ConfigError
from tfinspect.listing import all_scopes
from tfinspect.names import choices, in_scope
from tfinspect.nets.keyed_dropout import dropout_keyed_by
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training.own_step import OwnStep
from tfinspect.transfer.load_rules import Named
from tfinspect.transfer.stages import EVERYTHING, Stage

# Components of a name that make up a block, the unit of layer decay and gradual unfreezing.
_BLOCK_COMPONENTS = 2
_WHOLE = Stage("whole", EVERYTHING, 1, 1.0)


class StepCounter:
    """The steps of a run, in a variable that Keras does not take for one of the model's."""

    def __init__(self) -> None:
        self.done = tf.Variable(0, trainable=False, dtype=tf.int64, name="steps_done")


class TunedModel(OwnStep, SlimModel):
    """A `SlimModel` whose trainable variables and batch-norm modes are those of a stage.

    Dropout depends on seed and step alone; whoever begins in the middle sets `steps.done`.
    """

    def __init__(self, *args: Any, adapts: bool = False, **kwargs: Any) -> None:
        """Describes the model, as `SlimModel` does.

        Args:
          *args: of `SlimModel`.
          adapts: batch normalizations of frozen scopes go on taking the statistics of each batch.
          **kwargs: of `SlimModel`.
        """
        super().__init__(*args, **kwargs)
        self.adapts = adapts
        self.stage = _WHOLE
        # Number and count of the parts of each batch, where several processes train together.
        self.part = (0, 1)
        self.steps = StepCounter()
        self._created: dict[str, None] = {}

    def _get_variable(self, getter: Callable[..., Any], name: str, **kwargs: Any) -> Any:
        self._created[name] = None
        return super()._get_variable(getter, name, **kwargs)

    def network(
        self, images: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Runs the network function, as `SlimModel` does."""
        seed = tf.constant(self._settings["seed"] or 0, tf.int64)
        key = tf.stack([seed, self.steps.done]) if training else None
        with dropout_keyed_by(key, self.part):
            return super().network(images, training)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Trains on one batch, and counts the step."""
        logs = super().train_step(data)
        self.steps.done.assign_add(1)
        return logs

    def batch_norm_is_frozen(self, scope: str) -> bool:
        """Tells whether a batch normalization is in inference mode in this stage."""
        return not self.adapts and not self.stage.trains(scope)

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        """The trainable variables of the stage."""
        every = super().trainable_weights
        return [one for one in every if self.stage.trains(one.name.removesuffix(":0"))]

    def begin(self, stage: Stage) -> None:
        """Trains what a stage says from now on; compile the model after it.

        Raises:
          ConfigError: a scope holds no trainable variable, or a rate's scope none of the stage.
        """
        self.build_variables()
        self.stage = _WHOLE
        names = [one.name.removesuffix(":0") for one in self.trainable_weights]
        said = f"the stage '{stage.name}'"
        _require_variables(names, stage.scopes, f"{said} trains nothing in", whose=self.spec.name)
        trained = [name for name in names if stage.trains(name)]
        rated = [scope for scope, _ in stage.rates]
        _require_variables(trained, rated, f"{said} has a rate for", whose="the stage")
        self.stage = stage

    def blocks(self) -> list[str]:
        """Returns the scopes of the layers below the classifier, from the images on."""
        self.build_variables()
        found: dict[str, None] = {}
        for name in self._created:
            scope = "/".join(name.split("/")[:-1][:_BLOCK_COMPONENTS])
            if not any(in_scope(scope, head) for head in self.spec.logits_scopes):
                found[scope] = None
        return list(found)


def _require_variables(
    names: Sequence[str], scopes: Sequence[str], words: str, *, whose: str
) -> None:
    """Refuses a scope that holds none of the names."""
    for scope in scopes:
        if not any(in_scope(name, scope) for name in names):
            existing = all_scopes(Named(name) for name in names)
            raise ConfigError(
                f"{words} '{scope}': it holds no trainable variable of {whose} (whole components "
                f"are compared); {choices(scope, existing)}."
            )


def rate_factors(
    stage: Stage, names: Sequence[str], blocks: Sequence[str]
) -> Mapping[str, float] | None:
    """Returns the factor on each variable's learning rate; None where all are 1.

    Args:
      stage: its layer decay and rates.
      names: of the trainable variables.
      blocks: scopes from the images on; what lies in none of them is the head, with factor 1.
    """
    factors = {name: _factor(stage, name, blocks) for name in names}
    return factors if any(factor != 1.0 for factor in factors.values()) else None


def _factor(stage: Stage, name: str, blocks: Sequence[str]) -> float:
    depth = next((i for i, block in enumerate(blocks) if in_scope(name, block)), len(blocks))
    decay = 1.0 if stage.layer_decay is None else stage.layer_decay
    own = [pair for pair in stage.rates if in_scope(name, pair[0])]
    # The longest scope that holds the variable is the nearest to it.
    multiplier = max(own, key=lambda pair: len(pair[0]))[1] if own else 1.0
    return multiplier * decay ** (len(blocks) - depth)

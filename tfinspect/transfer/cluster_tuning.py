"""A stage on the images themselves, in a cluster: every process computes its part of each batch.

Between the stages each process holds the weights in variables of its own. For the stage they are
copied into a network of TensorFlow's strategy, and back when it ends.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.data import pipeline
from tfinspect.data.load import fixed_options, reading
from tfinspect.errors import ClusterError
from tfinspect.training.callbacks import Loop
from tfinspect.training.loop import fit_segments, shared
from tfinspect.training.own_step import Requests
from tfinspect.training.team import Team
from tfinspect.training.trainer import Trainer
from tfinspect.transfer.frozen import is_statistic
from tfinspect.transfer.prepare_tuning import make_model
from tfinspect.transfer.tuned_model import TunedModel
from tfinspect.transfer.tuning import EarlyStopping, Tuning, make_stage_trainer


class StageTeam(Team):
    """A team that leaves frozen statistics alone: the mean of three equal ones may be another."""

    def merge(self, model: TunedModel) -> None:
        """Puts the processes' own moving statistics of the stage together."""
        for name, variable in model.variables_by_name().items():
            if is_statistic(name) and _moves(model, name):
                variable.assign(variable.read_value())


@dataclass(frozen=True)
class StageTrainer(Trainer):
    """Stores this process's own copies, after they were put together."""

    def _read(self, variables: dict[str, Any]) -> dict[str, tf.Tensor]:
        return dict(_copies(self.strategy, variables.items()))


class AgreedStopping(EarlyStopping):
    """Ends a stage early on all processes, or on none."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Looks at the losses, and whether the others came to the same.

        Raises:
          ClusterError: they did not.
        """
        super().on_epoch_end(epoch, logs)
        team, ends = self.tuning.team, self.model.stop_training
        if self.tuning.config.patience is None or team is None:
            return
        if all(team.agree(ends, not ends)):
            raise ClusterError(
                f"the processes have different validation losses after epoch {epoch + 1}, and "
                "cannot end the stage together; give all hosts the same kind of processor, or "
                "leave --patience out."
            )


def train_on_images(tuning: Tuning, first_epoch: int, restore: Callable[[Trainer], None]) -> None:
    """Trains the model's present stage as `tuning.train_on_images` does, for all processes.

    Raises:
      ConfigError: the batch cannot be shared equally.
      ClusterError: the processes do not agree.
    """
    stage, team = tuning.model.stage, tuning.team
    assert team is not None
    team = StageTeam(team.cluster, team.strategy)
    trainer = _trainer(tuning, team)
    restore(trainer)
    batches, validation = shared(
        team,
        tuning.batches("train"),
        tuning.batches("validation"),
        tuning.observer,
        tuning.progress,
    )
    loop = _loop(tuning.loop(trainer, None, stage, first_epoch), team, validation)

    def dataset_from(step: int) -> Any:
        epochs = first_epoch + stage.epochs
        dataset = pipeline.training_dataset(
            batches,
            seed=tuning.config.seed,
            epochs=epochs,
            start_step=step,
            **tuning.augmentation(stage),
        )
        weights = pipeline.step_weights(batches, epochs=epochs, start_step=step)
        return team.distributed(_weighted(dataset, weights, tuning.class_weights()))

    with reading(tuning.data[0]):
        fit_segments(loop, dataset_from, lambda _: [AgreedStopping(tuning, first_epoch)])
    own = tuning.model.variables_by_name()
    for name, value in _copies(team.strategy, trainer.model.variables_by_name().items()):
        own[name].assign(value)


def _trainer(tuning: Tuning, team: Team) -> Trainer:
    """Builds the network anew on the team's strategy, with the weights of this process."""
    own, examples = tuning.model, tuning.data[1].training_examples()
    with team.strategy.scope():
        model = make_model(tuning.config, own.spec, own.num_classes, examples)
        weights = own.variables_by_name()
        for name, variable in model.variables_by_name().items():
            variable.assign(weights[name].read_value())
        model.begin(own.stage)
        model.part = (team.cluster.number, team.cluster.workers)
        model.steps.done.assign(own.steps.done.read_value())
        # Keras would add up over the replicas what each of them knows of all.
        model.distribute_reduction_method = "first"
        model.requests = Requests(2)
        trainer = make_stage_trainer(tuning.config, model, model, StageTrainer)
    return dataclasses.replace(trainer, writes=tuning.writes)


def _loop(loop: Loop, team: Team, validation: pipeline.Batches) -> Loop:
    local = pipeline.evaluation_dataset(validation)
    return dataclasses.replace(
        loop,
        team=team,
        validation=team.distributed(local),
        local_validation=local,
        validation_steps=-(-validation.examples // validation.batch_size),
    )


def _weighted(dataset: Any, step_weights: Any, class_weights: tf.Tensor | None) -> Any:
    """Adds what each example weighs: by the share of this process, and by its class."""

    def joined(example: tuple[Any, Any], weights: Any) -> tuple[Any, Any, Any]:
        images, labels = example
        if class_weights is not None:
            weights *= tf.cast(tf.gather(class_weights, labels), weights.dtype)
        return images, labels, weights

    return tf.data.Dataset.zip((dataset, step_weights)).map(joined).with_options(fixed_options())


def _moves(model: TunedModel, name: str) -> bool:
    return model.adapts or model.stage.trains(name)


def _copies(strategy: Any, variables: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, tf.Tensor]]:
    for name, variable in sorted(variables):
        yield name, tf.convert_to_tensor(strategy.experimental_local_results(variable)[0])

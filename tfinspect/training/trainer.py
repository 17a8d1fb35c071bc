"""A model with its optimizer on a strategy, and the values that make up a checkpoint."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints, optimizers, strategy
from tfinspect.training.config import TrainConfig
from tfinspect.training.losses import CrossEntropy
from tfinspect.training.own_step import OwnStep, Requests
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.schedule import Schedule
from tfinspect.training.segments import Segment
from tfinspect.training.team import Team


class TrainedModel(OwnStep, SlimModel):
    """A network of the registry that is trained as a whole."""


@dataclass(frozen=True)
class Trainer:
    """A compiled model and what it is trained with."""

    config: TrainConfig
    model: SlimModel
    optimizer: Any
    strategy: Any
    # Whether this process writes: of several that train together, one does.
    writes: bool = True
    # Variable with the run's steps, where the optimizer counts those of one stage; None: it is the
    # optimizer's own.
    global_step: Any = None

    def values(self) -> dict[str, Any]:
        """Returns variables, optimizer slots and `global_step` by their stored names."""
        trainable = self.model.trainable_variables
        named: dict[str, Any] = dict(self.model.variables_by_name())
        named |= optimizers.slots(self.config, self.optimizer, trainable)
        return named if self.global_step is None else named | {"global_step": self.global_step}

    @contextlib.contextmanager
    def evaluated_weights(self) -> Iterator[None]:
        """Puts the moving averages in the place of the weights while the block runs.

        Without moving averages the weights themselves stay.
        """
        averages = optimizers.averages(self.optimizer)
        weights = self.model.trainable_variables if averages else []
        kept = [variable.numpy() for variable in weights]
        for variable, average in zip(weights, averages, strict=True):
            variable.assign(average)
        try:
            yield
        finally:
            for variable, value in zip(weights, kept, strict=True):
                variable.assign(value)

    def evaluate(self, dataset: Any, steps: int | None = None) -> tuple[float, float]:
        """Returns loss (L2 terms included) and accuracy (0..1) of the weights as they are.

        Args:
          dataset: batches, of all processes the share of this one.
          steps: batches to take; None takes all, and a distributed data set needs the number.
        """
        logs = self.model.evaluate(dataset, steps=steps, verbose=0, return_dict=True)
        return float(logs["loss"]), float(logs["accuracy"])

    def fit(
        self, dataset: Any, segment: Segment, callbacks: Sequence[Any], schedule: Schedule
    ) -> bool:
        """Trains one segment of a run, and tells whether a callback has ended the run.

        Args:
          dataset: batches from the segment's first step on.
          segment: epochs and their steps.
          callbacks: Keras's; they set each step's learning rate.
          schedule: the learning rate of each step of the run, for what does several at once.
        """
        del schedule
        self.model.fit(
            dataset,
            initial_epoch=segment.first_epoch,
            epochs=segment.first_epoch + segment.num_epochs,
            steps_per_epoch=segment.steps_per_epoch,
            callbacks=callbacks,
            verbose=0,
        )
        return bool(self.model.stop_training)

    def is_finite(self) -> bool:
        """Tells whether no variable of the model holds a NaN or an infinite value."""
        variables = self.model.variables
        return all(bool(tf.reduce_all(tf.math.is_finite(one))) for one in variables)

    def back_up(
        self, run: RunDirectory, progress: Progress, wait: Callable[[], Any] = lambda: None
    ) -> None:
        """Writes checkpoint and state of the present step; older checkpoints go last.

        Args:
          run: takes them.
          progress: the state.
          wait: called before the state is written, to wait for what else it speaks of.
        """
        name = f"model.ckpt-{progress.step}"
        values = self._read(self.values())
        progress.checkpoint = f"checkpoints/{name}"
        if not self.writes:
            return
        checkpoints.save(os.path.join(run.checkpoints, name), values)
        wait()
        progress.write(run)
        checkpoints.keep_newest(run.checkpoints, self.config.keep_checkpoints)

    def save_best(self, run: RunDirectory, step: int) -> None:
        """Writes the variables, as they are now, as the only checkpoint of `best/`."""
        self.write_best(run, step, self.values_now(step))

    def values_now(self, step: int) -> dict[str, tf.Tensor]:
        """Returns the variables, as they are now, and the step, by their stored names."""
        return self._read(self.model.variables_by_name() | {"global_step": step_value(step)})

    def write_best(self, run: RunDirectory, step: int, values: dict[str, tf.Tensor]) -> None:
        """Writes what `values_now` returned as the only checkpoint of `best/`."""
        if self.writes:
            checkpoints.save(os.path.join(run.best, f"model.ckpt-{step}"), values)
            checkpoints.keep_newest(run.best, 1)

    def _read(self, variables: dict[str, Any]) -> dict[str, tf.Tensor]:
        # Moving statistics are put together from all processes: every one reads them, in one order.
        return {name: tf.convert_to_tensor(variables[name]) for name in sorted(variables)}


def step_value(step: int) -> tf.Tensor:
    """Returns a step as TensorFlow 1 stores it, int64."""
    return tf.constant(step, tf.int64)


def make_trainer(
    config: TrainConfig,
    num_classes: int,
    total_steps: int,
    team: Team | None = None,
    placed: Any = None,
) -> Trainer:
    """Builds and compiles the configured network with fresh weights.

    Args:
      config: the settings.
      num_classes: columns of the logits.
      total_steps: length of the run, in optimizer steps.
      team: the processes that train together; None trains in this one alone.
      placed: the strategy, where neither the settings nor a team say which.

    Raises:
      NetworkError: the depth or width cannot be built.
      ConfigError: the batch cannot be shared by the devices.
    """
    spec = get_spec(config.network, width=config.width)
    if placed is None:
        placed = strategy.make_strategy(config.devices) if team is None else team.strategy
    strategy.check_batch(config.images_per_step, placed.num_replicas_in_sync)
    with placed.scope():
        model = TrainedModel(
            spec,
            num_classes,
            weight_decay=optimizers.regularization(config),
            compute_dtype=config.precision,
            batch_norm_decay=config.moving_average_decay(total_steps),
            seed=config.seed,
        )
        model.build_variables()
        # Keras would add up over the replicas what each of them knows of all.
        model.distribute_reduction_method = "first"
        optimizer = optimizers.make_optimizer(config, model.trainable_variables)
        model.compile(
            optimizer=optimizer,
            loss=CrossEntropy(config.label_smoothing),
            metrics=[tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
    model.synchronizes_batch_norm = config.sync_batch_norm
    if team is not None:
        model.requests = Requests(2)
    return Trainer(config, model, optimizer, placed, team is None or team.cluster.is_chief)


def restore(trainer: Trainer, run: RunDirectory, progress: Progress) -> None:
    """Loads variables and slots of a run's last backup; without one the fresh weights stay."""
    if progress.checkpoint:
        prefix = run.file(progress.checkpoint)
        checkpoints.assign(trainer.values(), checkpoints.read(prefix), prefix)

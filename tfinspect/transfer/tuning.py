"""One fine-tuning run: its parts, and how a stage is trained on images or on features."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras

from tfinspect.data import pipeline
from tfinspect.data.load import reading
from tfinspect.data.manifest import Manifest
from tfinspect.training import optimizers
from tfinspect.training.callbacks import Loop
from tfinspect.training.loop import augmentation
from tfinspect.training.losses import CrossEntropy
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.schedule import Schedule, make_schedule
from tfinspect.training.team import Team
from tfinspect.training.trainer import Trainer
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.stage_progress import stopped_after
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuned_model import TunedModel, rate_factors


@dataclass(frozen=True)
class Tuning:
    """What all stages of a run share.

    Attributes:
      config: resolved settings.
      data: directory of the shards, and its manifest.
      model: the network.
      stages: of the whole run.
      run: where it is written.
      progress: kept up to date.
      observer: a `training.run.Observer`.
      team: the processes that train together; None for this one alone.
    """

    config: FineTuneConfig
    data: tuple[str, Manifest]
    model: TunedModel
    stages: tuple[Stage, ...]
    run: RunDirectory
    progress: Progress
    observer: Any
    team: Team | None = None

    @property
    def writes(self) -> bool:
        """Whether this process writes the run directory: of several, one does."""
        return self.team is None or self.team.cluster.is_chief

    @property
    def steps_per_epoch(self) -> int:
        """Batches of the training split; in a cluster the last one holds what is left."""
        return pipeline.steps_per_epoch(self.batches("train"))

    @property
    def examples_per_epoch(self) -> int:
        """Examples in these batches."""
        batches = self.batches("train")
        return min(self.steps_per_epoch * batches.batch_size, batches.examples)

    def epochs_from(self, stage: Stage, first_epoch: int) -> int:
        """Returns the epochs of the run if no stage from this one on ends early."""
        return first_epoch + sum(one.epochs for one in self.stages[self.stages.index(stage) :])

    def batches(self, split: str) -> pipeline.Batches:
        """Describes the batches of one split as the network takes them."""
        batches = batches_of(self.config, self.data, self.model, split)
        return dataclasses.replace(batches, keep_last=self.team is not None)

    def augmentation(self, stage: Stage) -> dict[str, bool]:
        """Returns the pipeline's arguments for a stage."""
        config = dataclasses.replace(self.config, augment=stage.augment)
        return augmentation(config, self.data[1])

    def class_weights(self) -> tf.Tensor | None:
        """Returns a float32 weight for each class, 1 on average over the examples; or None."""
        if self.config.class_weights == "none":
            return None
        manifest = self.data[1]
        counts = manifest.splits["train"].label_histogram
        total, classes = sum(counts.values()), len(manifest.label_names)
        return tf.constant(
            [total / (classes * max(counts.get(name, 0), 1)) for name in manifest.label_names],
            tf.float32,
        )

    def loop(self, trainer: Trainer, validation: Any, stage: Stage, first_epoch: int) -> Loop:
        """Returns what the callbacks of one stage share."""
        first = first_epoch * self.steps_per_epoch
        total = first + stage.epochs * self.steps_per_epoch
        epochs = self.epochs_from(stage, first_epoch)
        end = epochs * self.steps_per_epoch
        return Loop(
            trainer=trainer,
            run=self.run,
            progress=self.progress,
            schedule=_shifted(make_schedule(trainer.config, self.steps_per_epoch), first),
            steps_per_epoch=self.steps_per_epoch,
            total_steps=total,
            validation=validation,
            validation_examples=self.batches("validation").examples,
            on_epoch=lambda record: self.observer.on_epoch(record, epochs),
            on_step=lambda step: self.observer.on_step(step, end),
            command="finetune",
            rate_option=f"in stage '{stage.name}' {stage.rate_option}",
            # The range test is of the head that a run begins with.
            find_option="--find-lr" if stage == self.stages[0] else None,
        )


def batches_of(
    config: FineTuneConfig, data: tuple[str, Manifest], model: TunedModel, split: str
) -> pipeline.Batches:
    """Describes the batches of one split as a network takes them."""
    directory, manifest = data
    spec = model.spec
    return pipeline.Batches(
        directory,
        manifest,
        split,
        config.images_per_step,
        spec.image_shape,
        spec.preprocessing,
        service=config.data_service,
    )


def make_stage_trainer(
    config: FineTuneConfig,
    model: TunedModel,
    fitted: Any,
    kind: Callable[..., Trainer] = Trainer,
) -> Trainer:
    """Compiles a model for the present stage of a network, with a new optimizer.

    The optimizer counts the steps of the stage: Adam's first ones make up for slots of zeros.

    Args:
      config: of the run.
      model: the network, in its stage.
      fitted: what `fit` is called on: the network, or its trainable part.
      kind: of trainer.
    """
    stage = model.stage
    own = dataclasses.replace(config, learning_rate=stage.learning_rate, epochs=stage.epochs)
    trainable = model.trainable_weights
    names = [variable.name.removesuffix(":0") for variable in trainable]
    factors = rate_factors(stage, names, model.blocks())
    optimizer = optimizers.make_optimizer(own, trainable, factors)
    fitted.compile(
        optimizer=optimizer,
        loss=CrossEntropy(config.label_smoothing),
        metrics=[tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    strategy, steps = tf.distribute.get_strategy(), model.steps.done
    return kind(own, fitted, optimizer, strategy, global_step=steps)


def weighted(dataset: Any, weights: tf.Tensor | None) -> Any:
    """Adds each example's weight, by its class, to a data set of inputs and labels."""
    if weights is None:
        return dataset
    return dataset.map(lambda inputs, labels: (inputs, labels, tf.gather(weights, labels)))


class EarlyStopping(tf_keras.callbacks.Callback):
    """Ends a stage whose validation loss has not fallen for a while."""

    def __init__(self, tuning: Tuning, first_epoch: int) -> None:
        super().__init__()
        self.tuning, self.first_epoch = tuning, first_epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Looks at the stage's losses; called after the epoch's record was made."""
        del epoch, logs
        records = self.tuning.progress.records[self.first_epoch :]
        losses = [record.validation_loss for record in records]
        if stopped_after(losses, self.tuning.config.patience) is not None:
            self.model.stop_training = True


def train_on_images(tuning: Tuning, first_epoch: int, restore: Callable[[Trainer], None]) -> None:
    """Trains the model's present stage on the images themselves.

    Args:
      tuning: the run.
      first_epoch: of the run, where the stage began.
      restore: puts stored slots into the trainer, after an interruption within the stage.
    """
    from tfinspect.training.loop import fit_segments

    stage, config = tuning.model.stage, tuning.config
    trainer = make_stage_trainer(config, tuning.model, tuning.model)
    restore(trainer)
    validation = pipeline.evaluation_dataset(tuning.batches("validation"))
    loop = tuning.loop(trainer, validation, stage, first_epoch)
    augment = tuning.augmentation(stage)
    weights = tuning.class_weights()

    def dataset_from(step: int) -> Any:
        dataset = pipeline.training_dataset(
            tuning.batches("train"),
            seed=config.seed,
            epochs=first_epoch + stage.epochs,
            start_step=step,
            **augment,
        )
        return weighted(dataset, weights)

    with reading(tuning.data[0]):
        fit_segments(loop, dataset_from, lambda _: [EarlyStopping(tuning, first_epoch)])


def _shifted(schedule: Schedule, first: int) -> Schedule:
    return lambda step: schedule(step - first)

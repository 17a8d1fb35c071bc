"""What happens between the steps and between the epochs of `fit`."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tfinspect.errors import TrainingDivergedError, TrainingInterruptedError
from tfinspect.training.interruption import StopRequest, interrupted_after
from tfinspect.training.progress import EpochRecord, Means, Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.schedule import Schedule
from tfinspect.training.selection import is_kept
from tfinspect.training.team import Team
from tfinspect.training.trainer import Trainer

# A long epoch is backed up in between, so that little is lost: every five minutes.
BACKUP_SECONDS = 300.0


@dataclass(frozen=True)
class Loop:
    """What the callbacks of one run share."""

    trainer: Trainer
    run: RunDirectory
    progress: Progress
    schedule: Schedule
    steps_per_epoch: int
    total_steps: int
    validation: tf.data.Dataset
    validation_examples: int
    on_epoch: Callable[[EpochRecord], None]
    on_step: Callable[[int], None]
    # Validation batches as one process has them, where `validation` is a distributed data set.
    local_validation: tf.data.Dataset | None = None
    # The command whose `--resume` goes on with the run.
    command: str = "train"
    # What a lower rate is asked for with, should the loss diverge, and what else may help.
    rate_option: str = "--learning-rate"
    find_option: str | None = "--find-lr"
    # Batches of `validation` to take; None takes all.
    validation_steps: int | None = None
    # The processes that train together; None for this one alone.
    team: Team | None = None

    @property
    def sample(self) -> tf.data.Dataset:
        """Validation images for summaries."""
        return self.local_validation or self.validation

    def agree(self, *flags: bool) -> tuple[bool, ...]:
        """Returns the flags, of several processes those that any of them has set."""
        return flags if self.team is None else self.team.agree(*flags)

    def ends_epoch(self) -> bool:
        """Tells whether the step just done was the last of an epoch, or of the run."""
        step = self.progress.step
        return step % self.steps_per_epoch == 0 or step == self.total_steps

    def interrupted(self) -> TrainingInterruptedError:
        """Words the end that was asked for, after a backup."""
        return interrupted_after(self.progress.step, self.command, self.run.shown)

    def diverged(self, what: str, step: int) -> TrainingDivergedError:
        """Words a value that is not finite after the given step, 1 for the first."""
        kept = self.progress.checkpoint or "none, no epoch was finished"
        lower = self.trainer.config.peak_learning_rate / 2
        cures = f"{self.rate_option} {lower:.3g}, a longer --warmup-epochs"
        if self.find_option is not None:
            cures = f"{cures}, or {self.find_option}"
        return TrainingDivergedError(
            f"{what} not finite at step {step}, with the learning rate "
            f"{self.schedule(step - 1):.4g}; the last good checkpoint is {kept}. Try {cures}."
        )


class EpochMeans:
    """Means of the running epoch, joined with those of its part before an interruption."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.before = Means()
        self.now = Means()
        self.started = 0.0

    def start(self) -> None:
        """Begins an epoch, or the rest of one."""
        self.before = self.progress.unfinished
        self.now = Means()
        self.started = time.perf_counter()

    def update(self, logs: Mapping[str, float]) -> None:
        """Takes what one more step says of its own examples."""
        step = Means(int(logs["examples"]), float(logs["loss"]), float(logs["accuracy"]))
        seconds = time.perf_counter() - self.started
        self.now = dataclasses.replace(self.now.joined(step), seconds=seconds)

    def joined(self) -> Means:
        """Returns the means since the epoch's first step."""
        return self.before.joined(self.now)


class StepCallback(tf_keras.callbacks.Callback):
    """Sets the learning rate, stops on a loss that is not finite and when asked to stop."""

    def __init__(self, loop: Loop, means: EpochMeans, stop: StopRequest) -> None:
        super().__init__()
        self.loop, self.means, self.stop = loop, means, stop
        self.backed_up = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins the epoch's means; the epoch before has just been backed up."""
        self.means.start()
        self.backed_up = time.monotonic()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Sets the rate of this step."""
        # As an array: TensorFlow keeps a tensor of every Python number that it ever saw.
        rate = np.asarray(self.loop.schedule(self.loop.progress.step), np.float32)
        self.loop.trainer.optimizer.learning_rate.assign(rate)
        requests = self.loop.trainer.model.requests
        if requests is not None:
            requests.set(self.stop.requested, self._is_late())

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at the loss, of several steps at those of all, then at what else is due."""
        progress = self.loop.progress
        for step in _steps(logs or {}):
            if not math.isfinite(step["loss"]):
                raise self.loop.diverged("the loss is", progress.step + 1)
            progress.step += 1
            self.means.update(step)
            self.loop.on_step(progress.step)
        if self.loop.ends_epoch():
            # A backup here would be of an epoch that is over but not validated.
            return
        stop, late = self._due(logs or {})
        if stop or late:
            self._back_up()
        if stop:
            raise self.loop.interrupted()

    def _is_late(self) -> bool:
        return time.monotonic() - self.backed_up > BACKUP_SECONDS

    def _due(self, logs: Mapping[str, Any]) -> tuple[bool, bool]:
        """Tells whether to stop and whether to back up: in a cluster, if any process wanted to."""
        told = logs.get("requests")
        if told is None:
            return self.stop.requested, self._is_late()
        stop, late = (bool(count > 0) for count in told)
        return stop, late

    def _back_up(self) -> None:
        if not self.loop.trainer.is_finite():
            raise self.loop.diverged("a weight is", self.loop.progress.step)
        self.loop.progress.unfinished = self.means.joined()
        if self.loop.team is not None:
            self.loop.team.merge(self.loop.trainer.model)
        self.loop.trainer.back_up(self.loop.run, self.loop.progress)
        self.backed_up = time.monotonic()


def _steps(logs: Mapping[str, Any]) -> list[dict[str, float]]:
    """Returns what each step says of its examples; of one step the logs hold scalars."""
    names = ("examples", "loss", "accuracy")
    columns = (np.ravel(logs[name]).tolist() for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class EpochCallback(tf_keras.callbacks.Callback):
    """Validates after each epoch, keeps the best weights, writes metrics, events and a backup."""

    def __init__(self, loop: Loop, means: EpochMeans, stop: StopRequest) -> None:
        super().__init__()
        self.loop, self.means, self.stop = loop, means, stop
        self.writers = {
            part: tf.summary.create_file_writer(loop.run.file(f"events/{part}"))
            for part in ("train", "validation")
            if loop.trainer.writes
        }

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Closes the epoch."""
        loop, progress = self.loop, self.loop.progress
        means = self.means.joined()
        if loop.team is not None:
            loop.team.merge(loop.trainer.model)
        with loop.trainer.evaluated_weights():
            loss, accuracy = loop.trainer.evaluate(loop.validation, loop.validation_steps)
            if not math.isfinite(loss):
                raise loop.diverged("the validation loss is", progress.step)
            progress.highest_accuracy = max(progress.highest_accuracy, accuracy)
            if is_kept(accuracy, progress.highest_accuracy, loop.validation_examples):
                loop.trainer.save_best(loop.run, progress.step)
                progress.best_step, progress.best_accuracy = progress.step, accuracy
        record = self._record(epoch, means, loss, accuracy)
        progress.records.append(record)
        progress.unfinished = Means()
        self._write_events(record)
        loop.trainer.back_up(loop.run, progress)
        loop.on_epoch(record)
        if any(loop.agree(self.stop.requested)):
            raise loop.interrupted()

    def _record(self, epoch: int, means: Means, loss: float, accuracy: float) -> EpochRecord:
        return EpochRecord(
            epoch=epoch + 1,
            step=self.loop.progress.step,
            learning_rate=self.loop.schedule(self.loop.progress.step - 1),
            loss=round(means.loss, 6),
            accuracy=round(means.accuracy, 6),
            validation_loss=round(loss, 6),
            validation_accuracy=round(accuracy, 6),
            images_per_second=round(means.examples / means.seconds, 1),
            seconds=round(means.seconds, 3),
        )

    def _write_events(self, record: EpochRecord) -> None:
        shown = {
            "train": {
                "loss": record.loss,
                "accuracy": record.accuracy,
                "learning_rate": record.learning_rate,
                "images_per_second": record.images_per_second,
            },
            "validation": {"loss": record.validation_loss, "accuracy": record.validation_accuracy},
        }
        for part, writer in self.writers.items():
            with writer.as_default():
                for name, value in shown[part].items():
                    tf.summary.scalar(name, value, step=record.step)
            writer.flush()

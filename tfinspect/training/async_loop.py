"""The loop of a run with parameter servers, from the last backup on.

The chief hands out the steps and counts what comes back. Between two epochs, and for a backup, it
waits until no step is under way; then it copies the variables into a model of its own, which is
validated, stored and exported as that of any other run.
"""

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfinspect.data import by_number, pipeline
from tfinspect.data.load import reading
from tfinspect.data.manifest import Manifest
from tfinspect.training import loop as loops
from tfinspect.training import trainer as trainers
from tfinspect.training.callbacks import BACKUP_SECONDS, EpochCallback, EpochMeans, Loop
from tfinspect.training.config import TrainConfig
from tfinspect.training.epoch_order import BY_PLACE, BY_RECORD, note_order
from tfinspect.training.interruption import StopRequest, stop_requests
from tfinspect.training.parameter_servers import Fleet, Flight, copy_values, step_function
from tfinspect.training.progress import EpochRecord, Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.schedule import make_schedule
from tfinspect.training.trainer import Trainer

# Steps that are handed out ahead, per worker: so none waits for the chief.
_AHEAD = 2


def run_loop(
    config: TrainConfig,
    run: RunDirectory,
    data: tuple[str, Manifest],
    progress: Progress,
    observer: Any,
    fleet: Fleet,
) -> None:
    """Trains from `progress.step` to the end; `progress` is kept up to date.

    Raises:
      LostError: a parameter server or the last worker is gone.
      TrainingDivergedError, TrainingInterruptedError: as `run.train` says.
    """
    batches = dataclasses.replace(loops.batches_of(config, data, "train"), keep_last=True)
    validation = loops.batches_of(config, data, "validation")
    steps_per_epoch = pipeline.steps_per_epoch(batches)
    total = config.total_steps(steps_per_epoch)
    epochs = -(-total // steps_per_epoch)
    note_order(batches, progress, BY_RECORD if batches.fits_in_memory else BY_PLACE)
    size = len(data[1].label_names), total
    # Devices of the whole cluster are seen now: this model is on one of this host's.
    local = trainers.make_trainer(dataclasses.replace(config, devices="one"), *size)
    trainers.restore(local, run, progress)
    remote = trainers.make_trainer(config, *size, placed=fleet.strategy)
    copy_values(local, remote)

    def on_epoch(record: EpochRecord) -> None:
        observer.on_epoch(record, epochs)

    loop = Loop(
        trainer=local,
        run=run,
        progress=progress,
        schedule=make_schedule(config, steps_per_epoch),
        steps_per_epoch=steps_per_epoch,
        total_steps=total,
        validation=pipeline.evaluation_dataset(validation),
        validation_examples=validation.examples,
        on_epoch=on_epoch,
        on_step=lambda step: observer.on_step(step, total),
    )
    source = by_number.source_of(batches)
    observer.on_phase(f"the training split is shared {source.words}")
    plan = by_number.plan(batches, seed=config.seed, epochs=epochs, start_step=progress.step)
    augment = loops.augmentation(config, data[1])

    def batch(iterator: Any, draws: Any, *named: Any) -> tuple[Any, Any]:
        images, labels = source.read(iterator, *named)
        return pipeline.finished(batches, images, draws, **augment), labels

    work = Work(fleet, source, plan, step_function(remote, batch))
    with reading(data[0]), stop_requests() as stop:
        _Chief(loop, remote, work, stop).run()


class Work:
    """Steps to hand out, and those that were."""

    def __init__(
        self, fleet: Fleet, source: by_number.Source, plan: Iterator[Any], step: Any
    ) -> None:
        self.fleet, self.source, self.plan = fleet, source, plan
        self.flight = Flight()
        self._step, self._traced = step, False
        held = source.held()
        self.iterator = (
            None if held is None else iter(fleet.coordinator.create_per_worker_dataset(held))
        )

    def start(self, rate: float) -> None:
        """Hands out the next step of the plan."""
        chosen = next(self.plan)
        told = (chosen.draws, *self.source.named(chosen))
        args = (np.asarray(rate, np.float32), self.iterator, *told)
        if not self._traced:
            self._trace(args)
        self.flight.add(self.fleet.coordinator.schedule(self._step, args=_here(args)))

    def _trace(self, args: tuple[Any, ...]) -> None:
        # For batches of any size: the last one of an epoch is smaller.
        self._traced = True
        specs = [
            tf.TensorSpec([None] * np.ndim(one), one.dtype) if isinstance(one, np.ndarray) else one
            for one in tf.nest.flatten(args, expand_composites=False)
        ]
        described = tf.nest.pack_sequence_as(args, specs)
        if self.iterator is not None:
            described = (described[0], self.iterator._type_spec, *described[2:])
        self._step.get_concrete_function(*described)

    def take(self) -> tuple[float, int, int]:
        """Returns loss, right and all examples of the oldest step."""
        loss, right, examples = self.flight.take(self.fleet.check)
        return float(loss), int(right), int(examples)


def _here(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns arguments with tensors of this process in the place of arrays.

    TensorFlow would make arrays tensors on the worker, and keep all of Python waiting for that: for
    ever, if the worker answers no more.
    """

    def tensor(one: Any) -> Any:
        return tf.constant(one) if isinstance(one, np.ndarray) else one

    with tf.device("/job:chief/device:CPU:0"):
        return tf.nest.map_structure(tensor, args)


class _Chief:
    def __init__(self, loop: Loop, remote: Trainer, work: Work, stop: StopRequest) -> None:
        self.loop, self.remote, self.work, self.stop = loop, remote, work, stop
        self.means = EpochMeans(loop.progress)
        self.closing = EpochCallback(loop, self.means, stop)
        self.summaries = loops.summaries(loop)
        self.ahead = _AHEAD * (work.fleet.cluster.workers + 1)
        self.backed_up = time.monotonic()

    def run(self) -> None:
        progress = self.loop.progress
        while progress.step < self.loop.total_steps:
            epoch = progress.step // self.loop.steps_per_epoch
            self._rest_of_epoch(epoch)
            self._copy()
            self.closing.on_epoch_end(epoch)
            self.backed_up = time.monotonic()

    def _rest_of_epoch(self, epoch: int) -> None:
        progress, flight = self.loop.progress, self.work.flight
        end = min((epoch + 1) * self.loop.steps_per_epoch, self.loop.total_steps)
        self.means.start()
        while progress.step < end:
            paused = self._must_stop() or time.monotonic() - self.backed_up > BACKUP_SECONDS
            until = self._next_summary(end)
            while not paused and flight.count < min(self.ahead, until - progress.step):
                self.work.start(self.loop.schedule(progress.step + flight.count))
            if flight.count:
                self._take()
            elif paused:
                self._back_up()

    def _next_summary(self, end: int) -> int:
        # Nothing may be under way when a step is summarized.
        every = self.loop.trainer.config.summarize_every
        due = (self.loop.progress.step // every + 1) * every
        return min(due, end) if self.summaries else end

    def _must_stop(self) -> bool:
        self.stop.requested |= self.work.fleet.members.stop_requested
        return self.stop.requested

    def _take(self) -> None:
        progress = self.loop.progress
        loss, right, examples = self.work.take()
        if not math.isfinite(loss):
            raise self.loop.diverged("the loss is", progress.step + 1)
        for summary in self.summaries:
            if summary.is_due():
                copy_values(self.remote, self.loop.trainer)
                summary.on_train_batch_end(progress.step)
        progress.step += 1
        accuracy = right / examples
        self.means.update({"loss": loss, "accuracy": accuracy, "examples": examples})
        self.loop.on_step(progress.step)

    def _copy(self) -> None:
        """Copies all variables into the chief's own, between two steps."""
        copy_values(self.remote, self.loop.trainer)
        # A step that a lost worker had applied is computed again: the optimizer counts it twice.
        self.loop.trainer.optimizer.iterations.assign(self.loop.progress.step)

    def _back_up(self) -> None:
        loop = self.loop
        self._copy()
        if not loop.trainer.is_finite():
            raise loop.diverged("a weight is", loop.progress.step)
        loop.progress.unfinished = self.means.joined()
        loop.trainer.back_up(loop.run, loop.progress)
        self.backed_up = time.monotonic()
        if self._must_stop():
            raise loop.interrupted()

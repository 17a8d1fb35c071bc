"""The loop of `fit` over a run's segments, with callbacks, from the last backup on."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfinspect.data import pipeline
from tfinspect.data.load import fixed_options, reading
from tfinspect.data.manifest import Manifest
from tfinspect.nets.registry import get_spec
from tfinspect.training import trainer as trainers
from tfinspect.training.callbacks import EpochCallback, EpochMeans, Loop, StepCallback
from tfinspect.training.config import TrainConfig
from tfinspect.training.data_service import telling_how_to_go_on
from tfinspect.training.epoch_order import in_one_order
from tfinspect.training.interruption import StopRequest, stop_requests
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.schedule import make_schedule
from tfinspect.training.segments import plan_segments
from tfinspect.training.strategy import check_batch
from tfinspect.training.team import Team


def batches_of(config: TrainConfig, data: tuple[str, Manifest], split: str) -> pipeline.Batches:
    """Describes the batches of one split as the network takes them."""
    directory, manifest = data
    spec = get_spec(config.network, width=config.width)
    return pipeline.Batches(
        directory=directory,
        manifest=manifest,
        split=split,
        batch_size=config.images_per_step,
        image_shape=spec.image_shape,
        preprocessing=spec.preprocessing,
        service=config.data_service,
    )


def augmentation(config: TrainConfig, manifest: Manifest) -> dict[str, bool]:
    """Returns the pipeline's arguments; "auto" crops digits without mirroring them."""
    chosen = config.augment
    if chosen == "auto":
        chosen = "crop" if manifest.name == "digits" else "crop-flip"
    return {"augment": chosen != "none", "flip": chosen == "crop-flip"}


def run_loop(
    config: TrainConfig,
    run: RunDirectory,
    data: tuple[str, Manifest],
    progress: Progress,
    observer: Any,
    team: Team | None = None,
) -> None:
    """Trains from `progress.step` to the end; `progress` is kept up to date.

    Raises:
      TrainingDivergedError, TrainingInterruptedError: as `train` says.
    """
    train_batches = batches_of(config, data, "train")
    validation = every = batches_of(config, data, "validation")
    if team is not None:
        train_batches, validation = shared(team, train_batches, validation, observer, progress)
    steps_per_epoch = pipeline.steps_per_epoch(train_batches)
    total = config.total_steps(steps_per_epoch)
    epochs = -(-total // steps_per_epoch)
    trainer = trainers.make_trainer(config, len(data[1].label_names), total, team)
    trainers.restore(trainer, run, progress)
    loop = Loop(
        trainer=trainer,
        run=run,
        progress=progress,
        schedule=make_schedule(config, steps_per_epoch),
        steps_per_epoch=steps_per_epoch,
        total_steps=total,
        validation=pipeline.evaluation_dataset(validation),
        validation_examples=validation.examples,
        on_epoch=lambda record: observer.on_epoch(record, epochs),
        on_step=lambda step: observer.on_step(step, total),
    )
    if team is not None:
        loop = _shared_loop(loop, team, every, -(-validation.examples // train_batches.batch_size))
    options = {"seed": config.seed} | augmentation(config, data[1])
    with reading(data[0]):
        fit_segments(loop, functools.partial(_training, team, train_batches, epochs, options))


def _shared_loop(loop: Loop, team: Team, every: pipeline.Batches, steps: int) -> Loop:
    """Returns the loop of one of several processes, which validate together."""
    local = loop.validation
    # Summaries show the images that they would show in a process that trains alone.
    alone = loop.trainer.config.summarize is not None
    return dataclasses.replace(
        loop,
        team=team,
        validation=team.distributed(local),
        validation_steps=steps,
        local_validation=pipeline.evaluation_dataset(every) if alone else local,
    )


def _training(
    team: Team | None, batches: pipeline.Batches, epochs: int, options: dict[str, Any], step: int
) -> Any:
    """Returns the batches from a step of the run on."""
    dataset = pipeline.training_dataset(batches, epochs=epochs, start_step=step, **options)
    return dataset if team is None else _weighted(team, dataset, batches, epochs, step)


def shared(
    team: Team,
    train: pipeline.Batches,
    validation: pipeline.Batches,
    observer: Any,
    progress: Progress,
) -> tuple[pipeline.Batches, pipeline.Batches]:
    """Returns this process's parts of the batches of both splits, and says how they are shared.

    Raises:
      ConfigError: the batch cannot be shared equally.
      RunError: the run was broken off within an epoch that others would have shared another way.
    """
    workers = team.cluster.workers
    check_batch(train.batch_size, workers, "processes")
    train = team.share(dataclasses.replace(train, keep_last=True))
    train = in_one_order(train, progress)
    assert train.share is not None
    how = (
        f"by record: each of the {workers} processes takes its part of every batch"
        if train.share.files is None
        else f"by file: this process reads {len(train.own_paths)} of {len(train.paths)} shards"
    )
    observer.on_phase(f"the training split is shared {how}")
    share = dataclasses.replace(train.share, files=None, sizes=())
    return train, dataclasses.replace(validation, share=share)


def _weighted(team: Team, dataset: Any, batches: pipeline.Batches, epochs: int, step: int) -> Any:
    weights = pipeline.step_weights(batches, epochs=epochs, start_step=step)
    pairs = tf.data.Dataset.zip((dataset, weights))
    pairs = pairs.map(lambda pair, weight: (*pair, weight))
    return team.distributed(pairs.with_options(fixed_options()))


def fit_segments(
    loop: Loop,
    dataset_from: Callable[[int], Any],
    more_callbacks: Callable[[StopRequest], Sequence[Any]] = lambda _: (),
) -> None:
    """Trains from where the loop's progress is to its last step.

    Args:
      loop: what the callbacks share.
      dataset_from: returns the batches from a step of the run on.
      more_callbacks: called with what asks for the end; returns those that are called after the
        callbacks of every run. One that sets `stop_training` ends it.
    """
    means = EpochMeans(loop.progress)
    total = loop.total_steps
    telling = telling_how_to_go_on(loop.progress, loop.command, loop.run.shown)
    with stop_requests() as stop, telling:
        # Summaries first: when a step ends the run, those of the step are there.
        callbacks = [*summaries(loop), StepCallback(loop, means, stop)]
        callbacks += [EpochCallback(loop, means, stop), *more_callbacks(stop)]
        for segment in plan_segments(loop.progress.step, total, loop.steps_per_epoch):
            dataset = dataset_from(segment.start_step)
            if loop.trainer.fit(dataset, segment, callbacks, loop.schedule):
                break


def summaries(loop: Loop) -> list[Any]:
    """Returns the callbacks of the summaries that the settings ask for."""
    config = loop.trainer.config
    if config.summarize is None and not config.summarize_gradients:
        return []
    from tfinspect.training.summaries import summary_callbacks

    return summary_callbacks(loop)

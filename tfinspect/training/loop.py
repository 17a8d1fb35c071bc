"""The loop of `fit` over a run's segments, with callbacks, from the last backup on."""

from collections.abc import Callable, Sequence
from typing import Any

from tfinspect.data import pipeline
from tfinspect.data.load import reading
from tfinspect.data.manifest import Manifest
from tfinspect.nets.registry import get_spec
from tfinspect.training import trainer as trainers
from tfinspect.training.callbacks import EpochCallback, EpochMeans, Loop, StepCallback
from tfinspect.training.config import TrainConfig
from tfinspect.training.interruption import stop_requests
from tfinspect.training.progress import EpochRecord, Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.schedule import make_schedule
from tfinspect.training.segments import plan_segments


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
) -> None:
    """Trains from `progress.step` to the end; `progress` is kept up to date.

    Raises:
      TrainingDivergedError, TrainingInterruptedError: as `train` says.
    """
    train_batches = batches_of(config, data, "train")
    validation = batches_of(config, data, "validation")
    steps_per_epoch = pipeline.steps_per_epoch(train_batches)
    total = config.total_steps(steps_per_epoch)
    epochs = -(-total // steps_per_epoch)
    trainer = trainers.make_trainer(config, len(data[1].label_names), total)
    trainers.restore(trainer, run, progress)

    def on_epoch(record: EpochRecord) -> None:
        observer.on_epoch(record, epochs)

    loop = Loop(
        trainer=trainer,
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
    augment = augmentation(config, data[1])

    def dataset_from(step: int) -> Any:
        return pipeline.training_dataset(
            train_batches, seed=config.seed, epochs=epochs, start_step=step, **augment
        )

    with reading(data[0]):
        fit_segments(loop, dataset_from)


def fit_segments(
    loop: Loop, dataset_from: Callable[[int], Any], more_callbacks: Sequence[Any] = ()
) -> None:
    """Trains from where the loop's progress is to its last step.

    Args:
      loop: what the callbacks share.
      dataset_from: returns the batches from a step of the run on.
      more_callbacks: called after those of every run; one that sets `stop_training` ends it.
    """
    means = EpochMeans(loop.progress)
    total = loop.total_steps
    with stop_requests() as stop:
        # Summaries first: when a step ends the run, those of the step are there.
        callbacks = [*_summaries(loop), StepCallback(loop, means, stop)]
        callbacks += [EpochCallback(loop, means, stop), *more_callbacks]
        for segment in plan_segments(loop.progress.step, total, loop.steps_per_epoch):
            loop.trainer.model.fit(
                dataset_from(segment.start_step),
                initial_epoch=segment.first_epoch,
                epochs=segment.first_epoch + segment.num_epochs,
                steps_per_epoch=segment.steps_per_epoch,
                callbacks=callbacks,
                verbose=0,
            )
            if loop.trainer.model.stop_training:
                break


def _summaries(loop: Loop) -> list[Any]:
    config = loop.trainer.config
    if config.summarize is None and not config.summarize_gradients:
        return []
    from tfinspect.training.summaries import summary_callbacks

    return summary_callbacks(loop)

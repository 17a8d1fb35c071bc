"""A training run from settings to run directory: the place where all parts meet."""

import contextlib
import dataclasses
import datetime
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from tfinspect import files
from tfinspect.data.manifest import Manifest
from tfinspect.data.prepare import prepare
from tfinspect.errors import DataError, RunError, TfinspectError
from tfinspect.nets.registry import get_spec
from tfinspect.training import checkpoints, run_directory
from tfinspect.training.begun_alike import require_begun_alike
from tfinspect.training.config import TrainConfig, config_from
from tfinspect.training.data_service import require_data_service, with_data_service
from tfinspect.training.progress import EpochRecord, Progress
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunDirectory, RunInfo

if TYPE_CHECKING:
    from tfinspect.training.evaluate import Evaluation

_PACKAGES = (
    *("tfinspect", "tensorflow", "tf_keras", "tf-slim", "numpy"),
    *("tensorboard", "scikit-learn", "Pillow", "h5py"),
)


def _nobody(*told: Any) -> None:
    del told


@dataclass(frozen=True)
class Observer:
    """Whom a run tells how it goes; by default nobody."""

    # Called after each epoch with its record and the number of epochs of the run.
    on_epoch: Callable[[EpochRecord, int], None] = _nobody
    # Called after each step with its number and the number of steps of the run.
    on_step: Callable[[int, int], None] = _nobody
    # Called with a sentence when a new part of the work begins.
    on_phase: Callable[[str], None] = _nobody
    # Called while data are downloaded or converted: description, done, total or None.
    on_data: Callable[[str, int, int], None] | None = None


@dataclass(frozen=True)
class TrainResult:
    """What a finished run ends with."""

    directory: str
    # Optimizer steps in all, and the step whose weights are in `best/`.
    step: int
    best_step: int
    # 0..1, at the best step; the test split was read once, with those weights.
    validation_accuracy: float
    test_accuracy: float
    test_loss: float
    # Training alone, of all sessions of the run.
    training_seconds: float
    records: tuple[EpochRecord, ...] = field(repr=False)


def train(config: TrainConfig, output: str, *, observer: Observer | None = None) -> TrainResult:
    """Trains a network into a new run directory.

    Sets TensorFlow's global seed to the run's.

    Args:
      config: the settings.
      output: path of the run directory; it must not hold anything yet.
      observer: told how it goes; None tells nobody.

    Raises:
      ConfigError, DataError, NetworkError: the settings or the data cannot work.
      RunError: the directory is occupied, or a checkpoint cannot be written.
      TrainingDivergedError: the loss became NaN or infinite.
      TrainingInterruptedError: a signal asked for the end.
    """
    observer = observer or Observer()
    run_directory.refuse_occupied(output)
    run_directory.refuse_inside(output, config.data)
    get_spec(config.network, width=config.width)
    require_data_service(config, observer)
    directory, manifest = prepare(config.data, progress=observer.on_data)
    config = config.resolved(manifest.training_examples())
    with run_directory.locked(output):
        description = describe(config, directory, manifest)
        run = run_directory.create(output, description, manifest.label_names)
        with run_directory.discarded_if_fruitless(run):
            return _train(config, run, (directory, manifest), observer)


def resume(
    output: str, *, observer: Observer | None = None, data_service: str | None = None
) -> TrainResult:
    """Goes on with a run that was interrupted, with its own settings and data.

    The weights in the end are those of an uninterrupted run on the same machine, bit for bit.

    Args:
      output: path of the run directory.
      observer: told how it goes; None tells nobody.
      data_service: where the run's tf.data service is now; None is where it was.

    Raises:
      RunError: there is no run, it is finished, it was begun in a cluster, or its data are not the
        same any more.
      ConfigError: it was begun without a service.
    """
    observer = observer or Observer()
    info, config = resumable(output, in_cluster=False)
    config = with_data_service(config, data_service)
    require_data_service(config, observer)
    directory, manifest = data_of(info)
    with run_directory.locked(output):
        run_directory.sweep(info.directory)
        return _train(config, info.directory, (directory, manifest), observer)


def resumable(output: str, *, in_cluster: bool) -> tuple[RunInfo, TrainConfig]:
    """Returns the description and the settings of a run that can be gone on with.

    Raises:
      RunError: there is no run, it is a fine-tuning, it is finished, or it was begun in a cluster
        and is to be gone on with alone, or the other way.
    """
    info = run_directory.open_run(output)
    if "net" in info.config:
        raise RunError(
            f"the run in '{output}' is a fine-tuning; go on with `tfinspect finetune --resume "
            f"--output {output}`."
        )
    config = config_from(info.config, info.directory.file("config.json"))
    if Progress.read(info.directory).finished:
        raise RunError(f"the run in '{output}' is finished; train a new one into another --output.")
    require_begun_alike(info, in_cluster=in_cluster)
    return info, config


def describe(config: TrainConfig, directory: str, manifest: Manifest) -> dict[str, Any]:
    """Returns what `config.json` says of a run: everything needed to build its network again."""
    return {
        "network": config.network,
        "width": config.width,
        "num_classes": len(manifest.label_names),
        "compute_dtype": config.precision,
        "config": config.to_dict(),
        "learning_rate_in_force": config.peak_learning_rate,
        "data": {
            "name": manifest.name,
            "directory": os.path.abspath(directory) if "://" not in directory else directory,
            "fingerprint": manifest.fingerprint(),
            "seed": manifest.seed,
            "examples": {name: split.examples for name, split in manifest.splits.items()},
        },
        "seed": config.seed,
        "versions": {name: metadata.version(name) for name in _PACKAGES}
        | {"python": platform.python_version()},
        "command_line": sys.argv,
    }


def _train(
    config: TrainConfig, run: RunDirectory, data: tuple[str, Manifest], observer: Observer
) -> TrainResult:
    from tfinspect.training import loop

    make_repeatable(config.seed)
    progress = Progress.read(run)
    observer = logged(observer, run)
    observer.on_phase(f"training from step {progress.step}")
    with errors_logged(run):
        loop.run_loop(config, run, data, progress, observer)
    with checkpoints.naming_last_good(run.checkpoints):
        result, _ = export_and_measure(run, progress, observer)
    finish(run, progress, result)
    return result


def make_repeatable(seed: int) -> None:
    """Sets TensorFlow's global seed, and makes the kernels of a GPU add in a fixed order."""
    import tensorflow as tf

    tf.random.set_seed(seed)
    if tf.config.list_physical_devices("GPU"):
        # Kernels of a GPU add in any order unless told not to; those of a CPU do not.
        tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def errors_logged(run: RunDirectory) -> Iterator[None]:
    """Writes an error that ends the block into the run's log."""
    try:
        yield
    except TfinspectError as error:
        _log(run, f"stopped: {error}")
        raise


def _log(run: RunDirectory, text: str) -> None:
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    # A log that cannot be written is no reason to stop, and must not hide one.
    with (
        contextlib.suppress(DataError, OSError),
        files.open_file(run.file("log.txt"), "a") as stream,
    ):
        stream.write(f"{now}  {text}\n")


def logged(observer: Observer, run: RunDirectory) -> Observer:
    """Returns an observer that writes the epochs and phases into the run's log, too."""

    def on_epoch(record: EpochRecord, total: int) -> None:
        _log(run, record.line(total))
        observer.on_epoch(record, total)

    def on_phase(text: str) -> None:
        _log(run, text)
        observer.on_phase(text)

    return dataclasses.replace(observer, on_epoch=on_epoch, on_phase=on_phase)


def export_and_measure(
    run: RunDirectory,
    progress: Progress,
    observer: Observer,
    stages: Sequence[tuple[int, str]] = (),
) -> tuple[TrainResult, "Evaluation"]:
    """Draws the curves, exports the best weights, reads the test split once.

    Args:
      run: takes it all.
      progress: of the run.
      observer: told what is done.
      stages: first epochs and names, for the curves; none of a run without stages.
    """
    from tfinspect import model as models
    from tfinspect.plots import curves
    from tfinspect.training import export
    from tfinspect.training.evaluate import evaluate

    observer.on_phase("writing curves and export, measuring on the test split")
    kept = [record.epoch for record in progress.records if record.step == progress.best_step]
    picture = run.file("curves.png")
    curves.write_curves(progress.records, picture, kept[0] if kept else None, stages)
    best = models.load_model(run.path)
    assert best.spec is not None
    assert best.labels is not None
    export.export(
        best.keras_model,
        run.file("export"),
        labels=best.labels,
        preprocessing=best.spec.preprocessing,
        image_shape=best.spec.image_shape,
    )
    measured = evaluate(run.path, split="test")
    result = TrainResult(
        directory=run.path,
        step=progress.step,
        best_step=progress.best_step,
        validation_accuracy=progress.best_accuracy,
        test_accuracy=measured.accuracy,
        test_loss=measured.loss,
        training_seconds=sum(record.seconds for record in progress.records),
        records=tuple(progress.records),
    )
    return result, measured


def finish(run: RunDirectory, progress: Progress, result: TrainResult, **more: Any) -> None:
    """Writes `result.json`, with more entries if there are, and marks the run as finished."""
    written = {key: value for key, value in vars(result).items() if key != "records"}
    with checkpoints.naming_last_good(run.checkpoints):
        run.write_json("result.json", written | more)
    progress.finished = True
    progress.write(run)

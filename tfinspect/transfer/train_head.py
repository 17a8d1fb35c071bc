"""A stage whose trainable part is trained on stored features of the frozen part."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tfinspect.data import pipeline
from tfinspect.data.load import reading
from tfinspect.data.order import Order
from tfinspect.errors import TrainingInterruptedError
from tfinspect.training.interruption import StopRequest
from tfinspect.training.loop import fit_segments
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.schedule import Schedule
from tfinspect.training.segments import Segment
from tfinspect.training.trainer import Trainer
from tfinspect.transfer.bottlenecks import Features, Wanted, bottleneck_features, joined
from tfinspect.transfer.boundary import CutNetwork, cut
from tfinspect.transfer.head_data import evaluation_features, training_features
from tfinspect.transfer.head_loop import fit_several_a_call
from tfinspect.transfer.head_model import HeadModel
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuning import EarlyStopping, Tuning, make_stage_trainer, weighted

# Of inference: more at once gains nothing on large images, and takes memory.
BATCH_SIZE = 8
# What a stage takes features of.
SPLITS = ("train", "validation")


@dataclass(frozen=True)
class HeadData:
    """A network cut for a stage, and the features of both splits."""

    network: CutNetwork
    train: Features
    validation: Features


@dataclass(frozen=True)
class HeadTrainer(Trainer):
    """Keeps the best weights in memory and writes once: an epoch takes less than a checkpoint."""

    # A `HeadModel`.
    model: Any
    best: dict[str, Any] = field(default_factory=dict)

    def fit(
        self, dataset: Any, segment: Segment, callbacks: Sequence[Any], schedule: Schedule
    ) -> bool:
        """Trains one segment, several steps a call; the weights are those of one step a call."""
        return fit_several_a_call(self.model, dataset, segment, callbacks, schedule)

    def back_up(
        self, run: RunDirectory, progress: Progress, wait: Callable[[], Any] = lambda: None
    ) -> None:
        """Waits for the end of the stage."""

    def save_best(self, run: RunDirectory, step: int) -> None:
        """Keeps a copy of what the stage trains, moving statistics too, as it is now."""
        del run
        self.best["step"] = step
        self.best["weights"] = [one.numpy() for one in self.model.live_variables]

    def write(self, run: RunDirectory, progress: Progress) -> None:
        """Writes the best weights and, beside them, the backup that the stage has put off."""
        if not self.best:
            super().back_up(run, progress)
            return
        step = self.best["step"]
        with self._holding(self.best["weights"]):
            values = self.values_now(step)
        with ThreadPoolExecutor(1) as thread:
            best = thread.submit(self.write_best, run, step, values)
            super().back_up(run, progress, best.result)

    @contextlib.contextmanager
    def _holding(self, values: list[Any]) -> Iterator[None]:
        variables = self.model.live_variables
        kept = [variable.numpy() for variable in variables]
        try:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            yield
        finally:
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)


def cut_for(tuning: Tuning, stage: Stage) -> CutNetwork | None:
    """Returns the network cut for a stage whose features can be computed once; else None."""
    fixed = not tuning.augmentation(stage)["augment"] or tuning.config.views > 1
    return cut(tuning.model) if fixed else None


def train_on_features(
    tuning: Tuning,
    network: CutNetwork,
    first_epoch: int,
    restore: Callable[[Trainer], None],
    weights: Mapping[str, str] | None = None,
    kind: type[HeadTrainer] = HeadTrainer,
) -> None:
    """Trains the model's present stage on features, computed once or found in the cache.

    Args:
      tuning: the run.
      network: the model, cut for the stage.
      first_epoch: of the run, where the stage began.
      restore: puts stored slots into the trainer, after an interruption within the stage.
      weights: digests of the network's variables as they are now; None has them computed.
      kind: of trainer.

    Raises:
      DataError: the cache cannot be written.
    """
    train, validation = (split_features(tuning, network, split, weights) for split in SPLITS)
    fit_head(tuning, HeadData(network, train, validation), first_epoch, restore, kind=kind)


def fit_head(
    tuning: Tuning,
    data: HeadData,
    first_epoch: int,
    restore: Callable[[Trainer], None],
    more_callbacks: Callable[[StopRequest], Sequence[Any]] = lambda _: (),
    kind: type[HeadTrainer] = HeadTrainer,
) -> None:
    """Trains the model's present stage on features that are there.

    Args:
      tuning: the run.
      data: the cut network and its features.
      first_epoch: of the run, where the stage began.
      restore: as of `train_on_features`.
      more_callbacks: as of `fit_segments`.
      kind: of trainer.
    """
    stage, size = tuning.model.stage, tuning.config.images_per_step
    head = HeadModel(tuning.model, data.network)
    trainer = make_stage_trainer(tuning.config, tuning.model, head, kind)
    assert isinstance(trainer, HeadTrainer)
    restore(trainer)
    loop = tuning.loop(trainer, evaluation_features(data.validation), stage, first_epoch)

    def dataset_from(step: int) -> Any:
        epoch, within = divmod(step, tuning.steps_per_epoch)
        per_epoch = tuning.examples_per_epoch
        start = epoch * per_epoch + within * size
        order = Order(tuning.config.seed, first_epoch + stage.epochs, per_epoch, start)
        return weighted(training_features(data.train, order, size), tuning.class_weights())

    def callbacks(stop: StopRequest) -> list[Any]:
        return [EarlyStopping(tuning, first_epoch), *more_callbacks(stop)]

    tuning.observer.on_phase(f"training stage '{stage.name}' on the features")
    try:
        fit_segments(loop, dataset_from, callbacks)
    except TrainingInterruptedError:
        trainer.write(tuning.run, tuning.progress)
        raise
    trainer.write(tuning.run, tuning.progress)


def split_features(
    tuning: Tuning,
    network: CutNetwork,
    split: str,
    weights: Mapping[str, str] | None = None,
    compute: Any = bottleneck_features,
) -> Features:
    """Returns the features of one split, of several views of each image where these are asked for.

    Args:
      tuning: the run.
      network: the model, cut for the stage.
      split: its name.
      weights: digests of the network's variables as they are now; None has them computed.
      compute: as `bottleneck_features`, which it is unless several processes share the work.

    Raises:
      DataError: the records cannot be read, or the cache cannot be written.
    """

    def told(done: int, total: int) -> None:
        if tuning.observer.on_data is not None:
            tuning.observer.on_data(f"features of {split} images", done, total)

    with reading(tuning.data[0]):
        found = [
            compute(tuning.model, network, wanted, told)
            for wanted in wanted_views(tuning, split, weights)
        ]
    return found[0] if len(found) == 1 else joined(found)


def wanted_views(
    tuning: Tuning, split: str, weights: Mapping[str, str] | None = None
) -> list[Wanted]:
    """Returns of which images features are computed: those of a split, or each of their views."""
    size = BATCH_SIZE * (1 if tuning.team is None else tuning.team.cluster.workers)
    batches = dataclasses.replace(tuning.batches(split), batch_size=size)
    if split != "train" or tuning.config.views == 1:
        return [Wanted(batches, None, weights)]
    flip = tuning.augmentation(tuning.model.stage)["flip"]
    seed, views = tuning.config.seed, range(tuning.config.views)
    return [Wanted(batches, pipeline.View(seed, number, flip), weights) for number in views]

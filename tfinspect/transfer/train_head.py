"""A stage whose trainable part is trained on stored features of the frozen part."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfinspect.data import pipeline
from tfinspect.data.load import reading
from tfinspect.data.order import Order
from tfinspect.errors import TrainingInterruptedError
from tfinspect.training.loop import fit_segments
from tfinspect.training.progress import Progress
from tfinspect.training.run_directory import RunDirectory
from tfinspect.training.trainer import Trainer
from tfinspect.transfer.bottlenecks import Features, Wanted, bottleneck_features, joined
from tfinspect.transfer.boundary import CutNetwork, cut
from tfinspect.transfer.head_data import evaluation_features, training_features
from tfinspect.transfer.head_model import HeadModel
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuning import EarlyStopping, Tuning, make_stage_trainer, weighted

# Of inference: more at once gains nothing on large images, and takes memory.
BATCH_SIZE = 8


@dataclass(frozen=True)
class HeadTrainer(Trainer):
    """Keeps the best weights in memory and writes once: an epoch takes less than a checkpoint."""

    # A `HeadModel`.
    model: Any
    best: dict[str, Any] = field(default_factory=dict)

    def back_up(self, run: RunDirectory, progress: Progress) -> None:
        """Waits for the end of the stage."""

    def save_best(self, run: RunDirectory, step: int) -> None:
        """Keeps a copy of what the stage trains, moving statistics too, as it is now."""
        del run
        self.best["step"] = step
        self.best["weights"] = [one.numpy() for one in self.model.live_variables]

    def write(self, run: RunDirectory, progress: Progress) -> None:
        """Writes the best weights and the backup that the stage has put off."""
        if self.best:
            with self._holding(self.best["weights"]):
                super().save_best(run, self.best["step"])
        super().back_up(run, progress)

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
    stage, size = tuning.model.stage, tuning.config.images_per_step
    train, validation = (
        split_features(tuning, network, split, weights) for split in ("train", "validation")
    )
    head = HeadModel(tuning.model, network)
    trainer = make_stage_trainer(tuning.config, tuning.model, head, kind)
    assert isinstance(trainer, HeadTrainer)
    restore(trainer)
    loop = tuning.loop(trainer, evaluation_features(validation), stage, first_epoch)

    def dataset_from(step: int) -> Any:
        per_epoch = tuning.steps_per_epoch * size
        order = Order(tuning.config.seed, first_epoch + stage.epochs, per_epoch, step * size)
        return weighted(training_features(train, order, size), tuning.class_weights())

    tuning.observer.on_phase(f"training stage '{stage.name}' on the features")
    try:
        fit_segments(loop, dataset_from, [EarlyStopping(tuning, first_epoch)])
    except TrainingInterruptedError:
        trainer.write(tuning.run, tuning.progress)
        raise
    trainer.write(tuning.run, tuning.progress)


def split_features(
    tuning: Tuning, network: CutNetwork, split: str, weights: Mapping[str, str] | None = None
) -> Features:
    """Returns the features of one split, of several views of each image where these are asked for.

    Args:
      tuning: the run.
      network: the model, cut for the stage.
      split: which images.
      weights: digests of the network's variables as they are now; None has them computed.

    Raises:
      DataError: the records cannot be read, or the cache cannot be written.
    """
    batches = dataclasses.replace(tuning.batches(split), batch_size=BATCH_SIZE)
    flip = tuning.augmentation(tuning.model.stage)["flip"]
    count = tuning.config.views if split == "train" else 1
    views = [pipeline.View(tuning.config.seed, number, flip) for number in range(count)]

    def told(done: int, total: int) -> None:
        if tuning.observer.on_data is not None:
            tuning.observer.on_data(f"features of {split} images", done, total)

    with reading(tuning.data[0]):
        found = [
            bottleneck_features(tuning.model, network, Wanted(batches, view, weights), told)
            for view in (views if count > 1 else [None])
        ]
    return found[0] if count == 1 else joined(found)

"""The same head on the features of random weights: what the checkpoint's features are worth."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from tfinspect.data import pipeline
from tfinspect.errors import TrainingDivergedError, TrainingInterruptedError
from tfinspect.names import in_scope
from tfinspect.training.progress import Progress
from tfinspect.training.run import Observer
from tfinspect.training.run_directory import RunDirectory
from tfinspect.transfer.bottlenecks import Features
from tfinspect.transfer.boundary import CutNetwork, cut
from tfinspect.transfer.head_data import evaluation_features
from tfinspect.transfer.head_model import HeadModel
from tfinspect.transfer.prepare_tuning import make_model
from tfinspect.transfer.recalibrate import recalibrate
from tfinspect.transfer.stages import HEAD, Stage
from tfinspect.transfer.train_head import HeadTrainer, split_features, train_on_features
from tfinspect.transfer.tuned_model import TunedModel
from tfinspect.transfer.tuning import Tuning

_EPOCHS = 30


def random_feature_accuracy(tuning: Tuning) -> float | None:
    """Trains the classifier on random features as the head's stage does.

    Args:
      tuning: the run; its own model is left alone.

    Returns:
      The test accuracy, 0..1; None where it was not asked for, the network cannot be cut before its
      classifier, or the training diverges.

    Raises:
      TrainingInterruptedError: the process was asked to stop.
    """
    if not tuning.config.random_features:
        return None
    observer = tuning.observer
    observer.on_phase("comparing with the same head on random features")
    random = _on_random_weights(tuning)
    network = cut(random.model)
    if network is None:
        return None
    try:
        train_random_head(random, network)
    except TrainingDivergedError as error:
        observer.on_phase(f"no comparison: on random features {error}")
        return None
    except TrainingInterruptedError as error:
        raise TrainingInterruptedError(
            "stopped while comparing with random features, after all stages; go on with "
            f"`tfinspect finetune --resume --output {tuning.run.path}`."
        ) from error
    head = HeadModel(random.model, network)
    return _accuracy(head, split_features(random, network, "test"), tuning.config.images_per_step)


def train_random_head(random: Tuning, network: CutNetwork) -> None:
    """Trains a network's classifier as `train_on_features` does; the model has the best weights.

    Args:
      random: a run of one stage, of which nothing is written.
      network: its model, cut.

    Raises:
      TrainingDivergedError, TrainingInterruptedError: as `training.run.train` says.
    """
    train_on_features(random, network, 0, lambda _: None, kind=_Unwritten)


@dataclass(frozen=True)
class _Unwritten(HeadTrainer):
    """Puts the best weights into the model in the end, and writes nothing."""

    writes: bool = False

    def write(self, run: RunDirectory, progress: Progress) -> None:
        """Takes the best weights."""
        del run, progress
        variables = self.model.live_variables if self.best else []
        for variable, value in zip(variables, self.best.get("weights", []), strict=True):
            variable.assign(value)


def _on_random_weights(tuning: Tuning) -> Tuning:
    """Returns a run of the head's stage alone, on random weights.

    The batch-norm statistics are measured on the training images: without that, features of random
    weights would hardly differ from image to image.
    """
    own, stage = tuning.model, _stage(tuning)
    config = dataclasses.replace(tuning.config, batch_norm="recalibrate")
    fresh: TunedModel = make_model(
        config, own.spec, own.num_classes, tuning.data[1].training_examples()
    )
    images = pipeline.evaluation_dataset(tuning.batches("train"))
    recalibrate(fresh, images.map(lambda image, _: image))
    fresh.begin(stage)
    quiet = Observer(on_data=tuning.observer.on_data)
    random = dataclasses.replace(tuning, config=config, model=fresh, stages=(stage,))
    # Of a cluster the chief alone makes the comparison.
    return dataclasses.replace(random, progress=Progress(), observer=quiet, team=None)


def _stage(tuning: Tuning) -> Stage:
    """Returns the run's first stage of the classifier alone; without one, the default's."""
    config, heads = tuning.config, tuning.model.spec.logits_scopes
    for stage in tuning.stages:
        if all(any(in_scope(scope, head) for head in heads) for scope in stage.scopes):
            return stage
    return Stage(HEAD, heads, config.head_epochs or _EPOCHS, config.peak_learning_rate)


def _accuracy(head: HeadModel, features: Features, size: int) -> float:
    predicted = [
        np.argmax(head(values, training=False), axis=1)
        for values, _ in evaluation_features(features, size)
    ]
    return float(np.mean(np.concatenate(predicted) == features.labels))

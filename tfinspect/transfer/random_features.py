"""The same head on the features of random weights: what the checkpoint's features are worth."""

import numpy as np
import tf_keras

from tfinspect.data import pipeline
from tfinspect.data.order import Order
from tfinspect.training.schedule import make_schedule
from tfinspect.transfer.bottlenecks import Features
from tfinspect.transfer.boundary import cut
from tfinspect.transfer.head_data import evaluation_features, training_features
from tfinspect.transfer.head_model import HeadModel
from tfinspect.transfer.recalibrate import recalibrate
from tfinspect.transfer.stages import HEAD, Stage
from tfinspect.transfer.train_head import split_features
from tfinspect.transfer.tuned_model import TunedModel
from tfinspect.transfer.tuning import Tuning, make_stage_trainer, weighted

_EPOCHS = 30


def random_feature_accuracy(tuning: Tuning) -> float | None:
    """Trains the classifier on random features as the head's stage does; returns its test accuracy.

    The batch-norm statistics are measured on the training images: without that, features of random
    weights would hardly differ from image to image.

    Args:
      tuning: the run; its own model is left alone.

    Returns:
      None where it was not asked for, or the network cannot be cut before its classifier.
    """
    config = tuning.config
    if not config.random_features:
        return None
    tuning.observer.on_phase("comparing with the same head on random features")
    own = tuning.model
    fresh = TunedModel(own.spec, own.num_classes, seed=config.seed, compute_dtype=config.precision)
    images = pipeline.evaluation_dataset(tuning.batches("train"))
    recalibrate(fresh, images.map(lambda image, _: image))
    epochs = config.head_epochs or _EPOCHS
    fresh.begin(Stage(HEAD, own.spec.logits_scopes, epochs, config.peak_learning_rate))
    network = cut(fresh)
    if network is None:
        return None
    random = _with_model(tuning, fresh)
    features = {name: split_features(random, network, name) for name in ("train", "test")}
    head = HeadModel(fresh, network)
    _fit(random, head, features["train"])
    return _accuracy(head, features["test"], config.images_per_step)


def _with_model(tuning: Tuning, model: TunedModel) -> Tuning:
    return Tuning(**vars(tuning) | {"model": model})


def _fit(tuning: Tuning, head: HeadModel, features: Features) -> None:
    trainer = make_stage_trainer(tuning.config, tuning.model, head)
    steps, size = tuning.steps_per_epoch, tuning.config.images_per_step
    epochs = tuning.model.stage.epochs
    schedule = make_schedule(trainer.config, steps)
    order = Order(tuning.config.seed, epochs, steps * size, 0)
    dataset = weighted(training_features(features, order, size), tuning.class_weights())
    rate = trainer.optimizer.learning_rate

    class SetRate(tf_keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            del batch, logs
            rate.assign(schedule(int(trainer.optimizer.iterations)))

    head.fit(dataset, steps_per_epoch=epochs * steps, verbose=0, callbacks=[SetRate()])


def _accuracy(head: HeadModel, features: Features, size: int) -> float:
    predicted = [
        np.argmax(head(values, training=False), axis=1)
        for values, _ in evaluation_features(features, size)
    ]
    return float(np.mean(np.concatenate(predicted) == features.labels))

"""Summaries of activations and gradients while a run trains, for TensorBoard.

They look and never touch: the weights are those of a run without summaries, bit for bit.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tf_keras

from tfinspect.event_file import EventFile
from tfinspect.plots.grid import GridStyle, tile_grid
from tfinspect.plots.raster import pixels_png
from tfinspect.tensor_statistics import SATURATION, TensorStatistics, tensor_statistics
from tfinspect.training import optimizers
from tfinspect.training.activation_pass import ActivationPass, LayerActivation
from tfinspect.training.callbacks import Loop
from tfinspect.training.step_gradients import Step, gradient

# Of the first image; more would make event files large and say little more.
CHANNELS = 8
_NUMBERS = ("mean", "std", "zeros", "saturated", "dead")
# Pixels along a channel's picture, at least.
_TILE = 32


def summary_callbacks(loop: Loop) -> list[Any]:
    """Returns the callback that writes what the settings ask for; none but on the chief.

    Raises:
      ConfigError: the pattern matches no tensor, too many, or is no regular expression.
    """
    config = loop.trainer.config
    if not loop.trainer.writes:
        return []
    activations = None
    if config.summarize is not None:
        images, _ = next(iter(loop.sample.take(1)))
        activations = ActivationPass(loop.trainer, images, config.summarize)
    return [SummaryCallback(loop, activations)]


class SummaryCallback(tf_keras.callbacks.Callback):
    """Writes summaries of every so many steps, and of the last, into `events/summaries`."""

    def __init__(self, loop: Loop, activations: ActivationPass | None) -> None:
        super().__init__()
        self.loop, self.activations = loop, activations
        self.events: EventFile | None = None
        self.before: dict[str, np.ndarray] = {}

    def is_due(self) -> bool:
        """Tells whether the running step is summarized."""
        # Asked before the step is counted. The last one is due, so that a short run has summaries.
        step = self.loop.progress.step + 1
        every = self.loop.trainer.config.summarize_every
        return step % every == 0 or step == self.loop.total_steps

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Keeps what the step will change."""
        if self.loop.trainer.config.summarize_gradients and self.is_due():
            self.before = self._values()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes what is due."""
        if not self.is_due():
            return
        if self.events is None:
            self.events = EventFile(self.loop.run.file("events/summaries"))
        step = self.loop.progress.step + 1
        if self.activations is not None:
            for name, activation in self.activations().items():
                write_activation(self.events, f"activations/{name}", activation, step)
        if self.before:
            self._write_gradients(self.events, step)
        self.events.flush()

    def _values(self) -> dict[str, np.ndarray]:
        trainer = self.loop.trainer
        weights = trainer.model.trainable_variables
        kept = optimizers.slots(trainer.config, trainer.optimizer, weights)
        return {name: one.numpy() for name, one in kept.items()} | {
            name_of(one): one.numpy() for one in weights
        }

    def _write_gradients(self, events: EventFile, step: int) -> None:
        trainer = self.loop.trainer
        before, self.before = self.before, {}
        made = Step(before, self._values(), float(trainer.optimizer.learning_rate.numpy()))
        for name in map(name_of, trainer.model.trainable_variables):
            write_gradient(events, f"gradients/{name}", gradient(trainer.config, made, name), step)
            ratio = update_ratio(made.update(name), before[name])
            _write_scalars(events, f"gradients/{name}", {"update_to_weight": ratio}, step)


def name_of(variable: Any) -> str:
    """Returns a variable's name without its output number."""
    return str(variable.name).removesuffix(":0")


def update_ratio(update: np.ndarray, weights: np.ndarray) -> float | None:
    """Returns the norm of a step's update over that of the weights; None for weights of zeros."""
    size = float(np.linalg.norm(weights.astype(np.float64)))
    return float(np.linalg.norm(update.astype(np.float64))) / size if size else None


def write_activation(events: EventFile, tag: str, activation: LayerActivation, step: int) -> None:
    """Writes one tensor's histogram, numbers and channels.

    The numbers are mean, deviation, shares of zeros and, of ops with a bounded output, of saturated
    values, and how many channels are dead: zero everywhere.

    Args:
      events: where to.
      tag: under which.
      activation: channels are drawn of values `[N, H, W, C]`, those of the first image.
      step: of the run.
    """
    values = activation.values
    statistics = tensor_statistics(values, SATURATION.get(activation.op_type))
    _write_histogram(events, tag, statistics, step)
    _write_scalars(events, tag, {key: getattr(statistics, key) for key in _NUMBERS}, step)
    if values.ndim == 4:
        pixels = channel_grid(values[0])
        events.image(f"{tag}/channels", pixels_png(pixels), pixels.shape, step)


def channel_grid(activation: np.ndarray) -> np.ndarray:
    """Draws the first channels of `[H, W, C]`, each from its least to its largest value."""
    tiles = np.moveaxis(activation[..., :CHANNELS].astype(np.float32), -1, 0)
    enlarge = max(1, _TILE // max(tiles.shape[1:]))
    return tile_grid(tiles, GridStyle(scale="per-filter", enlarge=enlarge))


def write_gradient(events: EventFile, tag: str, values: np.ndarray | None, step: int) -> None:
    """Writes histogram and norm of a variable's gradient; nothing where it is not known."""
    if values is not None:
        statistics = tensor_statistics(values)
        _write_histogram(events, tag, statistics, step)
        _write_scalars(events, tag, {"norm": statistics.norm}, step)


def _write_histogram(events: EventFile, tag: str, statistics: TensorStatistics, step: int) -> None:
    if statistics.histogram is not None:
        events.histogram(tag, statistics.histogram, step)


def _write_scalars(
    events: EventFile, tag: str, scalars: Mapping[str, float | None], step: int
) -> None:
    for key, value in scalars.items():
        if value is not None:
            events.scalar(f"{tag}/{key}", value, step)

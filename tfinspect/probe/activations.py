"""`activations`: what tensors of a model hold for given images; statistics and samples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError, DataError
from tfinspect.model import Model
from tfinspect.probe.tensor_choice import DEFAULT_CHOICE, TensorChoice, choose
from tfinspect.spread import spread
from tfinspect.tensor_statistics import SATURATION, RunningStatistics, TensorStatistics

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Limits:
    """How much is looked at; what is beyond is sampled evenly, and said.

    Attributes:
      images: of which there are statistics.
      tensors: that a pattern, or no choice at all, may give.
      samples: images whose values are kept, to be drawn.
      channels: whose values are kept; statistics are of all channels.
      batch_size: images that are run at once.
    """

    images: int = 256
    tensors: int = 8
    samples: int = 3
    channels: int = 64
    batch_size: int = 16

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"a limit of {getattr(self, name)} {name} is none; give 1 or more."
                )


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Activation:
    """One tensor's values.

    Attributes:
      name: of the tensor, `scope/op:0`.
      end_point: its name among the model's end points; None if it is none.
      op_type: of the op that makes it.
      shape: without the axis of the images.
      statistics: over all images that were looked at.
      samples: float32 `[S, ..., K]`, the sampled channels for the sampled images.
      channels: indices of the K channels.
      strength: float32 `[S, H, W]`, mean magnitude over all channels, in which what is not finite
        counts 0; None unless the tensor is `[N, H, W, C]`.
    """

    name: str
    end_point: str | None
    op_type: str
    shape: tuple[int, ...]
    statistics: TensorStatistics
    samples: np.ndarray
    channels: tuple[int, ...]
    strength: np.ndarray | None

    def row(self) -> dict[str, Any]:
        """Returns the flat record that `visualize-activations` writes; its keys are stable."""
        described = {
            "name": self.name,
            "end_point": self.end_point,
            "op_type": self.op_type,
            "shape": self.shape,
        }
        return described | self.statistics.row()


@dataclass(frozen=True)
class Activations:
    """What `activations` returns.

    Attributes:
      tensors: one record each, in the order asked for or of the graph.
      more: tensors that match beyond the limit.
      images: indices of the images that the statistics are of.
      sample_images: indices of the S images whose values are kept.
    """

    tensors: tuple[Activation, ...]
    more: int
    images: tuple[int, ...]
    sample_images: tuple[int, ...]


def activations(
    model: Model,
    images: Any,
    choice: TensorChoice = DEFAULT_CHOICE,
    *,
    limits: Limits = LIMITS,
    progress: Progress | None = None,
) -> Activations:
    """Runs a model on images and looks at tensors inside.

    Args:
      model: from `load_model`.
      images: preprocessed, `[N, H, W, C]`.
      choice: which tensors; by default end points, or the outputs of activations, evenly spread
        over the depth of the model.
      limits: how much is looked at.
      progress: is told what is done, how far, and how far it goes.

    Raises:
      ConfigError: a name or pattern matches nothing, or what cannot be looked at.
      DataError: there is no image, or the images have another shape than the model takes.
    """
    if len(images) == 0:
        raise DataError("there is no image to look at; give at least one.")
    traced = model.trace()
    chosen = choose(traced, choice, limits.tensors)
    seen = spread(len(images), limits.images)
    kept = {seen[place] for place in spread(len(seen), limits.samples)}
    gathering = [_Gathering(tensor, limits.channels) for tensor in chosen.tensors]
    done = 0
    for places, values in _batches(model, chosen.tensors, images, seen, limits.batch_size):
        for gathered, value in zip(gathering, values, strict=True):
            gathered.add(value, [row for row, place in enumerate(places) if place in kept])
        done += len(places)
        if progress is not None:
            progress("images", done, len(seen))
    names: dict[str, str] = {}
    for name, tensor in traced.end_points.items():
        names.setdefault(tensor.name, name)
    found = tuple(one.result(names.get(one.tensor.name)) for one in gathering)
    return Activations(found, chosen.more, tuple(seen), tuple(sorted(kept)))


def _batches(
    model: Model, tensors: Sequence[Any], images: Any, seen: Sequence[int], batch_size: int
) -> Iterator[tuple[Sequence[int], list[np.ndarray]]]:
    for start in range(0, len(seen), batch_size):
        places = seen[start : start + batch_size]
        names = [tensor.name for tensor in tensors]
        batch = np.stack([np.asarray(images[place]) for place in places])
        found = model.fetch(names, batch, batch_size)
        for name in names:
            if np.ndim(found[name]) == 0 or len(found[name]) != len(places):
                raise ConfigError(
                    f"tensor '{name}' has no batch dimension: {len(places)} images give the shape "
                    f"{list(np.shape(found[name]))}; choose another one."
                )
        yield places, [found[name] for name in names]


class _Gathering:
    """One tensor's values, batch by batch."""

    def __init__(self, tensor: Any, most_channels: int) -> None:
        self.tensor = tensor
        self._most_channels = most_channels
        self._statistics = RunningStatistics(SATURATION.get(tensor.op.type))
        self._samples: list[np.ndarray] = []
        self._strength: list[np.ndarray] = []
        self._shape: tuple[int, ...] = ()
        self._channels: list[int] = []

    def add(self, values: np.ndarray, rows: Sequence[int]) -> None:
        """Adds a batch `[N, ...]`, of which some rows are kept."""
        self._shape = values.shape[1:]
        self._statistics.add(values)
        self._channels = spread(values.shape[-1] if values.ndim > 1 else 1, self._most_channels)
        for row in rows:
            value = np.atleast_1d(values[row].astype(np.float32))
            self._samples.append(value[..., self._channels])
            if values.ndim == 4:
                finite = np.where(np.isfinite(value), np.abs(value), 0)
                self._strength.append(finite.mean(axis=-1))

    def result(self, end_point: str | None) -> Activation:
        """Returns what was gathered."""
        return Activation(
            name=self.tensor.name,
            end_point=end_point,
            op_type=self.tensor.op.type,
            shape=self._shape,
            statistics=self._statistics.result(),
            samples=np.stack(self._samples),
            channels=tuple(self._channels),
            strength=np.stack(self._strength) if self._strength else None,
        )

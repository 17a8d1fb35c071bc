"""Every setting of a fine-tuning run: those of training, and a few of its own."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.names import choices
from tfinspect.nets.registry import get_spec
from tfinspect.nets.spec import NetSpec
from tfinspect.training.config import TrainConfig

BATCH_NORM_MODES = ("frozen", "adapt", "recalibrate")
CLASS_WEIGHTS = ("none", "balanced")
# Settings of `train` that a fine-tuning decides in its stages, or by the network's name.
NOT_TAKEN = (
    *("unit", "depth", "epochs", "steps", "boundaries", "devices"),
    *("summarize", "summarize_every", "summarize_gradients"),
)
# Flowers in slim's scripts began at 0.01; Adam divides by the gradients' size.
LEARNING_RATES = {"momentum": 0.01}
ADAPTIVE_RATE = 0.001
# What training everything has of the head's rate.
HUNDREDTH = 0.01
LARGEST_BATCH, SMALLEST_BATCH, BATCHES_PER_EPOCH = 32, 8, 8


@dataclass(frozen=True)
class FineTuneConfig(TrainConfig):
    """The settings of one fine-tuning; `None` means "decided from the others".

    Raises:
      ConfigError: a value, or a combination, that cannot work.
    """

    # A name or a path, as for training; there is no default.
    data: str = ""
    # Adam needs no rate of its own for each network's scale of features.
    optimizer: str = "adam"
    # As the published networks were trained with.
    weight_decay: float = 4e-5
    # Name in the registry.
    net: str = ""
    # (H, W) of the images. None: the network's own.
    image_size: tuple[int, int] | None = None
    # Passes over the training images with the head alone trainable, and with everything.
    head_epochs: int = 30
    tune_epochs: int = 10
    # Rate with everything trainable. None: a hundredth of the head's.
    tune_learning_rate: float | None = None
    # Stages over which the layers below the head become trainable, the last ones first.
    gradual: int = 1
    # Factor on the learning rate for each block further from the head. None: no decay.
    layer_decay: float | None = None
    # What batch normalization does in frozen scopes. frozen: the checkpoint's statistics; adapt:
    # those of each batch, with moving averages; recalibrate: measured once on the new images.
    batch_norm: str = "frozen"
    # Epochs of a stage without a lower validation loss after which it ends. None: it never does.
    patience: int | None = None
    # balanced: each class weighs the same in the loss, however few images it has.
    class_weights: str = "none"
    # Views of each image for which features are computed while the backbone is frozen. 1: the
    # image as in evaluation; more: so many random views.
    views: int = 1
    # Whether corrupt image files are left out, and named, instead of being an error.
    skip_corrupt: bool = False
    # Whether the same head is trained on the features of random weights, for comparison.
    random_features: bool = True

    def __post_init__(self) -> None:
        """Validates the settings, those of training too."""
        super().__post_init__()
        self._require_choices()
        if self.image_size is not None:
            # JSON has lists alone.
            object.__setattr__(self, "image_size", _height_and_width(self.image_size))
        for name in ("gradual", "views", "patience"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise ConfigError(f"{name} {given} is too small; give 1 or more.")
        for name in ("head_epochs", "tune_epochs"):
            given = getattr(self, name)
            if given < 0:
                raise ConfigError(f"{name} {given} is negative; 0 leaves the stage out.")
        rate = self.tune_learning_rate
        if rate is not None and not (rate > 0 and math.isfinite(rate)):
            raise ConfigError(f"tune_learning_rate {rate} is not positive; leave it out, or 1e-5.")
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            raise ConfigError(
                f"layer_decay {self.layer_decay} is out of range; give a factor above 0, up to 1."
            )

    def _require_choices(self) -> None:
        for name, allowed in (("batch_norm", BATCH_NORM_MODES), ("class_weights", CLASS_WEIGHTS)):
            given = getattr(self, name)
            if given not in allowed:
                raise ConfigError(f"{name} '{given}' is unknown; {choices(str(given), allowed)}.")

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as JSON values, without those of `train` that play no part."""
        return {name: one for name, one in super().to_dict().items() if name not in NOT_TAKEN}

    @property
    def network(self) -> str:
        """The network's name in the registry."""
        return self.net

    @property
    def peak_learning_rate(self) -> float:
        """The head's learning rate in force: the given one, or the optimizer's default."""
        if self.learning_rate is not None:
            return self.learning_rate
        return LEARNING_RATES.get(self.optimizer, ADAPTIVE_RATE)

    @property
    def rate_of_everything(self) -> float:
        """The learning rate of the later stages: the given one, or a hundredth of the head's."""
        if self.tune_learning_rate is not None:
            return self.tune_learning_rate
        return self.peak_learning_rate * HUNDREDTH

    def spec(self) -> NetSpec:
        """Returns the network's record for the images' size, without an auxiliary head.

        That head serves the training of the whole network from the start; a new one would send
        noise into layers that are to be kept.

        Raises:
          NetworkError: no such network, or images too small for it.
        """
        spec = get_spec(self.net, width=self.width).without_aux()
        return spec if self.image_size is None else spec.with_image_size(*self.image_size)

    def resolved(self, train_examples: int) -> "FineTuneConfig":
        """Returns the settings with a batch size: few images still make several steps an epoch.

        Raises:
          ConfigError: the batch is larger than the training split.
        """
        several = max(SMALLEST_BATCH, min(LARGEST_BATCH, train_examples // BATCHES_PER_EPOCH))
        chosen = self.batch_size or min(several, train_examples)
        if chosen > train_examples:
            raise ConfigError(
                f"batch_size {chosen} is larger than the training split, which has "
                f"{train_examples} examples; give --batch-size {train_examples} or less."
            )
        return dataclasses.replace(self, batch_size=chosen)


def _height_and_width(given: Any) -> tuple[int, int]:
    sizes = tuple(given) if isinstance(given, (list, tuple)) else ()
    if len(sizes) != 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ConfigError(f"image_size {given!r} is no height and width; give (299, 299).")
    return sizes

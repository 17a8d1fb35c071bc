"""Every setting of a training run, with its unit and the reason of its default."""

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfinspect.data.service_address import host_and_port
from tfinspect.errors import ConfigError
from tfinspect.names import choices
from tfinspect.training.settings_file import read_settings

UNITS = ("v1", "v2", "bottleneck")
OPTIMIZERS = ("momentum", "adam", "adamw", "rmsprop")
SCHEDULES = ("cosine", "piecewise", "one-cycle", "constant")
PRECISIONS = ("float32", "bfloat16")
AUGMENTATIONS = ("auto", "crop-flip", "crop", "none")
DEVICES = ("one", "all")
DEFAULT_EPOCHS = 20
BATCH_SIZE = 128
FEW_EXAMPLES = 10_000
# Adam and its kin divide by the gradients' size: 0.001 does for them what 0.1 does for momentum.
ADAPTIVE_FACTOR = 0.01
_TYPE_WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list of numbers",
}


@dataclass(frozen=True)
class TrainConfig:
    """The settings of one run; `None` means "decided from the others", as the comment says.

    Raises:
      ConfigError: a value, or a combination, that cannot work.
    """

    # A name (digits, cifar10, cifar100) or a path. The digits need no network.
    data: str = "digits"
    # Residual unit: v1 (arXiv:1512.03385), v2 and bottleneck (pre-activation, arXiv:1603.05027).
    unit: str = "v1"
    # Layers with weights: 6n+2, or 9n+2 for the bottleneck. 20 trains in about a minute on a CPU.
    depth: int = 20
    # Factor on every layer's number of filters.
    width: float = 1.0
    # Passes over the training split. None: 20, unless `steps` is given; in 20 the cosine schedule
    # brings the digits to 99 % and more.
    epochs: int | None = None
    # Optimizer steps instead of epochs. None: counted in epochs.
    steps: int | None = None
    # Examples per step, over all devices. None: 128 as in arXiv:1512.03385, section 4.2; 64 where
    # the training split has fewer than 10,000 examples, so that an epoch has more steps.
    batch_size: int | None = None
    # Peak rate. None: 0.1 for v1, half of it for pre-activation units, which diverge otherwise; a
    # hundredth of that for adam, adamw and rmsprop.
    learning_rate: float | None = None
    # momentum: SGD with momentum, as in the papers. adamw decays decoupled from the gradient.
    optimizer: str = "momentum"
    # Share of the accumulated gradient that is kept from step to step.
    momentum: float = 0.9
    # L2 factor on kernels, never on batch norm or biases. 2e-4 as in the original tutorial.
    weight_decay: float = 2e-4
    # cosine falls to zero at the end of a run of any length; piecewise is the original tutorial's.
    schedule: str = "cosine"
    # Epochs over which cosine rises linearly to the peak; a deep network's first steps need it.
    warmup_epochs: float = 1.0
    # Epochs at which piecewise drops to the factors 0.1, 0.01, 0.002: the original's.
    boundaries: tuple[float, ...] = (82.0, 123.0, 300.0)
    # Decay of batch norm's moving averages. None: 0.997 as in the original, less in a short
    # run, whose averages would still remember their initial values at its end.
    batch_norm_decay: float | None = None
    # Whether batch norm takes the statistics of the batches of all processes and devices together.
    # Off: each takes those of its own part; two messages per normalization cost more than the
    # statistics of 32 examples and more are worse.
    sync_batch_norm: bool = False
    # Share of the target's probability that goes to all classes (arXiv:1512.00567, section 7).
    # In three folds of the digits' training and validation images it took the errors from 11 to 6.
    label_smoothing: float = 0.1
    # Decay of a moving average of the weights, which is evaluated in their place. None: none kept.
    ema_decay: float | None = None
    # Arithmetic of convolutions; variables and batch-norm statistics are float32 in both.
    precision: str = "float32"
    # auto: crop and flip for photographs; the digits are only cropped, mirrored they mean nothing.
    augment: str = "auto"
    # Determines initial weights, order and augmentation.
    seed: int = 0
    # one: the first GPU, or the CPU. all: every local GPU, each with its share of the batch.
    devices: str = "one"
    # grpc://host:port of the tf.data service that makes the training batches. None: made here.
    data_service: str | None = None
    # Newest checkpoints to keep.
    keep_checkpoints: int = 3
    # Regular expression: activations whose tensor names it is found in are summarized. None: none.
    summarize: str | None = None
    # Steps from one summary to the next; at 100 they take about a hundredth of the time. The run's
    # last step is summarized, too.
    summarize_every: int = 100
    # Whether gradients and updates of the weights are summarized, too.
    summarize_gradients: bool = False

    def __post_init__(self) -> None:
        """Validates the settings; this is the only place that does."""
        _validate(self)

    @property
    def network(self) -> str:
        """The network's name in the registry."""
        return f"cifar_resnet{self.depth}_{self.unit}"

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate in force: the given one, or the network's default."""
        if self.learning_rate is not None:
            return self.learning_rate
        from tfinspect.nets.registry import get_spec

        default = get_spec(self.network, width=self.width).default_learning_rate
        return default * (1.0 if self.optimizer == "momentum" else ADAPTIVE_FACTOR)

    def moving_average_decay(self, total_steps: int) -> float:
        """Returns batch norm's decay in force: twenty time constants fit into the run."""
        if self.batch_norm_decay is not None:
            return self.batch_norm_decay
        return min(0.997, max(1 - 20 / total_steps, 0.5))

    @property
    def images_per_step(self) -> int:
        """The batch size in force, once the settings are resolved."""
        return self.batch_size or BATCH_SIZE

    def total_steps(self, steps_per_epoch: int) -> int:
        """Returns the optimizer steps of the whole run."""
        return (
            self.steps
            if self.steps is not None
            else (self.epochs or DEFAULT_EPOCHS) * steps_per_epoch
        )

    def resolved(self, train_examples: int) -> "TrainConfig":
        """Returns the settings with a batch size, chosen by the training split if none was given.

        Raises:
          ConfigError: the batch is larger than the training split.
        """
        default = min(BATCH_SIZE if train_examples >= FEW_EXAMPLES else 64, train_examples)
        chosen = self.batch_size or default
        if chosen > train_examples:
            raise ConfigError(
                f"batch_size {chosen} is larger than the training split, which has "
                f"{train_examples} examples; give --batch-size {train_examples} or less."
            )
        return dataclasses.replace(self, batch_size=chosen)

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as JSON values."""
        return dataclasses.asdict(self) | {"boundaries": list(self.boundaries)}


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise ConfigError(problem)


def _validate(config: TrainConfig) -> None:
    for name, allowed in (
        ("unit", UNITS),
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
        ("precision", PRECISIONS),
        ("augment", AUGMENTATIONS),
        ("devices", DEVICES),
    ):
        given = getattr(config, name)
        _require(given in allowed, f"{name} '{given}' is unknown; {choices(str(given), allowed)}.")
    _require(
        config.epochs is None or config.steps is None,
        f"both epochs ({config.epochs}) and steps ({config.steps}) are given; give one of them.",
    )
    for name in ("epochs", "steps", "batch_size", "keep_checkpoints", "depth", "summarize_every"):
        given = getattr(config, name)
        _require(given is None or given >= 1, f"{name} {given} is too small; give 1 or more.")
    if config.data_service is not None:
        host_and_port(config.data_service)
    _validate_rates(config)


def _validate_rates(config: TrainConfig) -> None:
    for name in ("learning_rate", "width"):
        given = getattr(config, name)
        _require(
            given is None or (math.isfinite(given) and given > 0),
            f"{name} {given} is not positive; the default is "
            f"{1.0 if name == 'width' else '0.1 for v1, 0.05 for pre-activation units'}.",
        )
    for name in ("weight_decay", "warmup_epochs", "seed"):
        given = getattr(config, name)
        fits = math.isfinite(given) and given >= 0
        _require(fits, f"{name} {given} is negative; give 0 or more.")
    for name in ("momentum", "label_smoothing", "ema_decay", "batch_norm_decay"):
        given = getattr(config, name)
        _require(
            given is None or 0 <= given < 1,
            f"{name} {given} is out of range; give a value from 0 to below 1.",
        )
    _require(config.seed < 2**32, f"seed {config.seed} is too large; give one below 2^32.")
    ascending = list(config.boundaries) == sorted(set(config.boundaries))
    possible = all(math.isfinite(epoch) and epoch >= 0 for epoch in config.boundaries)
    _require(
        ascending and possible and len(config.boundaries) <= 3,
        f"boundaries {list(config.boundaries)} must be at most three ascending epochs.",
    )


def type_name(field: dataclasses.Field) -> str:
    """Words a setting's type: `int`, `float | None`, `tuple`."""
    return field.type.__name__ if isinstance(field.type, type) else str(field.type)


def config_from(
    settings: Mapping[str, Any], origin: str, kind: type[TrainConfig] = TrainConfig
) -> Any:
    """Builds a configuration from settings by name.

    Args:
      settings: field name -> value.
      origin: where they were read, for the message.
      kind: the class of the settings.

    Raises:
      ConfigError: a name that no setting has, a value of another type, or an impossible one.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in fields:
            raise ConfigError(f"no setting '{name}' (in {origin}); {choices(str(name), fields)}.")
        wanted = type_name(fields[name])
        values[name] = value = as_number(value, wanted)
        if not _fits(value, wanted):
            raise ConfigError(
                f"{name} {value!r} (in {origin}) is of the wrong type; it must be "
                f"{_TYPE_WORDS[wanted.split(' ')[0].split('[')[0]]}."
            )
    if "boundaries" in values:
        values["boundaries"] = tuple(float(epoch) for epoch in values["boundaries"])
    return kind(**values)


def as_number(value: Any, annotation: str) -> Any:
    """Returns a value of a settings file as a number where that is meant, others as they are.

    >>> as_number("1e-4", "float")
    0.0001
    """
    # YAML 1.1 takes `1e-4` for a text, since it has no point.
    exponent = isinstance(value, str) and re.fullmatch(r"[+-]?\d+[eE][+-]?\d+", value)
    return float(value) if exponent and annotation.startswith("float") else value


def _fits(value: Any, annotation: str) -> bool:
    if value is None:
        return "None" in annotation
    if annotation.startswith("tuple"):
        return isinstance(value, (list, tuple)) and all(_fits(one, "float") for one in value)
    if annotation == "bool":
        return isinstance(value, bool)
    kinds: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}
    fitting = kinds[annotation.split(" ")[0]]
    return isinstance(value, fitting) and not isinstance(value, bool)


def load_settings(path: str) -> dict[str, Any]:
    """Reads settings from a YAML or JSON file.

    The `config.json` of a run is one, too: its settings are taken.

    Raises:
      ConfigError: the file is not a mapping of settings.
      DataError: it cannot be opened.
    """
    loaded = read_settings(path)
    if not isinstance(loaded, dict):
        raise ConfigError(f"'{path}' holds no settings; write lines such as 'depth: 20'.")
    # The description of an earlier run holds its settings beside other things.
    settings = loaded.get("config", loaded)
    return settings if isinstance(settings, dict) else loaded

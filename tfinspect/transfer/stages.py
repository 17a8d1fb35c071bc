"""The stages of a fine-tuning: what is trained in each, how long, and at which rate."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.names import choices, in_scope
from tfinspect.training.config import AUGMENTATIONS, as_number
from tfinspect.training.settings_file import read_settings
from tfinspect.transfer.finetune_config import FineTuneConfig

HEAD, ALL = "head", "all"
EVERYTHING = ("",)
# What gives a stage's rate: the command's options, or the file of its stages.
HEAD_RATE, TUNE_RATE, _IN_FILE = "--learning-rate", "--tune-learning-rate", "learning_rate"
_NUMBER = (int, float)
# Setting of a stage's file -> its type.
_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "trainable": (str, list),
    "epochs": (int,),
    "learning_rate": _NUMBER,
    "augment": (str,),
    "layer_decay": _NUMBER,
    "rates": (dict,),
}


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
      name: for people.
      scopes: what is trained, by whole components; `("",)` trains everything.
      epochs: passes over the training split.
      learning_rate: the peak of the stage's own schedule.
      augment: of the training images, as `TrainConfig.augment`.
      layer_decay: factor on the rate for each block further from the head; None: no decay.
      rates: pairs of a scope and a factor on its rate; the longest matching scope counts.
      rate_option: what its learning rate is given by, for messages.
    """

    name: str
    scopes: tuple[str, ...]
    epochs: int
    learning_rate: float
    augment: str = "auto"
    layer_decay: float | None = None
    rates: tuple[tuple[str, float], ...] = ()
    rate_option: str = _IN_FILE

    def trains(self, name: str) -> bool:
        """Tells whether a variable, or a scope, lies in what the stage trains."""
        return any(in_scope(name, scope) for scope in self.scopes)

    def to_dict(self) -> dict[str, Any]:
        """Returns the stage as JSON values."""
        return dataclasses.asdict(self)


def stage_from(stored: Mapping[str, Any]) -> Stage:
    """Returns the stage that `to_dict` described."""
    rates = tuple((scope, factor) for scope, factor in stored["rates"])
    return Stage(**dict(stored) | {"scopes": tuple(stored["scopes"]), "rates": rates})


def default_stages(
    config: FineTuneConfig, head: Sequence[str], blocks: Sequence[str]
) -> tuple[Stage, ...]:
    """Returns the head first, on fixed images, then everything at a hundredth of the rate.

    Args:
      config: epochs, rates, and over how many stages the blocks become trainable.
      head: scopes of the classifier.
      blocks: scopes of the layers below it, from the images on.

    Raises:
      ConfigError: neither stage has an epoch, or there are fewer blocks than stages for them.
    """
    if config.gradual > len(blocks):
        raise ConfigError(
            f"gradual {config.gradual} is more than the {len(blocks)} groups of layers below the "
            f"classifier; give {len(blocks)} or less."
        )
    augment = config.augment if config.augment != "auto" or config.views > 1 else "none"
    rate, tuned_rate = config.peak_learning_rate, config.rate_of_everything
    first = Stage(HEAD, tuple(head), config.head_epochs, rate, augment, rate_option=HEAD_RATE)
    stages = [first]
    for step in range(1, config.gradual + 1):
        kept = len(blocks) - math.ceil(len(blocks) * step / config.gradual)
        name = ALL if not kept else f"from {blocks[kept]}"
        scopes = EVERYTHING if not kept else (*blocks[kept:], *head)
        decay = config.layer_decay
        stage = Stage(name, scopes, config.tune_epochs, tuned_rate, config.augment, decay)
        stages.append(dataclasses.replace(stage, rate_option=TUNE_RATE))
    stages = [stage for stage in stages if stage.epochs]
    if not stages:
        raise ConfigError("head_epochs and tune_epochs are both 0; give one of them 1 or more.")
    return tuple(stages)


def chosen_scopes(config: FineTuneConfig, scopes: Sequence[str]) -> tuple[Stage, ...]:
    """Returns the one stage of slim's `--trainable_scopes`: these scopes at the full rate.

    Raises:
      ConfigError: it has no epoch.
    """
    epochs = config.head_epochs or config.tune_epochs
    if not epochs:
        raise ConfigError("the stage has no epochs; give --head-epochs 1 or more.")
    rate, decay = config.peak_learning_rate, config.layer_decay
    stage = Stage("chosen scopes", tuple(scopes), epochs, rate, config.augment, decay)
    return (dataclasses.replace(stage, rate_option=HEAD_RATE),)


def read_stages(path: str, config: FineTuneConfig, head: Sequence[str]) -> tuple[Stage, ...]:
    """Reads stages from a YAML file: a list, or a list under `stages`.

    A stage has `trainable` (scopes, `head` or `all`), `epochs`, `learning_rate`, and may have
    `name`, `augment`, `layer_decay` and `rates` (scope: factor).

    Raises:
      ConfigError: the file is no such list, or a stage has a setting that does not exist or fit.
      DataError: the file cannot be opened.
    """
    loaded = read_settings(path)
    listed = loaded.get("stages") if isinstance(loaded, dict) else loaded
    if not isinstance(listed, list) or not listed or not all(isinstance(s, dict) for s in listed):
        raise ConfigError(
            f"'{path}' holds no list of stages; write '- trainable: head' with 'epochs: 10' below "
            "it, and so on."
        )
    stages = tuple(
        _read(settings, f"stage {number} of '{path}'", config, head)
        for number, settings in enumerate(listed, 1)
    )
    _require_own_names([stage.name for stage in stages], path)
    return stages


def _require_own_names(names: Sequence[str], path: str) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigError(
                f"stages {names.index(name) + 1} and {number + 1} of '{path}' are both named "
                f"'{name}'; give each a name of its own."
            )


def _read(
    settings: Mapping[str, Any], where: str, config: FineTuneConfig, head: Sequence[str]
) -> Stage:
    given = _settings(settings)
    _check_types(given, where)
    trainable = given.get("trainable", ALL)
    words = {HEAD: tuple(head), ALL: EVERYTHING}
    listed = [trainable] if isinstance(trainable, str) else trainable
    scopes = tuple(scope for one in listed for scope in words.get(one, (one,)))
    stage = Stage(
        name=given.get("name", where.partition(" of ")[0]),
        scopes=scopes,
        epochs=given.get("epochs", 0),
        learning_rate=float(given.get("learning_rate", config.peak_learning_rate)),
        augment=given.get("augment", config.augment),
        layer_decay=given.get("layer_decay", config.layer_decay),
        rates=tuple((str(k), float(v)) for k, v in given.get("rates", {}).items()),
    )
    _check(stage, where)
    return stage


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings under their names, numbers as numbers."""
    given = {str(key).replace("-", "_"): value for key, value in settings.items()}
    for key, value in given.items():
        if _TYPES.get(key) == _NUMBER:
            given[key] = as_number(value, "float")
    if isinstance(given.get("rates"), dict):
        given["rates"] = {
            scope: as_number(factor, "float") for scope, factor in given["rates"].items()
        }
    return given


def _check_types(given: Mapping[str, Any], where: str) -> None:
    for key, value in given.items():
        if key not in _TYPES:
            raise ConfigError(f"no setting '{key}' in {where}; {choices(key, _TYPES)}.")
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            names = " or ".join(kind.__name__ for kind in _TYPES[key])
            raise ConfigError(f"{key} {value!r} in {where} is of the wrong type; give {names}.")
    trainable = given.get("trainable", ALL)
    if isinstance(trainable, list) and not all(isinstance(one, str) for one in trainable):
        raise ConfigError(
            f"trainable {trainable!r} in {where} holds what is no text; give scopes, '{HEAD}' or "
            f"'{ALL}'."
        )
    for scope, factor in given.get("rates", {}).items():
        is_number = isinstance(factor, _NUMBER) and not isinstance(factor, bool)
        if not is_number or not 0 <= factor < math.inf:
            raise ConfigError(
                f"the rate {factor!r} of '{scope}' in {where} is no factor; give 0 or more."
            )


def _check(stage: Stage, where: str) -> None:
    if stage.epochs < 1 or not (stage.learning_rate > 0 and math.isfinite(stage.learning_rate)):
        raise ConfigError(
            f"{where} trains nothing: epochs {stage.epochs}, learning_rate "
            f"{stage.learning_rate:g}; give both above 0."
        )
    if stage.augment not in AUGMENTATIONS:
        raise ConfigError(
            f"augment '{stage.augment}' in {where} is unknown; "
            f"{choices(stage.augment, AUGMENTATIONS)}."
        )
    if not stage.scopes or (stage.layer_decay is not None and not 0 < stage.layer_decay <= 1):
        raise ConfigError(
            f"{where} needs at least one trainable scope, and a layer_decay above 0, up to 1."
        )

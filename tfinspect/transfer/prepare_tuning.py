"""Everything about a fine-tuning that can be known, and refused, before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tfinspect.artifacts import Artifact
from tfinspect.data.image_file import CorruptImageError
from tfinspect.data.manifest import Manifest
from tfinspect.data.prepare import prepare
from tfinspect.errors import ConfigError, DataError
from tfinspect.nets.spec import NetSpec
from tfinspect.training import optimizers
from tfinspect.training.config import BATCH_SIZE
from tfinspect.transfer import classifier
from tfinspect.transfer.auxiliary_scopes import require_aux_scopes, without_aux
from tfinspect.transfer.batch_memory import require_memory
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.load_report import RE_INITIALISED, LoadReport
from tfinspect.transfer.restore import plan
from tfinspect.transfer.size_notes import size_notes
from tfinspect.transfer.stage_table import stage_rows
from tfinspect.transfer.stages import Stage, chosen_scopes, default_stages, read_stages
from tfinspect.transfer.tuned_model import TunedModel
from tfinspect.transfer.tuning_request import TuningRequest
from tfinspect.transfer.weights_source import open_weights

# Of the images that are left out.
_MOST_NAMED = 5
SKIPPED_FILE = "skipped_images.txt"


@dataclass(frozen=True)
class Prepared:
    """A fine-tuning that can begin.

    Attributes:
      config: resolved settings.
      request: what was asked for, with the excluded scopes in force.
      data: directory of the shards, and its manifest.
      model: the network with fresh weights.
      artifact: the opened checkpoint.
      report: what will be loaded from it.
      stages: of the run.
      rows: what each stage does to each part of the network, as `stage_rows` gives it.
      notes: what else should be said, in sentences.
    """

    config: FineTuneConfig
    request: TuningRequest
    data: tuple[str, Manifest]
    model: TunedModel = field(repr=False)
    artifact: Artifact = field(repr=False)
    report: LoadReport = field(repr=False)
    stages: tuple[Stage, ...]
    rows: tuple[dict[str, Any], ...] = field(repr=False)
    notes: tuple[str, ...] = ()


def prepare_tuning(
    request: TuningRequest, config: FineTuneConfig, progress: Any = None, *, processes: int = 1
) -> Prepared:
    """Checks settings, data, checkpoint and stages; nothing is trained and no value is read.

    Args:
      request: checkpoint, rules and stages.
      config: the settings.
      progress: told while data or weights are downloaded or converted; None tells nobody.
      processes: that share each batch.

    Raises:
      ConfigError: settings, scopes or stages that cannot work.
      NetworkError: no such network, images too small for it, or (`LoadError`) a variable that no
        rule excludes cannot be loaded.
      DataError: the data are missing or broken, or have one class only.
      ArtifactError: the checkpoint is missing or broken.
    """
    spec = config.spec()
    require_memory(spec.image_shape, config.batch_size or 1, processes)
    asked = request
    request, notes = without_aux(asked, spec)
    artifact = open_weights(request.checkpoint, config.net, progress)
    require_aux_scopes(asked, spec, artifact)
    data = prepare_images(config, progress)
    config = config.resolved(data[1].training_examples())
    require_memory(spec.image_shape, config.images_per_step, processes)
    model = make_model(config, spec, len(data[1].label_names), data[1].training_examples())
    notes += classifier.notes(request, model, artifact, data[1].label_names)
    report = plan(model, artifact, request.rules, classes_of_data=True)
    stages = _stages(request, config, model)
    rows = stage_rows(model, stages, config.batch_norm)
    notes += size_notes(request.checkpoint, spec, data)
    if data[1].skipped:
        notes.append(_skipped(data[1].skipped))
    notes += _never_trained(report, stages)
    return Prepared(
        config, request, data, model, artifact, report, stages, tuple(rows), tuple(notes)
    )


def _never_trained(report: LoadReport, stages: Sequence[Stage]) -> list[str]:
    """Says which new variables keep their random values for ever."""
    new = [row.name for row in report.having(RE_INITIALISED)]
    left = [name for name in new if not any(stage.trains(name) for stage in stages)]
    if not left:
        return []
    what = "1 new variable is" if len(left) == 1 else f"{len(left):,} new variables are"
    return [f"{what} trained by no stage, and will keep initial values: '{left[0]}'."]


def _skipped(paths: tuple[str, ...]) -> str:
    named = ", ".join(sorted(paths)[:_MOST_NAMED])
    count = "1 corrupt image is" if len(paths) == 1 else f"{len(paths):,} corrupt images are"
    if len(paths) <= _MOST_NAMED:
        return f"{count} left out: {named}."
    more = len(paths) - _MOST_NAMED
    return f"{count} left out: {named} and {more:,} more; {SKIPPED_FILE} in the run names all."


def prepare_images(config: FineTuneConfig, progress: Any = None) -> tuple[str, Manifest]:
    """Returns the directory of the shards and its manifest.

    Raises:
      DataError: no such data, one class only, or fewer training images than classes.
    """
    try:
        directory, manifest = prepare(
            config.data, seed=config.seed, skip_corrupt=config.skip_corrupt, progress=progress
        )
    except CorruptImageError as error:
        cure = "remove or mend it, or leave such images out with --skip-corrupt"
        raise CorruptImageError(error.path, error.reason, cure) from error
    classes, images = len(manifest.label_names), manifest.training_examples()
    _require_two_classes(config.data, manifest)
    if classes < 2:
        raise DataError(
            f"'{config.data}' has one class only ('{manifest.label_names[0]}'); a classifier needs "
            "two or more: give the folder of all classes, or add a class."
        )
    if images < classes:
        raise DataError(
            f"'{config.data}' has {images} training images for {classes} classes; add images, at "
            "least one a class beside those of the other splits."
        )
    return directory, manifest


def _require_two_classes(data: str, manifest: Manifest) -> None:
    counted = manifest.splits["train"].label_histogram
    left = [name for name in manifest.label_names if counted.get(name, 0)]
    if counted and len(left) < 2 <= len(manifest.label_names):
        skipped = f" after {len(manifest.skipped):,} corrupt ones" if manifest.skipped else ""
        raise DataError(
            f"of the classes of '{data}' only '{left[0]}' has training images left{skipped}; a "
            "classifier needs two or more: add images of the others."
        )


def make_model(
    config: FineTuneConfig, spec: NetSpec, classes: int, train_examples: int
) -> TunedModel:
    """Builds the network with fresh weights.

    Raises:
      NetworkError: the images are too small for it.
    """
    steps = max(config.tune_epochs, 1) * (train_examples // (config.batch_size or BATCH_SIZE))
    model = TunedModel(
        spec,
        classes,
        adapts=config.batch_norm == "adapt",
        weight_decay=optimizers.regularization(config),
        compute_dtype=config.precision,
        batch_norm_decay=config.moving_average_decay(max(steps, 1)),
        seed=config.seed,
    )
    model.synchronizes_batch_norm = config.sync_batch_norm
    model.build_variables()
    return model


def _stages(request: TuningRequest, config: FineTuneConfig, model: TunedModel) -> tuple[Stage, ...]:
    head = model.spec.logits_scopes
    if request.stages_file is not None and request.trainable_scopes:
        raise ConfigError(
            f"both '{request.stages_file}' and trainable scopes say what is trained; give one."
        )
    if request.stages_file is not None:
        return read_stages(request.stages_file, config, head)
    if request.trainable_scopes:
        return chosen_scopes(config, request.trainable_scopes)
    return default_stages(config, head, model.blocks())

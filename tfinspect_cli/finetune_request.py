"""The command line of `tfinspect finetune` as the library's request and settings."""

from collections.abc import Mapping
from typing import Any

import click

from tfinspect.transfer import finetune_config as configs
from tfinspect_cli.load_options import load_rules
from tfinspect_cli.network_options import image_size
from tfinspect_cli.training_options import given_settings

# Settings of the default stages.
_OF_THE_STAGES = ("head_epochs", "tune_epochs", "gradual")
_NEEDED = (("data", "photos/"), ("net", "inception_resnet_v2"))


def request_and_config(checkpoint: str | None, options: Mapping[str, Any]) -> tuple[Any, Any]:
    """Returns the `TuningRequest` and the `FineTuneConfig` of a command line.

    Raises:
      click.UsageError: no checkpoint, no data, or no network.
      ConfigError: a setting or a rename rule that cannot work.
    """
    from tfinspect.training.config import config_from
    from tfinspect.transfer.tuning_request import TuningRequest

    if checkpoint is None:
        raise click.UsageError(
            "a CHECKPOINT is missing; give a path, a run directory, or a network's name for its "
            "published weights (or --resume with --output)."
        )
    excluded = (*options["exclude_scopes"], *options["excluded_list"])
    rules = load_rules({**options, "exclude_scopes": excluded})
    _refuse_beside_stages(options)
    request = TuningRequest(
        checkpoint,
        rules,
        options["trainable_scopes"],
        options["stages_file"],
        options["keep_classifier"],
    )
    sized = {**options, "image_size": image_size(options["image_size"], digits=9)}
    settings = _of_network(checkpoint) | _of_run(checkpoint) | _settings(sized)
    for name, example in _NEEDED:
        if name not in settings:
            raise click.UsageError(f"--{name} is missing; give it, such as --{name} {example}.")
    return request, config_from(settings, "the command line", configs.FineTuneConfig)


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    names = configs.FineTuneConfig.__dataclass_fields__
    return given_settings({name: value for name, value in options.items() if name in names})


def _refuse_beside_stages(options: Mapping[str, Any]) -> None:
    """Refuses options that say what the file of --stages says."""
    given = [name for name in _OF_THE_STAGES if _is_given(name, options.get(name))]
    if options["stages_file"] is not None and given:
        names = ", ".join(_flag(name) for name in given)
        raise click.UsageError(
            f"--stages says of each stage what {names} would say of all; leave that out, or write "
            "it into the file."
        )


def _of_network(checkpoint: str) -> dict[str, Any]:
    """Returns the network whose published weights are asked for by its name."""
    from tfinspect.nets.published import names_published_weights

    return {"net": checkpoint} if names_published_weights(checkpoint) else {}


def _of_run(checkpoint: str) -> dict[str, Any]:
    """Returns network and image size of a run directory; nothing for other checkpoints."""
    from tfinspect.artifacts.locate import run_directory

    if run_directory(checkpoint) is None:
        return {}
    from tfinspect.training.run_directory import open_run

    info = open_run(checkpoint)
    size = {"image_size": info.image_shape[:2]} if info.image_shape else {}
    return {"net": info.network, "width": info.width, **size}


def resumed_run(checkpoint: str | None, output: str | None, options: Mapping[str, Any]) -> str:
    """Returns the run that `--resume` goes on with, given nothing else.

    Raises:
      click.UsageError: no run, a new checkpoint, or settings that would change it.
    """
    if checkpoint is not None:
        raise click.UsageError(
            f"both --resume and a checkpoint ('{checkpoint}') are given: --resume goes on with the "
            "run in --output, a checkpoint begins a new one; leave one of them out."
        )
    if output is None:
        raise click.UsageError("--resume needs --output, the run directory to go on with.")
    given = [name for name, value in options.items() if _is_given(name, value)]
    if given:
        names = ", ".join(_flag(name) for name in given)
        raise click.UsageError(
            f"--resume takes the run's own settings, and {names} would change them; leave it out, "
            "or start a new run in another --output."
        )
    return output


def _is_given(name: str, value: Any) -> bool:
    # Settings that are not given are None, and may be given as 0; so is a flag turned off, False.
    is_setting = name in configs.FineTuneConfig.__dataclass_fields__
    return value is not None if is_setting else bool(value)


def _flag(name: str) -> str:
    options = click.get_current_context().command.params
    return next(option.opts[0] for option in options if option.name == name)


def short(data: str) -> str:
    """Returns a name for a run's directory from its data."""
    return data.rstrip("/").rsplit("/", 1)[-1].split(".")[0] or "data"

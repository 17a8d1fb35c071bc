"""A run over several machines goes on with the same command that began it.

A process that is started again, by whoever starts processes, and those that survived it, which
start themselves again, all run the command of the beginning and meet as at the beginning. So what
the command means is decided by the run directory: where a run is, it is gone on with.
"""

import os
from collections.abc import Mapping
from typing import Any

from tfinspect.data.manifest import Manifest
from tfinspect.errors import ConfigError
from tfinspect.training import run
from tfinspect.training.config import TrainConfig
from tfinspect.training.run_data import data_of
from tfinspect.training.run_directory import RunDirectory, RunInfo

# Where the data lie may be said in another way on each host; their hash is compared.
_ANY = ("data",)


def begun(output: str) -> bool:
    """Tells whether a run is in a directory."""
    return os.path.exists(RunDirectory(output).file("config.json"))


def open_begun(config: TrainConfig, output: str) -> tuple[RunInfo, tuple[str, Manifest]]:
    """Returns the description of a begun run, and its data.

    Args:
      config: what the command asks for.
      output: path of the run directory.

    Raises:
      ConfigError: the run in the directory was begun with other settings.
      RunError: it is finished, was begun by one process, or its data are not the same any more.
    """
    info, begun_with = run.resumable(output, in_cluster=True)
    data = data_of(info)
    require_equal(config.resolved(data[1].training_examples()), begun_with, output)
    return info, data


def require_equal(wanted: TrainConfig, begun_with: TrainConfig, output: str) -> None:
    """Refuses settings that a run was not begun with.

    Raises:
      ConfigError: one differs.
    """
    ours = {name: value for name, value in wanted.to_dict().items() if name not in _ANY}
    require_same(ours, begun_with.to_dict(), output)


def require_same(ours: Mapping[str, Any], theirs: Mapping[str, Any], output: str) -> None:
    """Refuses a value of ours that a run was not begun with, by its name.

    Raises:
      ConfigError: one differs.
    """
    for name, value in ours.items():
        if value != theirs[name]:
            raise ConfigError(
                f"the run in '{output}' was begun with {name} {_shown(theirs[name])}, and this "
                f"command says {_shown(value)}; give the same settings, or another --output."
            )


def _shown(value: Any) -> str:
    return "unset" if value is None else f"'{value}'" if isinstance(value, str) else str(value)

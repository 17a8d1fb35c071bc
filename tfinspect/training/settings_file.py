"""Settings that a person wrote down, as YAML or JSON: plain values, and not too many."""

import json
from typing import Any

from tfinspect import files
from tfinspect.errors import ConfigError

# Aliases of YAML let a few lines stand for billions of values; no settings have so many.
_MOST_VALUES = 10_000
_LARGEST = 1 << 20


def read_settings(path: str) -> Any:
    """Reads a YAML or JSON file; YAML that builds objects is refused.

    Raises:
      ConfigError: it is neither, is nested too deep, or stands for more values than settings have.
      DataError: it cannot be opened.
    """
    import yaml

    try:
        with files.open_file(path, "r") as stream:
            text = stream.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ConfigError(f"'{path}' has more than {_LARGEST:,} characters; no settings have.")
        loaded = json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"'{path}' is neither valid YAML nor JSON: {reason}.") from error
    except RecursionError as error:
        raise ConfigError(f"'{path}' is nested too deep; settings are flat.") from error
    if _unfolds_beyond(loaded, _MOST_VALUES):
        raise ConfigError(f"'{path}' stands for more than {_MOST_VALUES:,} values; no settings do.")
    return loaded


def _unfolds_beyond(value: Any, most: int) -> bool:
    waiting, seen = [value], 0
    while waiting:
        seen += 1
        if seen + len(waiting) > most:
            return True
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple, set)):
            waiting.extend(one)
    return False

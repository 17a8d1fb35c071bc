"""The registry as flat records, without TensorFlow."""

import re
from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.names import choices, counted
from tfinspect.nets.registry import can_be_built, list_specs
from tfinspect.nets.sizes import SIZES
from tfinspect.nets.spec import NetSpec

# What a table for people shows; the formats for programs have every column.
BRIEF = (
    "name",
    "parameters",
    "flops",
    "image_size",
    "preprocessing",
    "label_offset",
    "classes",
    "paper",
    "checkpoint",
)


def network_rows(match: str | None = None) -> list[dict[str, Any]]:
    """Returns one record for each listed network.

    Args:
      match: regular expression found anywhere in the name; None takes all.

    Returns:
      Rows with the keys name, parameters, flops, image_size (H, W, C), minimum_size, preprocessing,
      label_offset, classes, logits_scopes, aux_scopes, paper, license and checkpoint (URL).

    Raises:
      ConfigError: the pattern is none, or is found in no name.
    """
    specs = list_specs()
    try:
        chosen = [spec for spec in specs if match is None or re.search(match, spec.name)]
    except re.error as error:
        raise ConfigError(f"'{match}' is no regular expression ({error}); mend it.") from error
    if not chosen:
        raise ConfigError(_nothing_found(str(match), [spec.name for spec in specs]))
    return [_row(spec) for spec in chosen]


def _nothing_found(match: str, names: list[str]) -> str:
    if can_be_built(match):
        return f"the network '{match}' is not listed; it can be built: give it to --net."
    listed = choices(match.lower(), names)
    case = " (upper and lower case differ)" if match != match.lower() else ""
    return f"the pattern '{match}' is found in no network's name{case}; {listed}."


def remark(rows: list[dict[str, Any]]) -> str:
    """Says how many of the networks are listed, and which others can be built like them."""
    every = len(list_specs())
    count = counted(every, "network") if len(rows) == every else f"{len(rows)} of {every} networks"
    if not any(row["name"].startswith("cifar_resnet") for row in rows):
        return f"{count}."
    return (
        f"{count}; of cifar_resnet{{DEPTH}}_{{v1|v2|bottleneck}} any depth 6n + 2 "
        "(bottleneck: 9n + 2) can be built."
    )


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the columns of a record that a table for people shows."""
    return {name: row[name] for name in BRIEF}


def _row(spec: NetSpec) -> dict[str, Any]:
    size = SIZES[spec.name]
    return {
        "name": spec.name,
        "parameters": size.parameters,
        "flops": size.flops,
        "image_size": spec.image_shape,
        "minimum_size": spec.minimum_size,
        "preprocessing": spec.preprocessing.name,
        "label_offset": spec.label_offset,
        "classes": spec.num_classes,
        "logits_scopes": spec.logits_scopes,
        "aux_scopes": spec.aux_scopes,
        "paper": spec.paper,
        "license": spec.license,
        "checkpoint": spec.checkpoint_url,
    }

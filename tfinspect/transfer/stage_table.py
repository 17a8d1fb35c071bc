"""What each stage does to each part of a network, told before anything is trained."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from tfinspect.names import in_scope
from tfinspect.transfer.frozen import is_statistic
from tfinspect.transfer.load_report import parameters
from tfinspect.transfer.stages import Stage
from tfinspect.transfer.tuned_model import TunedModel, rate_factors

# Of a table that people read at a glance.
MOST_ROWS = 15


def stage_rows(model: TunedModel, stages: Sequence[Stage], batch_norm: str) -> list[dict[str, Any]]:
    """Returns one flat record per stage and part of the network.

    Args:
      model: the network; it is left in the last stage.
      stages: of the run.
      batch_norm: what normalizations of frozen scopes do: `frozen`, `adapt` or `recalibrate`.

    Returns:
      Records with the keys stage, scope, variables, parameters, trained (parameters), learning_rate
      (the peak; None where nothing is trained) and batch_norm (`batch statistics`, `inference`,
      `inference, recalibrated`, or None without normalizations).

    Raises:
      ConfigError: a stage trains nothing, or names a scope that does not exist.
    """
    rows = []
    for stage in stages:
        model.begin(stage)
        for scope in (*model.blocks(), *model.spec.logits_scopes):
            rows.append(_row(model, stage, scope, batch_norm))
    return rows


def collapsed(rows: Sequence[Mapping[str, Any]], most: int = MOST_ROWS) -> list[dict[str, Any]]:
    """Joins consecutive rows that say the same, for people.

    Args:
      rows: as `stage_rows` gives them.
      most: rows with other learning rates are joined too where there would be more than that.

    Returns:
      Rows with the same keys and `scopes`, the number of rows joined in each: `scope` is then
      `first … last`, variables, parameters and trained are sums, and of different rates
      `learning_rate` is the text `lowest … highest`.
    """
    joined = _joined(rows, ("stage", "learning_rate", "batch_norm"))
    return joined if len(joined) <= most else _joined(rows, ("stage", "batch_norm"))


def _joined(rows: Sequence[Mapping[str, Any]], alike: Sequence[str]) -> list[dict[str, Any]]:
    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (bool(row["trained"]), *(row[name] for name in alike))

    return [_one(list(group)) for _, group in itertools.groupby(rows, key)]


def _one(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, last = rows[0], rows[-1]
    ends = [first["scope"], last["scope"]]
    rates = sorted({row["learning_rate"] for row in rows if row["learning_rate"] is not None})
    sums = {name: sum(row[name] for row in rows) for name in ("variables", "parameters", "trained")}
    rate = f"{rates[0]:.3g} … {rates[-1]:.3g}" if len(rates) > 1 else first["learning_rate"]
    scope = " … ".join(ends) if len(rows) > 1 else first["scope"]
    return dict(first) | sums | {"scope": scope, "scopes": len(rows), "learning_rate": rate}


def _row(model: TunedModel, stage: Stage, scope: str, batch_norm: str) -> dict[str, Any]:
    inside = {n: v for n, v in model.variables_by_name().items() if in_scope(n, scope)}
    trained = [v.name.removesuffix(":0") for v in model.trainable_weights]
    mine = [name for name in trained if name in inside]
    factors = rate_factors(stage, trained, model.blocks()) or {}
    rates = {factors.get(name, 1.0) for name in mine}
    return {
        "stage": stage.name,
        "scope": scope,
        "variables": len(inside),
        "parameters": sum(parameters(tuple(v.shape)) for v in inside.values()),
        "trained": sum(parameters(tuple(inside[name].shape)) for name in mine),
        "learning_rate": stage.learning_rate * max(rates) if rates else None,
        "batch_norm": _mode(model, list(inside), batch_norm),
    }


def _mode(model: TunedModel, names: Sequence[str], batch_norm: str) -> str | None:
    normalized = [name for name in names if is_statistic(name)]
    if not normalized:
        return None
    modes = {model.batch_norm_is_frozen(name.rpartition("/")[0]) for name in normalized}
    frozen = "inference, recalibrated" if batch_norm == "recalibrate" else "inference"
    return " and ".join(frozen if mode else "batch statistics" for mode in sorted(modes))

"""Alarms: a condition on a statistic, such as `zeros>0.95`, that some tensor may meet."""

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.names import choices

_COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_FORM = re.compile(r"\s*([a-z_]+)\s*(>=|<=|>|<)\s*([-+.\de]+)\s*", re.IGNORECASE)
# Of the moments there is none where a tensor has no finite value: that is within no bound.
_COUNTS = ("dead", "nan", "inf")
_MOMENTS = ("min", "max", "mean", "std", "drift", "shift", "channel_shift")
METRICS = ("zeros", "saturated", *_COUNTS, *_MOMENTS)
# Metrics that only a comparison with a reference has.
COMPARED = ("drift", "shift", "channel_shift")


@dataclass(frozen=True)
class Alarm:
    """A condition; `zeros` and `saturated` are shares, `dead`, `nan` and `inf` counts.

    Attributes:
      metric: one of METRICS.
      comparison: `>`, `<`, `>=` or `<=`.
      bound: what the metric is compared with.
    """

    metric: str
    comparison: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.comparison}{self.bound:g}"

    def raised_by(self, row: Mapping[str, Any]) -> bool:
        """Tells whether a tensor's statistics meet the condition.

        Without a finite value a tensor has no mean, minimum and so on: that raises the alarm, too.
        """
        value = row[self.metric]
        if value is None:
            return self.metric in _MOMENTS
        # A shift may go either way.
        value = abs(value) if self.metric in COMPARED else value
        return bool(_COMPARISONS[self.comparison](value, self.bound))


def parse_alarm(text: str) -> Alarm:
    """Reads an alarm.

    >>> parse_alarm("zeros > 0.95")
    Alarm(metric='zeros', comparison='>', bound=0.95)

    Raises:
      ConfigError: it has another form, or there is no such metric.
    """
    found = _FORM.fullmatch(text)
    try:
        metric, comparison, bound = found.groups() if found else ("", "", "")
        number = float(bound)
    except ValueError as error:
        raise ConfigError(
            f"'{text}' is no alarm; give METRIC>NUMBER, such as 'zeros>0.95', with one of "
            f"{' '.join(_COMPARISONS)} and one of {', '.join(METRICS)}."
        ) from error
    if metric not in METRICS:
        raise ConfigError(
            f"no metric '{metric}' for the alarm '{text}'; {choices(metric, METRICS)}."
        )
    return Alarm(metric, comparison, number)


def raised(alarms: Sequence[Alarm], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Words each alarm that a row raises, `NAME: zeros is 0.97 (alarm zeros>0.95)`.

    Raises:
      ConfigError: an alarm that none of these rows could ever raise.
    """
    for alarm in alarms:
        _check_possible(alarm, rows)
    return [
        f"{row['name']}: {_worded(alarm.metric, row[alarm.metric])} (alarm {alarm})"
        for row in rows
        for alarm in alarms
        if alarm.raised_by(row)
    ]


def require_reference(alarms: Sequence[Alarm]) -> None:
    """Refuses alarms that only a comparison can raise: there is none.

    Raises:
      ConfigError: one of the alarms needs a reference.
    """
    for alarm in alarms:
        if alarm.metric in COMPARED:
            raise ConfigError(
                f"the alarm '{alarm}' compares with other images; give them with --reference DIR."
            )


def _check_possible(alarm: Alarm, rows: Sequence[Mapping[str, Any]]) -> None:
    if any(alarm.metric not in row for row in rows):
        require_reference([alarm])
    if alarm.metric == "saturated" and rows and all(row["saturated"] is None for row in rows):
        raise ConfigError(
            f"the alarm '{alarm}' can never be raised: none of these tensors comes out of an op "
            "with a bounded output (Sigmoid, Tanh, Relu6 and others); choose one with --tensor."
        )


def _worded(metric: str, value: Any) -> str:
    if value is None:
        return f"{metric} is not a number"
    return f"{metric} is {f'{value:,}' if metric in _COUNTS else f'{value:.4g}'}"

"""What a check of gradients found: records, and their words."""

from dataclasses import dataclass

from tfinspect.custom_ops.finite_differences import Index


@dataclass(frozen=True)
class Disagreement:
    """An element of a gradient that finite differences contradict.

    Attributes:
      input: name of the input, or its number.
      index: of the element.
      value: what the gradient says; 0 where it is None.
      expected: what finite differences say.
    """

    input: str
    index: Index
    value: float
    expected: float


@dataclass(frozen=True)
class InputCheck:
    """The gradient with respect to one input.

    Attributes:
      input: name of the input, or its number.
      order: 1 for the gradient, 2 for the gradient of the gradient.
      elements: how many the input has.
      checked: how many of them were compared.
      max_error: largest absolute difference; 0 if none was compared.
      disagreements: the elements beyond the tolerance, worst first.
      problem: why the gradient is wrong before any value is looked at; None for nothing.
      skipped: why it was not checked; None where it was.
    """

    input: str
    order: int
    elements: int
    checked: int = 0
    max_error: float = 0.0
    disagreements: tuple[Disagreement, ...] = ()
    problem: str | None = None
    skipped: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the gradient is what it should be."""
        return not self.disagreements and self.problem is None

    def __str__(self) -> str:
        """Words the result in one line."""
        what = f"{self.input}, order {self.order}: "
        if self.problem or self.skipped:
            return what + (self.problem or f"not checked: {self.skipped}")
        compared = f"{self.checked} of {self.elements} elements, largest error {self.max_error:.3g}"
        if not self.disagreements:
            return f"{what}{compared}"
        worst = self.disagreements[0]
        return (
            f"{what}{len(self.disagreements)} of {self.checked} disagree, the worst at "
            f"{list(worst.index)}: {worst.value:.6g}, expected {worst.expected:.6g}"
        )


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradient` returns; as a text, one line per input and order.

    Attributes:
      checks: one per floating input and order.
      dtype: in which the function was computed.
    """

    checks: tuple[InputCheck, ...]
    dtype: str

    @property
    def ok(self) -> bool:
        """Whether every gradient is what it should be."""
        return all(check.ok for check in self.checks)

    @property
    def max_errors(self) -> dict[str, float]:
        """Input -> largest absolute error of its first derivatives."""
        return {check.input: check.max_error for check in self.checks if check.order == 1}

    def __str__(self) -> str:
        """Words all checks."""
        return "\n".join(str(check) for check in self.checks)

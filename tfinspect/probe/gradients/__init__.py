"""Gradients of single examples, by rules per op of the traced graph."""

from tfinspect.probe.gradients.api import ClippedSum as ClippedSum
from tfinspect.probe.gradients.api import NormResult as NormResult
from tfinspect.probe.gradients.api import PerExampleGradients as PerExampleGradients
from tfinspect.probe.gradients.api import clipped_sum as clipped_sum
from tfinspect.probe.gradients.api import per_example_gradient_norms as per_example_gradient_norms
from tfinspect.probe.gradients.api import per_example_gradients as per_example_gradients
from tfinspect.probe.gradients.probe import GradientProbe as GradientProbe

"""The self-test of a checkpoint, and its comparison with another artifact."""

from dataclasses import dataclass, field

import numpy as np

from tfinspect.data.examples import Progress
from tfinspect.errors import ConfigError
from tfinspect.extraction import Loaded, Request, load_network
from tfinspect.verification.checks import Check, checks
from tfinspect.verification.divergence import Divergence, compared
from tfinspect.verification.golden import Golden, read_golden
from tfinspect.verification.pattern import pattern_image

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
      loaded: the network with its weights, and the load report.
      checks: of the network alone.
      end_points: compared with another artifact; None without one.
      golden: the logits, to be kept.
      notes: what is to be said of the other artifact, in sentences.
    """

    loaded: Loaded = field(repr=False)
    checks: tuple[Check, ...]
    end_points: tuple[Divergence, ...] | None
    golden: Golden
    notes: tuple[str, ...] = ()

    @property
    def first_divergence(self) -> Divergence | None:
        """The first end point that diverges, in the order of the graph."""
        return next((one for one in self.end_points or () if one.diverges), None)

    @property
    def passed(self) -> bool:
        """Whether every check holds and no end point diverges."""
        return all(check.passed for check in self.checks) and self.first_divergence is None


def verify(
    source: str,
    request: Request,
    *,
    against: str | None = None,
    golden: str | None = None,
    tolerance: float = TOLERANCE,
    progress: Progress | None = None,
) -> Verification:
    """Loads weights into their network with proof, and looks whether they work there.

    Every variable must be loaded; values must be finite and variances positive; logits of a fixed
    pattern must be the same twice, eagerly, and from the frozen graph imported again, and others
    for the pattern upside down.

    Args:
      source: as `load_network` takes it.
      request: which network; no end point is named.
      against: path of another artifact of the same network; None compares with none.
      golden: path of golden logits; None compares with none.
      tolerance: largest difference, as part of the largest value of a tensor.
      progress: of a download.

    Raises:
      ConfigError: the golden file is none, or of another network or size; or the other artifact
        takes images of another size, or has nothing in common.
      NetworkError: as `load_network`.
      LoadError: a variable of either artifact cannot be loaded.
      ArtifactError: one of them cannot be read or run.
    """
    if tolerance < 0:
        raise ConfigError(f"a tolerance of {tolerance} cannot be met; give 0 or more.")
    before = None if golden is None else read_golden(golden)
    loaded = load_network(source, request, progress=progress)
    spec = loaded.part.spec
    if before is not None:
        before.require(spec.name, spec.image_shape, str(golden))
    pixels = pattern_image(*spec.image_shape)
    images = np.asarray(spec.preprocessing.apply(pixels))
    logits, found = checks(loaded, images, tolerance, before)
    kept = Golden(spec.name, spec.image_shape, logits)
    if against is None:
        return Verification(loaded, tuple(found), None, kept)
    both = compared(loaded, against, request, pixels, tolerance)
    return Verification(loaded, tuple(found), both.end_points, kept, both.notes)

"""Which variables are kernels, of what kind, and the one shape in which all of them are drawn.

A kernel is taken as `[kh, kw, in, out]`: rows and columns of the window, input channels, filters.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tfinspect.entries import VariableEntry
from tfinspect.errors import ConfigError

CONVOLUTION = "convolution"
TRANSPOSED = "transposed convolution"
DEPTHWISE = "depthwise convolution"
SEPARABLE = "separable convolution"
DENSE = "dense"

KernelShape = tuple[int, int, int, int]
ImageShape = tuple[int, int, int]

# Where no config tells the layer's class, its name does: Keras 3 says `kernel` in all of them.
_DEPTHWISE_LAYER = re.compile(r"depthwise|(^|_)dw(_|\d|$)", re.I)
_TRANSPOSED_LAYER = re.compile(r"transpose|deconv", re.I)
# Class of a Keras layer, and of some variables of it -> what they are.
_CLASSES = (
    (re.compile(r"depthwise_conv\dd"), DEPTHWISE),
    (re.compile(r"conv\dd_transpose"), TRANSPOSED),
    (re.compile(r"conv\dd"), CONVOLUTION),
    (re.compile(r"dense|einsum_dense"), DENSE),
)
# Scales, slopes and means that some layers keep in several axes: no weights of inputs.
_NO_KERNELS = ("alpha", "alphas", "beta", "gamma", "moving_mean", "moving_variance")
_IMAGE_CHANNELS = (3, 1)
# Smaller squares are no images of a data set, only numbers that happen to be squares.
_SMALLEST_IMAGE = 8


@dataclass(frozen=True)
class Kernel:
    """The filters of one layer.

    Attributes:
      name: the variable's; of a separable convolution the scope of its two variables.
      kind: CONVOLUTION, TRANSPOSED, DEPTHWISE, SEPARABLE or DENSE.
      shape: `[kh, kw, in, out]` as it is drawn. A depthwise kernel `[kh, kw, c, m]` has `in` 1 and
        `c * m` filters; of one and three dimensions the windows have one row, or their depth slices
        side by side; a dense layer has windows of 1 x 1, or of its input image.
      parts: the variable; of a separable convolution the depthwise and the pointwise one.
    """

    name: str
    kind: str
    shape: KernelShape
    parts: tuple[VariableEntry, ...]

    @property
    def filters(self) -> int:
        """How many filters there are."""
        return self.shape[3]

    @property
    def on_image(self) -> bool:
        """Whether a dense layer's weights are laid out on the image that it takes."""
        return self.kind == DENSE and self.shape[:2] != (1, 1)

    def description(self) -> str:
        """Words kind and size, such as `3 x 3 convolution, 3 channels to 16 filters`."""
        height, width, channels, filters = self.shape
        if self.on_image:
            return f"dense, {filters:,} units on images of {height} x {width} x {channels}"
        if self.kind == DENSE:
            return f"dense, {channels:,} inputs to {filters:,} units"
        window = (self.parts[0].shape or ())[:-2]
        window = window if len(window) > 1 else (height, width)
        slices = ", slices side by side" if len(window) == 3 else ""
        name = f"{' x '.join(map(str, window))} {self.kind}"
        if self.kind == DEPTHWISE:
            return f"{name}, {filters:,} filters of one channel each"
        return f"{name}, {channels:,} channels to {filters:,} filters{slices}"


def kernels(
    entries: Sequence[VariableEntry], layers: Mapping[str, str] | None = None
) -> list[Kernel]:
    """Returns the kernels among variables, in their order.

    Floating-point variables of two to five axes are kernels; optimizer slots, and scales and slopes
    by their names, are none. The depthwise and the pointwise variable of one scope are one
    separable convolution.

    Args:
      entries: the variables.
      layers: variable's name -> class of its layer, as `Artifact.layer_classes`; what is missing
        goes by names and shapes.
    """
    layers = layers or {}
    usable = [entry for entry in entries if _is_kernel(entry)]
    pairs = _separable_pairs(usable)
    paired = {entry.name for pair in pairs.values() for entry in pair}
    found = []
    for entry in usable:
        if entry.name in pairs:
            found.append(_separable(pairs[entry.name]))
        elif entry.name not in paired:
            found.append(_single(entry, layers.get(entry.name, "")))
    return found


def _is_kernel(entry: VariableEntry) -> bool:
    shape = entry.shape or ()
    if entry.slot or "float" not in entry.dtype or entry.name.rpartition("/")[2] in _NO_KERNELS:
        return False
    return 2 <= len(shape) <= 5 and math.prod(shape) > 0


def _separable_pairs(
    entries: Sequence[VariableEntry],
) -> dict[str, tuple[VariableEntry, VariableEntry]]:
    """Returns the name of whichever of the two comes first -> depthwise and pointwise variable."""
    by_name = {entry.name: (place, entry) for place, entry in enumerate(entries)}
    pairs = {}
    for place, entry in enumerate(entries):
        scope, _, last = entry.name.rpartition("/")
        if "depthwise" not in last or len(entry.shape or ()) not in (3, 4):
            continue
        partner = f"{scope}/{last.replace('depthwise', 'pointwise')}".lstrip("/")
        other_place, other = by_name.get(partner, (0, None))
        if other is not None and _fit(entry, other):
            first = entry if place < other_place else other
            pairs[first.name] = (entry, other)
    return pairs


def _fit(depthwise: VariableEntry, pointwise: VariableEntry) -> bool:
    *window, channels, multiplier = depthwise.shape or ()
    taken = (pointwise.shape or ())[:-1]
    return taken == (*(1 for _ in window), channels * multiplier)


def _separable(pair: tuple[VariableEntry, VariableEntry]) -> Kernel:
    depthwise, pointwise = (entry.shape or () for entry in pair)
    scope = pair[0].name.rpartition("/")[0] or pair[0].name
    shape = _drawn_shape(SEPARABLE, (*depthwise[:-1], pointwise[-1]))
    return Kernel(scope, SEPARABLE, shape, pair)


def _single(entry: VariableEntry, layer: str) -> Kernel:
    shape = entry.shape or ()
    kind = _kind_in(layer, shape) or _kind(entry.name, shape)
    return Kernel(entry.name, kind, _drawn_shape(kind, shape), (entry,))


def _kind_in(layer: str, shape: Sequence[int]) -> str | None:
    """Returns what a kernel of a layer's class is; None where the class does not tell."""
    found = next((kind for pattern, kind in _CLASSES if pattern.fullmatch(layer)), None)
    return None if found != DENSE and len(shape) < 3 else found


def _kind(name: str, shape: Sequence[int]) -> str:
    scope, _, last = name.rpartition("/")
    layer = scope.rpartition("/")[2]
    if len(shape) == 2 or (len(shape) == 3 and "conv" not in name.lower()):
        return DENSE
    if len(shape) in (3, 4) and "pointwise" not in last:
        named = _DEPTHWISE_LAYER.search(layer) and shape[-1] == 1
        if "depthwise" in last or named:
            return DEPTHWISE
    return TRANSPOSED if _TRANSPOSED_LAYER.search(layer) else CONVOLUTION


def _drawn_shape(kind: str, shape: Sequence[int]) -> KernelShape:
    *window, channels, filters = shape
    if kind == DENSE:
        return 1, 1, shape[0], math.prod(shape[1:])
    if kind == DEPTHWISE:
        channels, filters = 1, channels * filters
    if kind == TRANSPOSED:
        channels, filters = filters, channels
    if len(window) == 1:
        return 1, window[0], channels, filters
    if len(window) == 3:
        return window[1], window[0] * window[2], channels, filters
    return window[0], window[1], channels, filters


def on_images(
    found: Sequence[Kernel], *, image_shape: ImageShape | None = None, ordered: bool = False
) -> list[Kernel]:
    """Lays the dense layers that take an image out on it.

    Args:
      found: kernels of one artifact.
      image_shape: height, width and channels of the image, for every dense layer of that many
        inputs; None finds it: square, of 3 or 1 channels for the first layer of a network without
        convolutions, of as many as the convolution before has filters where the order is known.
      ordered: whether the kernels are in the order in which the network uses them.

    Raises:
      ConfigError: no dense layer has as many inputs as the image has values.
    """
    if image_shape is not None:
        return _on_given_image(found, image_shape)
    made = {kernel.filters for kernel in found}
    convolutions = any(kernel.kind != DENSE for kernel in found)
    result: list[Kernel] = []
    for place, kernel in enumerate(found):
        channels: tuple[int, ...] = ()
        if kernel.kind == DENSE and not convolutions and kernel.shape[2] not in made:
            channels = _IMAGE_CHANNELS
        elif kernel.kind == DENSE and ordered and place and found[place - 1].kind != DENSE:
            channels = (found[place - 1].filters,)
        result.append(_on_square(kernel, channels, _SMALLEST_IMAGE if not convolutions else 2))
    return result


def _on_given_image(found: Sequence[Kernel], image_shape: ImageShape) -> list[Kernel]:
    size = math.prod(image_shape)
    # A layer that was laid out before still has as many inputs.
    inputs = {k.name: math.prod(k.shape[:3]) for k in found if k.kind == DENSE}
    fitting = {name for name, count in inputs.items() if count == size}
    if not fitting:
        counts = ", ".join(f"{count:,}" for count in sorted(set(inputs.values()))[:5])
        raise ConfigError(
            f"no dense layer takes images of {' x '.join(map(str, image_shape))} = {size:,} "
            f"values; dense layers here have {counts or 'no'} inputs. "
            "Give height, width and channels whose product is one of these."
        )
    return [_laid_out(k, image_shape) if k.name in fitting else k for k in found]


def _on_square(kernel: Kernel, channels: Sequence[int], smallest: int) -> Kernel:
    for count in channels:
        side = math.isqrt(kernel.shape[2] // count)
        if side >= smallest and side * side * count == kernel.shape[2]:
            return _laid_out(kernel, (side, side, count))
    return kernel


def _laid_out(kernel: Kernel, image_shape: ImageShape) -> Kernel:
    return replace(kernel, shape=(*image_shape, kernel.filters))

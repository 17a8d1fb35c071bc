"""Per-example gradients of convolution kernels.

    dW[n, r, c, i, o] = sum over (h, w) of x[n, s h + d r, s w + d c, i] dy[n, h, w, o]

with stride s, dilation d and x padded. `FORMS` says by size which way is taken:

* groups: the examples become channels of one image, `[1, H, W, N C]`, and the filter gradient of
  that convolution with N groups holds each example's own;
* taps: for each tap (r, c) one batched matmul of a shifted slice of x with dy.

A kernel of one tap is a single matmul. Norms in the Gram form take all taps beside each other.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.probe.gradients.contribution import Contribution, Factors

Op = Any
Tensor = Any
# (form, least and most input channels, least outputs per input channel), the first that fits: on
# large maps the taps' shifted copies cost more than their products, unless channels are few.
FORMS = (("groups", 8, 512, 4), ("taps", 1, None, 0))


@dataclass(frozen=True)
class Geometry:
    """A convolution's sizes along H and W, with x and dy as `[N, H, W, C]`.

    Attributes:
      kernel: (rows, columns).
      stride: the same two.
      dilation: the same two.
      padding: ((before, after), (before, after)), zeros around x.
      output: (H, W) of dy.
      same: whether the padding is TensorFlow's `SAME`.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    output: tuple[int, int]
    same: bool

    @property
    def taps(self) -> list[tuple[int, int]]:
        """All (row, column) of the kernel, in its order."""
        return [(r, c) for r in range(self.kernel[0]) for c in range(self.kernel[1])]

    @property
    def positions(self) -> int:
        """How many outputs there are per channel."""
        return self.output[0] * self.output[1]


def geometry(op: Op, inputs: Tensor, kernel: Any, outputs: Tensor) -> Geometry:
    """Reads the attributes of a Conv2D or DepthwiseConv2dNative op.

    Args:
      op: with its data format's attributes.
      inputs: `[N, H, W, C]`, static.
      kernel: shape, rows and columns first.
      outputs: `[N, H, W, C]`, static.
    """
    letters = op.get_attr("data_format").decode()
    at = [letters.index("H"), letters.index("W")]
    stride = tuple(op.get_attr("strides")[i] for i in at)
    dilation = tuple(op.get_attr("dilations")[i] for i in at)
    size = (int(kernel[0]), int(kernel[1]))
    output = (int(outputs.shape[1]), int(outputs.shape[2]))
    explicit = list(op.get_attr("explicit_paddings"))
    padding = []
    for axis in (0, 1):
        # What the outputs span; SAME pads half of what is missing before, the odd one after.
        span = (output[axis] - 1) * stride[axis] + (size[axis] - 1) * dilation[axis] + 1
        missing = max(0, span - int(inputs.shape[1 + axis]))
        before = {b"SAME": missing // 2, b"VALID": 0}.get(op.get_attr("padding"))
        if before is None:
            before = explicit[2 * at[axis]]
        padding.append((before, max(0, missing - before)))
    same = op.get_attr("padding") == b"SAME"
    return Geometry(size, stride, dilation, tuple(padding), output, same)  # type: ignore[arg-type]


def channels_last(op: Op, tensor: Tensor) -> Tensor:
    """Returns `[N, H, W, C]` of an op's tensor in its data format."""
    if op.get_attr("data_format").decode().startswith("NC"):
        return tf.transpose(tensor, [0, 2, 3, 1])
    return tensor


def _padded(x: Tensor, sizes: Geometry) -> Tensor:
    if any(before or after for before, after in sizes.padding):
        return tf.pad(x, [(0, 0), *sizes.padding, (0, 0)])
    return x


def _slices(x: Tensor, sizes: Geometry) -> list[Tensor]:
    """Returns what each tap sees of x `[N, H, W, C]`: `[N, H', W', C]`, in the kernel's order."""
    x = _padded(x, sizes)
    reach = [(sizes.output[i] - 1) * sizes.stride[i] + 1 for i in (0, 1)]
    starts = [(r * sizes.dilation[0], c * sizes.dilation[1]) for r, c in sizes.taps]
    (sh, sw), (height, width) = sizes.stride, reach
    return [x[:, r : r + height : sh, c : c + width : sw] for r, c in starts]


def _arranged(op: Op, tensor: Tensor, examples: int) -> Tensor:
    """Returns `[N k, H, W, C]`, example by example, of an op's input or its gradient."""
    tensor = channels_last(op, tensor)
    if op.inputs[0].op.type != "SpaceToBatchND":
        return tensor
    blocks = tf.reshape(tensor, [-1, examples, *tensor.shape[1:]])
    return tf.reshape(tf.transpose(blocks, [1, 0, 2, 3, 4]), tensor.shape)


def kernel_gradient(op: Op, dy: Tensor, examples: int) -> Contribution:
    """Returns the contribution of a Conv2D op."""
    x, dy = _arranged(op, op.inputs[0], examples), _arranged(op, dy, examples)
    kernel = op.inputs[1].shape
    sizes = geometry(op, x, kernel, dy)
    groups = int(x.shape[3]) // int(kernel[2])
    if groups != 1:
        return _grouped(x, dy, sizes, groups, examples)
    return _correlation(x, dy, sizes, examples)


def transposed_gradient(op: Op, dy: Tensor, examples: int) -> Contribution:
    """Returns the contribution of a transposed convolution: x and dy have changed places."""
    x, dy = channels_last(op, op.inputs[2]), channels_last(op, dy)
    return _correlation(dy, x, geometry(op, dy, op.inputs[1].shape, x), examples)


def _correlation(x: Tensor, dy: Tensor, sizes: Geometry, examples: int) -> Contribution:
    channels, columns = int(x.shape[3]), int(dy.shape[3])
    positions = sizes.positions * (int(x.shape[0]) // examples)
    form = _form(channels, positions, sizes)

    def factors() -> tuple[Tensor, Tensor]:
        return _patches(x, sizes, examples), _flat(dy, examples)

    def blocks() -> list[Tensor]:
        if form == "groups":
            return [_by_groups(x, dy, sizes, examples)]
        right = _flat(dy, examples)
        parts = (_flat(part, examples) for part in _slices(x, sizes))
        return [tf.matmul(part, right, transpose_a=True) for part in parts]

    product = Factors(factors, positions, len(sizes.taps) * channels, columns)
    return Contribution(f"convolution, {form}", blocks, product)


def _form(channels: int, positions: int, sizes: Geometry) -> str:
    if len(sizes.taps) == 1:
        return "pointwise"
    return next(
        form
        for form, fewest, most, least in FORMS
        if channels >= fewest
        and (most is None or channels <= most)
        and positions >= least * channels
        and (form != "groups" or groups_run())
    )


@functools.cache
def groups_run() -> bool:
    """Tells whether this machine's TensorFlow has filter gradients of grouped convolutions."""
    with tf.init_scope():
        ones = tf.ones([1, 2, 2, 4])
        try:
            tf.raw_ops.Conv2DBackpropFilter(
                input=ones,
                filter_sizes=[1, 1, 2, 4],
                out_backprop=ones,
                strides=[1, 1, 1, 1],
                padding="VALID",
            )
        except tf.errors.OpError:
            return False
        return True


def _by_groups(x: Tensor, dy: Tensor, sizes: Geometry, examples: int) -> Tensor:
    """Returns `[N, kh kw I, O]`."""
    # oneDNN, which alone has groups on CPUs, does not take explicit paddings.
    gradient = tf.raw_ops.Conv2DBackpropFilter(
        input=_as_channels(x if sizes.same else _padded(x, sizes), examples),
        filter_sizes=[*sizes.kernel, x.shape[3], examples * dy.shape[3]],
        out_backprop=_as_channels(dy, examples),
        strides=[1, *sizes.stride, 1],
        dilations=[1, *sizes.dilation, 1],
        padding="SAME" if sizes.same else "VALID",
    )
    split = tf.reshape(gradient, [-1, examples, int(dy.shape[3])])
    return tf.transpose(split, [1, 0, 2])


def _as_channels(tensor: Tensor, examples: int) -> Tensor:
    """`[N k, H, W, C]` to `[k, H, W, N C]`."""
    _, height, width, channels = tensor.shape
    apart = tf.reshape(tensor, [examples, -1, height, width, channels])
    return tf.reshape(
        tf.transpose(apart, [1, 2, 3, 0, 4]), [-1, height, width, examples * channels]
    )


def _flat(tensor: Tensor, examples: int) -> Tensor:
    """`[N k, H, W, C]` to `[N, k H W, C]`."""
    return tf.reshape(tensor, [examples, -1, int(tensor.shape[-1])])


def _patches(x: Tensor, sizes: Geometry, examples: int) -> Tensor:
    slices = _slices(x, sizes)
    return _flat(slices[0] if len(slices) == 1 else tf.concat(slices, -1), examples)


def _grouped(x: Tensor, dy: Tensor, sizes: Geometry, groups: int, examples: int) -> Contribution:
    """Each group of output channels sees its own group of input channels."""

    def split(tensor: Tensor) -> Tensor:  # [N, P, G, C / G]
        flat = _flat(tensor, examples)
        return tf.reshape(flat, [examples, int(flat.shape[1]), groups, -1])

    def blocks() -> list[Tensor]:
        right = split(dy)
        return [tf.einsum("npgi,npgo->nigo", split(part), right) for part in _slices(x, sizes)]

    return Contribution("grouped convolution, taps", blocks)


def depthwise_gradient(op: Op, dy: Tensor, examples: int) -> Contribution:
    """Returns the contribution of a DepthwiseConv2dNative op: `dW[n, r, c, i, m]`."""
    x, dy = _arranged(op, op.inputs[0], examples), _arranged(op, dy, examples)
    channels, multiplier = (int(size) for size in op.inputs[1].shape[2:])
    sizes = geometry(op, x, op.inputs[1].shape, dy)

    def blocks() -> list[Tensor]:
        right = tf.reshape(dy, [examples, -1, channels, multiplier])
        return [
            tf.reduce_sum(_flat(part, examples)[..., None] * right, 1) for part in _slices(x, sizes)
        ]

    return Contribution("depthwise convolution, taps", blocks)


RULES: dict[tuple[str, int], Callable[[Op, Tensor, int], Contribution | None]] = {
    ("Conv2D", 1): kernel_gradient,
    ("Conv2DBackpropInput", 1): transposed_gradient,
    ("DepthwiseConv2dNative", 1): depthwise_gradient,
}

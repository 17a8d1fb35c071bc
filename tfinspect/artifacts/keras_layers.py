"""The variables of Keras's own layers, and what a model's config says of its layers.

Keras's `.keras` and `.weights.h5` files number the variables of a layer; their names are those in
the layers' `build` methods (`keras/src/layers` of Keras 3, `tf_keras/src/layers` of Keras 2).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Shape = tuple[int, ...]


class _Weight(NamedTuple):
    name: str
    # None for any rank.
    rank: int | None
    # The key of the config that leaves the weight out when it is false.
    option: str | None = None
    trainable: bool = True


def _kernel(rank: int | None, name: str = "kernel") -> tuple[_Weight, ...]:
    return (_Weight(name, rank), _Weight("bias", 1, "use_bias"))


_SCALE = (_Weight("gamma", 1, "scale"), _Weight("beta", 1, "center"))
_BATCH_NORM = (
    *_SCALE,
    _Weight("moving_mean", 1, trainable=False),
    _Weight("moving_variance", 1, trainable=False),
)
_CELL = (
    _Weight("kernel", 2),
    _Weight("recurrent_kernel", 2),
    _Weight("bias", None, "use_bias"),
)
_SEPARABLE = {
    f"separable_conv{axes}d": (
        _Weight("depthwise_kernel", axes + 2),
        _Weight("pointwise_kernel", axes + 2),
        _Weight("bias", 1, "use_bias"),
    )
    for axes in (1, 2)
}
_CONV = {
    f"conv{axes}d{kind}": _kernel(axes + 2) for axes in (1, 2, 3) for kind in ("", "_transpose")
}
_STATE = (_Weight("seed_generator_state", 1, trainable=False),)
# Class, in Keras's snake case -> its variables, the trainable ones first.
_LAYERS: dict[str, tuple[_Weight, ...]] = {
    **_CONV,
    **_SEPARABLE,
    "depthwise_conv1d": _kernel(3, "depthwise_kernel"),
    "depthwise_conv2d": _kernel(4, "depthwise_kernel"),
    "dense": _kernel(2),
    "einsum_dense": (_Weight("kernel", None), _Weight("bias", None, "bias_axes")),
    "batch_normalization": _BATCH_NORM,
    "sync_batch_normalization": _BATCH_NORM,
    "layer_normalization": _SCALE,
    "group_normalization": _SCALE,
    "embedding": (_Weight("embeddings", 2),),
    "p_re_lu": (_Weight("alpha", None),),
    "lstm_cell": _CELL,
    "gru_cell": _CELL,
    "simple_rnn_cell": _CELL,
    "seed_generator": _STATE,
    "normalization": (
        _Weight("mean", None, trainable=False),
        _Weight("variance", None, trainable=False),
        _Weight("count", 0, trainable=False),
    ),
}
# Attributes of wrappers and attention -> the class that stands there.
_ATTRIBUTES = {
    "query_dense": "einsum_dense",
    "key_dense": "einsum_dense",
    "value_dense": "einsum_dense",
    "output_dense": "einsum_dense",
    "seed_generator": "seed_generator",
}
_WRAPPED = ("layer", "forward_layer", "backward_layer")
_CELLS = {"lstm": "lstm_cell", "gru": "gru_cell", "simple_rnn": "simple_rnn_cell"}
_LEFT_OUT = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Layer:
    """One layer as the config describes it.

    Attributes:
      name: of the layer; empty for a part of a layer.
      kind: its class in Keras's snake case.
      settings: its config.
      trainable: whether it and all that it stands in may be trained.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    trainable: bool = True


def snake_case(name: str) -> str:
    """Returns a class's name as Keras spells it in group names.

    >>> snake_case("Conv2DTranspose"), snake_case("BatchNormalization")
    ('conv2d_transpose', 'batch_normalization')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def layers_of(model: Any, container: str = "layers") -> dict[str, Layer]:
    """Returns the group's path in a weights file -> layer, for every layer of a config.

    Args:
      model: the parsed JSON of a model; anything at all.
      container: Keras 2.13 and before called it `_layer_checkpoint_dependencies`.
    """
    root = Layer("", "", {}, True)
    return dict(_below(_config(model), "", container, root))


def _config(described: Any) -> Mapping[str, Any]:
    found = described.get("config") if isinstance(described, dict) else None
    return found if isinstance(found, dict) else {}


def _below(
    settings: Mapping[str, Any], path: str, container: str, parent: Layer
) -> Iterator[tuple[str, Layer]]:
    used: dict[str, int] = {}
    layers = settings.get("layers")
    for described in layers if isinstance(layers, list) else ():
        layer = _layer(described, parent)
        # An op in a functional model stands among its layers, but has no group.
        if layer is None or ".ops" in str(described.get("module")):
            continue
        count = used[layer.kind] = used.get(layer.kind, -1) + 1
        place = f"{path}{container}/{layer.kind}" + (f"_{count}" if count else "")
        yield place, layer
        yield from _parts(place, layer, container)


def _parts(place: str, layer: Layer, container: str) -> Iterator[tuple[str, Layer]]:
    yield from _below(layer.settings, f"{place}/", container, layer)
    wrapped = _layer(layer.settings.get("layer"), layer)
    for attribute in _WRAPPED if wrapped is not None else ():
        assert wrapped is not None
        part = Layer("", wrapped.kind, wrapped.settings, wrapped.trainable)
        yield f"{place}/{attribute}", part
        yield from _parts(f"{place}/{attribute}", part, container)
    if layer.kind in _CELLS:
        yield f"{place}/cell", Layer("", _CELLS[layer.kind], layer.settings, layer.trainable)


def _layer(described: Any, parent: Layer) -> Layer | None:
    if not isinstance(described, dict) or not isinstance(described.get("class_name"), str):
        return None
    settings = _config(described)
    name = settings.get("name")
    return Layer(
        name if isinstance(name, str) else "",
        snake_case(described["class_name"]),
        settings,
        parent.trainable and settings.get("trainable", True) is not False,
    )


def kind_of_group(component: str) -> str:
    """Returns the class that a group's name stands for; '' for none of Keras's own.

    >>> kind_of_group("conv2d_1"), kind_of_group("my_block")
    ('conv2d', '')
    """
    plain = component.lstrip("_")
    kind = _ATTRIBUTES.get(plain) or _LEFT_OUT.sub("", plain)
    return kind if kind in _LAYERS else ""


def variable_names(
    kind: str, shapes: Sequence[Shape], settings: Mapping[str, Any] | None, *, keras3: bool
) -> list[tuple[str, bool]] | None:
    """Returns name and trainability of a layer's variables, in the order of their numbers.

    Args:
      kind: the layer's class in snake case.
      shapes: of the variables.
      settings: the layer's config; None where it is not known.
      keras3: Keras 3 calls a depthwise kernel `kernel`.

    Returns:
      None where the class is not known, or has other variables than it should.
    """
    row = _row(kind, keras3)
    if settings is not None:
        row = tuple(w for w in row if w.option is None or settings.get(w.option, True))
    elif len(row) != len(shapes):
        row = tuple(weight for weight in row if weight.option is None)
    fits = len(row) == len(shapes) and all(
        weight.rank in (None, len(shape)) for weight, shape in zip(row, shapes, strict=True)
    )
    return [(weight.name, weight.trainable) for weight in row] if row and fits else None


def _row(kind: str, keras3: bool) -> tuple[_Weight, ...]:
    row = _LAYERS.get(kind, ())
    if keras3 and kind.startswith("depthwise_conv"):
        return (row[0]._replace(name="kernel"), *row[1:])
    return row


def is_trainable(layer: Layer, weight: str) -> bool | None:
    """Tells whether a layer's weight is trained; None for a layer that is not Keras's own."""
    if not layer.trainable:
        return False
    for found in _row(layer.kind, keras3=True) + _row(layer.kind, keras3=False):
        if found.name == weight:
            return found.trainable
    return None

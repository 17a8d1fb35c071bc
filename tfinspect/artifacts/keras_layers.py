"""The variables of Keras's own layers, and what a model's config says of its layers.

Keras's `.keras` and `.weights.h5` files number the variables of a layer; their names are those in
the layers' `build` methods (`keras/src/layers` of Keras 3, `tf_keras/src/layers` of Keras 2).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
# Attribute of an attention layer -> the name of the layer that stands there.
_ATTENTION = {
    "query_dense": "query",
    "key_dense": "key",
    "value_dense": "value",
    "output_dense": "attention_output",
}
# Class of a wrapper -> attribute -> what it puts before the name of the layer that it wraps.
_WRAPPED = {"bidirectional": {"forward_layer": "forward_", "backward_layer": "backward_"}}
_WRAPPER = {"layer": ""}
# A small config of wrappers in wrappers describes any number of layers.
_MOST_CHARACTERS = 64 << 20
_CELLS = {"lstm": "lstm_cell", "gru": "gru_cell", "simple_rnn": "simple_rnn_cell"}
_LEFT_OUT = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Layer:
    """One layer as the config describes it.

    Attributes:
      scope: its name behind those of the layers that it stands in, `encoder/attention/query`.
      kind: its class in Keras's snake case.
      settings: its config.
      trainable: whether it and all that it stands in may be trained.
    """

    scope: str
    kind: str
    settings: Mapping[str, Any]
    trainable: bool = True

    @property
    def name(self) -> str:
        """Its own name."""
        return self.scope.rpartition("/")[2]


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

    Raises:
      ValueError: it describes more layers than a model has.
    """
    root = Layer("", "", _config(model))
    found, characters = {}, 0
    for place, layer in _listed(root.settings.get("layers"), container, container, root):
        characters += len(place) + len(layer.scope)
        if characters > _MOST_CHARACTERS:
            raise ValueError("it describes more layers than a model has")
        found[place] = layer
    return found


def _config(described: Any) -> Mapping[str, Any]:
    found = described.get("config") if isinstance(described, dict) else None
    return found if isinstance(found, dict) else {}


def _listed(
    described: Any, place: str, container: str, parent: Layer
) -> Iterator[tuple[str, Layer]]:
    """Yields the layers of a list, whose groups are numbered by their classes."""
    used: dict[str, int] = {}
    for one in described if isinstance(described, list) else ():
        layer = _layer(one, parent)
        # An op in a functional model stands among its layers, but has no group.
        if layer is None or ".ops" in str(one.get("module")):
            continue
        count = used[layer.kind] = used.get(layer.kind, -1) + 1
        path = f"{place}/{layer.kind}" + (f"_{count}" if count else "")
        yield path, layer
        yield from _parts(path, layer, container)


def _parts(place: str, layer: Layer, container: str) -> Iterator[tuple[str, Layer]]:
    """Yields the layers that a layer holds: a model's, a wrapped one, cells, projections."""
    settings = layer.settings
    yield from _listed(settings.get("layers"), f"{place}/{container}", container, layer)
    yield from _listed(settings.get("cells"), f"{place}/cells", container, layer)
    for attribute, part in _attributes(layer):
        yield f"{place}/{attribute}", part
        yield from _parts(f"{place}/{attribute}", part, container)


def _attributes(layer: Layer) -> Iterator[tuple[str, Layer]]:
    wrapped = _layer(layer.settings.get("layer"), layer)
    if wrapped is not None:
        for attribute, before in _WRAPPED.get(layer.kind, _WRAPPER).items():
            # Keras 3 describes the renamed forward layer.
            own = wrapped.name.removeprefix("forward_") if before else wrapped.name
            yield attribute, _renamed(wrapped, before + own)
    cell = _layer(layer.settings.get("cell"), layer)
    if cell is not None:
        yield "cell", cell
    elif layer.kind in _CELLS:
        kind = _CELLS[layer.kind]
        yield "cell", Layer(f"{layer.scope}/{kind}", kind, layer.settings, layer.trainable)
    elif layer.kind == "multi_head_attention":
        settings = {"bias_axes": layer.settings.get("use_bias", True)}
        for attribute, name in _ATTENTION.items():
            part = Layer(f"{layer.scope}/{name}", "einsum_dense", settings, layer.trainable)
            # Keras 2 has private attributes there.
            yield from ((attribute, part), (f"_{attribute}", part))


def _renamed(layer: Layer, name: str) -> Layer:
    return replace(layer, scope=f"{layer.scope.rpartition('/')[0]}/{name}")


def _layer(described: Any, parent: Layer) -> Layer | None:
    if not isinstance(described, dict) or not isinstance(described.get("class_name"), str):
        return None
    settings = _config(described)
    name = settings.get("name")
    kind = snake_case(described["class_name"])
    # A cell that was never named has its class's name.
    own = name if isinstance(name, str) and name else kind
    return Layer(
        f"{parent.scope}/{own}" if parent.scope else own,
        kind,
        settings,
        parent.trainable and settings.get("trainable", True) is not False,
    )


def kind_of_group(path: str) -> str:
    """Returns the class that a group's name stands for; '' for none of Keras's own.

    >>> kind_of_group("layers/conv2d_1"), kind_of_group("layers/gru/cell"), kind_of_group("block")
    ('conv2d', 'gru_cell', '')
    """
    above, _, component = path.rpartition("/")
    plain = component.lstrip("_")
    if plain == "cell":
        return _CELLS.get(_LEFT_OUT.sub("", above.rpartition("/")[2]), "")
    kind = "einsum_dense" if plain in _ATTENTION else _LEFT_OUT.sub("", plain)
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
    if row and keras3 and kind.startswith("depthwise_conv"):
        return (row[0]._replace(name="kernel"), *row[1:])
    return row


def is_trainable(layer: Layer, weight: str) -> bool | None:
    """Tells whether a layer's weight is trained; None for a layer that is not Keras's own."""
    if not layer.trainable:
        return False
    found = _weight(layer, weight)
    return None if found is None else found.trainable


def owns(layer: Layer, weight: str) -> bool:
    """Tells whether Keras's own class of a layer has a weight of this name."""
    return _weight(layer, weight) is not None


def _weight(layer: Layer, name: str) -> _Weight | None:
    rows = _row(layer.kind, keras3=True) + _row(layer.kind, keras3=False)
    return next((found for found in rows if found.name == name), None)

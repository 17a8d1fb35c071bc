"""Models from live Keras models, of Keras 3 and of tf_keras."""

import sys
from collections.abc import Mapping
from typing import Any

from tfinspect.errors import NetworkError
from tfinspect.model.model import Model
from tfinspect.model.output import before_softmax
from tfinspect.model.trace import Built

FAMILIES = ("keras", "tf_keras")


def family(obj: Any) -> str | None:
    """Returns `keras` or `tf_keras` for a model of theirs, else None; nothing is imported."""
    for base in type(obj).__mro__:
        root = base.__module__.partition(".")[0]
        if root in FAMILIES and base.__name__ == "Model":
            return root
    return None


def from_keras(model: Any, kind: str | None = None, checkpoint: str | None = None) -> Model:
    """Makes a model of a live Keras model that takes one batch of images.

    Its end points are the outputs of its layers, by layer name, where the model is functional or
    sequential; nested models and layers that give several tensors are left out.

    Raises:
      NetworkError: its input shape is not known, it takes something else than images, or it has
        several outputs.
    """
    shape, dtype = _input(model)
    return Model(
        model.name,
        kind or ("Keras 3 model" if family(model) == "keras" else "tf_keras model"),
        shape[1:],
        _Builder(model),
        _variables(model),
        checkpoint=checkpoint,
        keras_model=model,
        input_dtype=dtype,
        batch=shape[0],
    )


def _input(model: Any) -> tuple[tuple[Any, ...], str]:
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise NetworkError(
            f"the input shape of the {type(model).__name__} '{model.name}' is not known; give "
            "`tf.function(lambda x: model(x, training=False)).get_concrete_function("
            "tf.TensorSpec([None, H, W, C], tf.float32))`."
        )
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        listed = ", ".join(f"{one.name} {list(one.shape)}" for one in inputs)
        raise NetworkError(
            f"'{model.name}' takes {listed} and not one batch of images [N, H, W, C]; give a "
            "tf.function of one image tensor that calls it."
        )
    if len(outputs) != 1:
        raise NetworkError(
            f"'{model.name}' has {len(outputs)} outputs; give a model of one of them, "
            "`Model(model.inputs, model.outputs[0])`."
        )
    dtype = getattr(inputs[0].dtype, "name", inputs[0].dtype)
    return tuple(inputs[0].shape), dtype


class _Builder:
    def __init__(self, model: Any) -> None:
        self._model = model
        self._names, self._extended = _with_layers(model)

    def __call__(self, images: Any) -> Built:
        if not self._names:
            return Built(before_softmax(self._model(images, training=False)), {})
        output, *layers = self._extended(images, training=False)
        return Built(before_softmax(output), dict(zip(self._names, layers, strict=True)))


def _with_layers(model: Any) -> tuple[list[str], Any]:
    """Returns the names of the layers, and the model with their outputs behind its own."""
    keras = sys.modules[str(family(model))]
    if type(model).call.__module__.partition(".")[0] not in FAMILIES:
        return [], None
    layers = {
        layer.name: output
        for layer in model.layers
        if not isinstance(layer, (keras.Model, keras.layers.InputLayer))
        and (output := _output(layer)) is not None
    }
    try:
        # Under the model's own name, so that its ops keep theirs.
        extended = keras.Model(
            model.inputs[0], [model.outputs[0], *layers.values()], name=model.name
        )
    except ValueError:
        # A layer was first called in another model.
        return [], None
    return list(layers), extended


def _output(layer: Any) -> Any:
    try:
        output = layer.output
    except (AttributeError, ValueError):
        return None
    return output if hasattr(output, "shape") else None


def _variables(model: Any) -> Mapping[str, Any]:
    named: dict[str, Any] = {}
    for variable in model.weights:
        name = getattr(variable, "path", variable.name).removesuffix(":0")
        number = 0
        while (unique := f"{name}_{number}" if number else name) in named:
            number += 1
        # Keras 3 wraps the variable of its backend.
        named[unique] = variable.value if hasattr(variable, "path") else variable
    return named

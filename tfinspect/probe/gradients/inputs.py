"""Images, labels and variables, checked before anything is traced."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError, DataError, NetworkError
from tfinspect.names import choices


def as_model(model: Any) -> Any:
    """Returns a `Model`; whatever else `load_model` takes is loaded."""
    from tfinspect.model import Model, load_model

    return model if isinstance(model, Model) else load_model(model)


def choose_variables(model: Any, variables: Iterable[str] | None) -> dict[str, Any]:
    """Returns the chosen variables by name; None chooses all that are trainable and float.

    Raises:
      ConfigError: the model has no variable of a name, or one that is not float.
      NetworkError: the model has no trainable float variable at all.
    """
    available = {name: one for name, one in model.variables.items() if one.dtype.is_floating}
    if variables is None:
        chosen = {name: one for name, one in available.items() if one.trainable}
        if not chosen:
            raise NetworkError(
                f"'{model.name}' has no trainable float variable: its weights are constants, as in "
                "a frozen graph, or integers; load the model that it was made from."
            )
        return chosen
    names = [variables] if isinstance(variables, str) else list(variables)
    for name in names:
        if name not in available:
            raise ConfigError(
                f"no float variable '{name}' in '{model.name}'; {choices(name, available)}."
            )
    return {name: available[name] for name in names}


def check_images(model: Any, images: Any) -> np.ndarray:
    """Returns the images as an array of the model's dtype, `[N, H, W, C]`.

    Raises:
      DataError: another shape, no image, or values that are not finite.
    """
    array = np.asarray(images, np.dtype(model.input_dtype))
    wanted = list(model.image_shape)
    pairs = zip(array.shape[1:], wanted, strict=False)
    if array.ndim != 4 or any(size is not None and size != given for given, size in pairs):
        shown = ", ".join(str(size or letter) for size, letter in zip(wanted, "HWC", strict=True))
        raise DataError(
            f"images of the shape {list(array.shape)} are not [N, {shown}]; make them with "
            "model.preprocess."
        )
    if not len(array):
        raise DataError("there is no image; give one or more.")
    finite = np.isfinite(array).all(axis=(1, 2, 3))
    if not finite.all():
        raise DataError(
            f"image {int(np.argmin(finite))} holds NaN or infinite values; leave it out or mend it."
        )
    return array


def check_labels(labels: Any, count: int) -> np.ndarray:
    """Returns the labels as an array with N entries.

    Args:
      labels: one per image.
      count: N.

    Raises:
      DataError: another number of labels than of images.
    """
    array = np.asarray(labels)
    if array.ndim < 1 or len(array) != count:
        given = len(array) if array.ndim else "one"
        raise DataError(f"there are {given} labels for {count} images; give one for each image.")
    return array


def check_losses(losses: np.ndarray, first: int) -> None:
    """Refuses losses that are not finite.

    Raises:
      DataError: names the first such example; `first` is the number of the chunk's first.
    """
    finite = np.isfinite(losses)
    if not finite.all():
        place = int(np.argmin(finite))
        raise DataError(
            f"the loss of example {first + place} is {losses[place]}: the weights hold NaN or the "
            "values overflow; `tfinspect list-vars --health` shows which weights."
        )


def check_connected(model: Any, connected: Iterable[str], variables: Mapping[str, Any]) -> None:
    """Refuses a graph in which no chosen variable reaches the losses.

    Raises:
      NetworkError: there is nothing to differentiate.
    """
    if not set(connected) & set(variables):
        raise NetworkError(
            f"no float path leads from the losses of '{model.name}' to "
            f"{choices('', variables)}: the graph is quantized, takes an argmax, or does not use "
            "them; give a model that can be differentiated."
        )

"""What is fed: constants, arrays, image files; read from text, and fitted to a tensor."""

import ast
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.errors import ConfigError, DataError
from tfinspect.play.cast import cast

# Dtypes of what refers to a value.
_HANDLES = ("resource", "variant")
_BETWEEN = "="
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class ImageFiles:
    """Image files, fed as one batch."""

    paths: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.paths)


def parse_feeds(texts: Iterable[str]) -> dict[str, Any]:
    """Reads `NAME=VALUE` texts.

    VALUE is a number, `true`, `false`, a list such as `[1, 2]`, the path of a `.npy` file, or the
    path of an image. Several images for one NAME make one batch.

    >>> parse_feeds(["keep_prob=0.5", "is_training:0=false"])
    {'keep_prob': 0.5, 'is_training:0': False}

    Raises:
      ConfigError: a text has no `=`, or a NAME comes twice with values that are no images.
      DataError: a file is missing, or is no array of numbers.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, between, value = text.partition(_BETWEEN)
        if not between or not name or not value:
            raise ConfigError(f"'{text}' feeds nothing; write NAME=FILE or NAME=VALUE.")
        given, before = _value(value), found.get(name)
        if isinstance(before, ImageFiles) and isinstance(given, ImageFiles):
            given = ImageFiles((*before.paths, *given.paths))
        elif before is not None:
            raise ConfigError(f"'{name}' is fed twice; only images make a batch together.")
        found[name] = given
    return found


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return _constants(value, text)
    return _array(text) if text.endswith(".npy") else ImageFiles((text,))


def _constants(value: Any, text: str) -> np.ndarray:
    try:
        return np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"the rows of '{text}' differ in length; a list that is fed has one shape."
        ) from error


def _array(path: str) -> np.ndarray:
    if not os.path.isfile(path):
        raise DataError(f"there is no '{path}' to feed.")
    try:
        value: np.ndarray = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise DataError(f"'{path}' is no array of NumPy: {error}.") from error
    return value


@dataclass(frozen=True)
class Place:
    """The tensor that a value is fed to.

    Attributes:
      name: as the caller gave it.
      dtype: TensorFlow's name.
      shape: None for unknown rank; None in the place of an unknown size.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    def fit(self, value: Any) -> np.ndarray:
        """Returns a constant or an array in the tensor's type.

        Raises:
          DataError: its type, its shape or its range does not fit; both are named.
        """
        import tensorflow as tf

        if self.dtype in _HANDLES:
            raise DataError(
                f"'{self.name}' is the {self.dtype} of a variable and takes no value itself; feed "
                "an op that reads it (`tfinspect list-tensors PATH --consumers-of "
                f"{self.name}` lists them)."
            )
        if isinstance(value, ImageFiles):
            raise DataError(
                f"{self.beside(value)}, which would be an image file; give {_kinds(self.dtype)}."
            )
        array = np.asarray(value)
        wanted = tf.as_dtype(self.dtype).as_numpy_dtype
        if not _fits(array, wanted) or not _has_shape(array.shape, self.shape):
            raise DataError(f"{self.beside(array)}.")
        return cast(array, self.dtype, self.name)

    def beside(self, value: Any) -> str:
        """Words what the tensor takes, and what it was given."""
        taken = f"'{self.name}' takes {self.dtype} {_shown(self.shape)}, and was given"
        if isinstance(value, ImageFiles):
            return f"{taken} '{value}'"
        array = np.asarray(value)
        return f"{taken} {array.dtype} {_shown(array.shape)}"

    def read(self, images: ImageFiles, preprocess: Any) -> np.ndarray:
        """Returns image files as the tensor takes them: encoded, as pixels, or preprocessed.

        Args:
          images: the files.
          preprocess: from a list of uint8 images to float32 `[N, H, W, C]`.

        Raises:
          DataError: a file is missing or no image.
        """
        if self.dtype == "string":
            return self.fit(np.array([_bytes(path) for path in images.paths], object))
        from tfinspect.data.image_set import read_image_set

        value = preprocess(read_image_set(images.paths).pixels)
        if np.issubdtype(np.dtype(self.dtype), np.integer):
            value = np.round(value).astype(np.int64)
        return self.fit(value)


def _kinds(dtype: str) -> str:
    """Says what may be written for a constant of a type."""
    return "true or false" if dtype == "bool" else "a number, a list or a .npy file"


def _fits(array: np.ndarray, wanted: Any) -> bool:
    if wanted is object or wanted is np.object_:
        return array.dtype == object
    if array.dtype == np.bool_ or wanted is np.bool_:
        return array.dtype == wanted
    if array.dtype.kind not in "iuf":
        return False
    return array.dtype.kind != "f" or not np.issubdtype(wanted, np.integer)


def _has_shape(given: tuple[int, ...], wanted: tuple[int | None, ...] | None) -> bool:
    if wanted is None:
        return True
    pairs = zip(given, wanted, strict=False)
    return len(given) == len(wanted) and all(size in (None, one) for one, size in pairs)


def _shown(shape: Iterable[int | None] | None) -> str:
    if shape is None:
        return "of any shape"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror or error}.") from error


def unknown_feeds(feeds: Mapping[str, Any], existing: Iterable[str], source: str) -> None:
    """Refuses names that a model does not take.

    Raises:
      ConfigError: one of them; the nearest are named.
    """
    from tfinspect.names import choices

    names = list(existing)
    for name in feeds:
        if name not in names:
            raise ConfigError(f"'{source}' has no tensor '{name}' to feed; {choices(name, names)}.")

"""The checks of one record, of any schema, against what its file and manifest say."""

import io
from dataclasses import dataclass

import numpy as np

from tfinspect.data import schema
from tfinspect.data.example_proto import decode_example, kind_of
from tfinspect.errors import DataError

# Names under which other programs keep an image's bytes and its label.
_IMAGE_KEYS = (schema.IMAGE, schema.ENCODED_IMAGE, "image_raw")
_LABEL_KEYS = (schema.LABEL, "image/class/label")

Features = dict[str, list[bytes] | np.ndarray]


class RecordError(DataError):
    """A record that is whole but not what it should be; `kind` groups equal complaints."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class Expected:
    """What records must be like; None where nothing is known.

    `schema` is `raw`, `encoded` or a description of features; `image_bytes` the length of a raw
    image; `num_labels` the number of labels.
    """

    schema: str | None = None
    image_bytes: int | None = None
    num_labels: int | None = None


@dataclass(frozen=True)
class CheckedRecord:
    """A sound record: its schema, image bytes and label (None where it has none)."""

    schema: str
    image: bytes | None
    label: int | None


def check_record(data: bytes, expected: Expected) -> CheckedRecord:
    """Checks one record's data.

    Raises:
      RecordError: it is no Example, of another schema, or its label or image cannot be.
    """
    try:
        features = decode_example(data)
    except DataError as error:
        raise RecordError("example", "is no tf.train.Example") from error
    record = CheckedRecord(
        schema_of(features), _first_bytes(features, _IMAGE_KEYS), _label(features)
    )
    if expected.schema is not None and record.schema != expected.schema:
        raise RecordError(
            "schema", f"has the schema '{record.schema}' instead of '{expected.schema}'"
        )
    _check_label(record.label, expected.num_labels)
    if record.schema == "encoded":
        _check_encoded(record.image or b"", features)
    elif record.schema == "raw":
        _check_raw(record.image or b"", expected.image_bytes)
    return record


def schema_of(features: Features) -> str:
    """Names the schema of decoded features, or describes them when it is another one."""
    kinds = {name: kind_of(values) for name, values in features.items()}
    return schema.infer_schema(kinds) or schema.describe(kinds)


def _first_bytes(features: Features, names: tuple[str, ...]) -> bytes | None:
    for name in names:
        values = features.get(name)
        if isinstance(values, list) and values:
            return values[0]
    return None


def _label(features: Features) -> int | None:
    for name in _LABEL_KEYS:
        values = features.get(name)
        if isinstance(values, np.ndarray) and values.dtype.kind == "i" and len(values):
            return int(values[0])
    return None


def _check_label(label: int | None, num_labels: int | None) -> None:
    if label is None:
        return
    if label < 0:
        raise RecordError("label", f"has the negative label {label}")
    if num_labels is not None and label >= num_labels:
        raise RecordError("label", f"has label {label}, out of the range 0 to {num_labels - 1}")


def _check_raw(image: bytes, expected: int | None) -> None:
    if not image:
        raise RecordError("image", "has no image bytes")
    if expected is not None and len(image) != expected:
        raise RecordError("image", f"has {len(image)} image bytes instead of {expected}")


def _check_encoded(image: bytes, features: Features) -> None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(image)) as opened:
            found = (opened.height, opened.width)
    except Exception as error:  # Pillow's readers raise what their formats make them raise.
        raise RecordError("image", "has image bytes that are no image") from error
    said = tuple(_integer(features, name) for name in (schema.HEIGHT, schema.WIDTH))
    if found != said:
        raise RecordError(
            "image", f"says {said[0]}x{said[1]} pixels but its image has {found[0]}x{found[1]}"
        )


def _integer(features: Features, name: str) -> int:
    values = features[name]
    if not len(values):
        raise RecordError("schema", f"has no '{name}'")
    return int(values[0])

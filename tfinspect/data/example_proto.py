"""`tf.train.Example` without TensorFlow: features to bytes and back.

The messages are those of `tensorflow/core/example/{example,feature}.proto`, built here in a
descriptor pool of their own, so that TensorFlow can be imported in the same process.
"""

import functools
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfinspect.errors import DataError

FeatureValue = bytes | int | float | Sequence[Any] | np.ndarray
_PACKAGE = "tensorflow"
_KIND_OF_DTYPE = {
    "S": "bytes",
    "O": "bytes",
    "f": "float",
    "i": "int64",
    "u": "int64",
    "b": "int64",
}
_KINDS = ("bytes", "float", "int64")


@functools.cache
def _example_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="tfinspect/example.proto", package=_PACKAGE, syntax="proto3"
    )
    field = descriptor_pb2.FieldDescriptorProto
    types = (field.TYPE_BYTES, field.TYPE_FLOAT, field.TYPE_INT64)
    feature = descriptor_pb2.DescriptorProto(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (kind, value_type) in enumerate(zip(_KINDS, types, strict=True), start=1):
        name = f"{kind.capitalize()}List"
        file.message_type.add(name=name).field.add(
            name="value", number=1, label=field.LABEL_REPEATED, type=value_type
        )
        _add_message(feature, f"{kind}_list", number, name).oneof_index = 0
    file.message_type.append(feature)
    _add_features(file)
    _add_message(file.message_type.add(name="Example"), "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def _add_message(message: Any, name: str, number: int, type_name: str) -> Any:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

    return message.field.add(
        name=name,
        number=number,
        label=Field.LABEL_OPTIONAL,
        type=Field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.{type_name}",
    )


def _add_features(file: Any) -> None:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=Field.LABEL_OPTIONAL, type=Field.TYPE_STRING)
    _add_message(entry, "value", 2, "Feature")
    _add_message(features, "feature", 1, "Features.FeatureEntry").label = Field.LABEL_REPEATED


def encode_example(features: Mapping[str, FeatureValue]) -> bytes:
    """Serializes features as one `tf.train.Example`, with its keys sorted.

    A value is one `bytes`, integer or float, or a sequence or array of any shape of one of these
    (flattened in C order); the kind of its list follows from its type. Floats are kept as float32.
    An empty list has no kind, an empty array has its dtype's.

    Raises:
      DataError: a value of another or of mixed type, or an integer beyond int64.
    """
    example = _example_class()()
    for name, value in features.items():
        kind, values = _kind_and_values(name, value)
        feature = example.features.feature[name]
        if kind is None:
            continue
        values_list = getattr(feature, f"{kind}_list")
        values_list.SetInParent()
        try:
            values_list.value.extend(values)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"feature '{name}' cannot be written as a list of {kind}: {error}; "
                "give bytes, floats or integers that fit int64, of one kind."
            ) from error
    return bytes(example.SerializeToString(deterministic=True))


def _kind_and_values(name: str, value: FeatureValue) -> tuple[str | None, list[Any]]:
    if isinstance(value, np.ndarray):
        return _kind_of_dtype(name, value.dtype), value.ravel().tolist()
    values: list[Any] = list(value) if isinstance(value, (list, tuple)) else [value]
    kinds = {_kind_of_value(name, item) for item in values}
    if kinds == {"float", "int64"}:
        return "float", values
    if kinds == {"int64"}:
        return "int64", [int(item) for item in values]
    if len(kinds) > 1:
        raise DataError(
            f"feature '{name}' mixes {' and '.join(sorted(kinds))}; give values of one kind."
        )
    return (kinds.pop() if kinds else None), values


def _kind_of_dtype(name: str, dtype: np.dtype) -> str:
    if dtype.kind not in _KIND_OF_DTYPE:
        raise DataError(
            f"feature '{name}' has dtype '{dtype}'; give an array of bytes, floats or integers."
        )
    return _KIND_OF_DTYPE[dtype.kind]


def _kind_of_value(name: str, value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return "bytes"
    if isinstance(value, (numbers.Integral, np.bool_)):
        return "int64"
    if isinstance(value, numbers.Real):
        return "float"
    raise DataError(
        f"feature '{name}' has a value of type '{type(value).__name__}'; "
        "give bytes (text encoded as UTF-8), floats or integers."
    )


def decode_example(data: bytes) -> dict[str, list[bytes] | np.ndarray]:
    """Reads one serialized `tf.train.Example`.

    Returns a list of `bytes`, a float32 array `[N]` or an int64 array `[N]` per feature; an empty
    list for a feature without a kind.

    Raises:
      DataError: the bytes are no Example.
    """
    from google.protobuf.message import DecodeError

    example = _example_class()()
    try:
        example.ParseFromString(data)
    except DecodeError as error:
        raise DataError(
            f"a record of {len(data)} bytes is no tf.train.Example; "
            "give TFRecord files of Examples."
        ) from error
    return {name: _values(feature) for name, feature in example.features.feature.items()}


def _values(feature: Any) -> list[bytes] | np.ndarray:
    kind = feature.WhichOneof("kind")
    if kind == "float_list":
        return np.array(feature.float_list.value, np.float32)
    if kind == "int64_list":
        return np.array(feature.int64_list.value, np.int64)
    return list(feature.bytes_list.value)


def kind_of(values: list[bytes] | np.ndarray) -> str:
    """Names the kind of a decoded feature: `bytes`, `float` or `int64`."""
    return _KIND_OF_DTYPE[values.dtype.kind] if isinstance(values, np.ndarray) else "bytes"

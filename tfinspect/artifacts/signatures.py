"""Signatures of a MetaGraph: what to feed and what to fetch, by name.

Source: `tensorflow/core/protobuf/meta_graph.proto` (SignatureDef, TensorInfo).
"""

from dataclasses import dataclass
from typing import Any

from tfinspect.artifacts.dtypes import dtype_name
from tfinspect.artifacts.graph_ops import Shape, shape_of


@dataclass(frozen=True)
class SignatureTensor:
    """One input or output of a signature.

    Attributes:
      key: by which callers know it.
      name: of the tensor; several, joined by commas, for a sparse or composite one.
      dtype: TensorFlow's name.
      shape: None for unknown rank; None in the place of an unknown size.
    """

    key: str
    name: str
    dtype: str
    shape: Shape


@dataclass(frozen=True)
class Signature:
    """One way to call a graph.

    Attributes:
      name: such as `serving_default`.
      method: such as `tensorflow/serving/predict`.
      inputs: in the order of their keys.
      outputs: in the order of their keys.
    """

    name: str
    method: str
    inputs: tuple[SignatureTensor, ...]
    outputs: tuple[SignatureTensor, ...]


def signature(name: str, message: Any) -> Signature:
    """Takes a SignatureDef apart."""
    inputs, outputs = (
        tuple(_tensor(key, side[key]) for key in sorted(side))
        for side in (message.inputs, message.outputs)
    )
    return Signature(name, message.method_name, inputs, outputs)


def _tensor(key: str, info: Any) -> SignatureTensor:
    return SignatureTensor(key, _name(info), dtype_name(info.dtype), shape_of(info.tensor_shape))


def _name(info: Any) -> str:
    if info.HasField("coo_sparse"):
        sparse = info.coo_sparse
        parts = (
            sparse.values_tensor_name,
            sparse.indices_tensor_name,
            sparse.dense_shape_tensor_name,
        )
        return ", ".join(parts)
    if info.HasField("composite_tensor"):
        return ", ".join(_name(part) for part in info.composite_tensor.components)
    name: str = info.name
    return name

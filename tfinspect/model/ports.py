"""Where a stored graph takes its images, and which signature says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.model.nodes import Nodes, tensor_name
from tfinspect.names import choices

_FLOATS = ("float32", "float16", "bfloat16", "float64")
_PIXELS = ("uint8",)
_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})
_DEFAULT_SIGNATURE = "serving_default"
_SOURCES = ("Iterator", "QueueDequeue", "Reader", "Decode", "ParseExample", "Dequeue")
# Before this version of the format, a placeholder's empty shape stood for an unknown one.
_STRICT_PLACEHOLDERS = 24

Shape = tuple[int | None, ...] | None


@dataclass(frozen=True)
class Settings:
    """What a caller says of a stored graph; None leaves it to the graph.

    Attributes:
      input_name: tensor that takes the images.
      output_name: tensor whose value, or what comes before its Softmax, are the logits.
      signature: of a SavedModel.
      feeds: tensor name -> value, for what else must be fed.
    """

    input_name: str | None = None
    output_name: str | None = None
    signature: str | None = None
    feeds: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """Where images go in.

    Attributes:
      tensor: name with the output's number.
      outputs: tensors that the signature gives; empty without one.
      dtype: TensorFlow's name; empty for what the graph must tell.
      shape: None for unknown rank.
    """

    tensor: str
    outputs: tuple[str, ...] = ()
    dtype: str = ""
    shape: Shape = None


def choose_input(artifact: Any, nodes: Nodes, settings: Settings) -> Input:
    """Finds where a graph takes its images.

    Args:
      artifact: the graph, as `open_artifact` opens it.
      nodes: of its main graph.
      settings: what the caller says.

    Raises:
      ConfigError: there are several candidates, or what the caller names does not exist.
      ArtifactError: nothing in the graph takes images.
    """
    signatures = _chosen(artifact, settings)
    if settings.input_name is not None:
        outputs = [one.name for signature in signatures[:1] for one in signature.outputs]
        return Input(tensor_name(settings.input_name), tuple(outputs))
    for kinds in (_FLOATS, _PIXELS):
        found = [
            (signature, tensor)
            for signature in signatures
            for tensor in _images(signature.inputs, kinds)
        ]
        if found:
            return _of_signature(artifact, found)
    if settings.signature is None:
        placeholders = _placeholders(artifact, nodes)
        for kinds in (_FLOATS, _PIXELS):
            if listed := _images(placeholders, kinds):
                return _only(artifact, listed)
    raise ArtifactError(_no_images(artifact, nodes, signatures))


def _chosen(artifact: Any, settings: Settings) -> list[Any]:
    signatures = dict(artifact.signatures)
    if settings.signature is None:
        default = signatures.pop(_DEFAULT_SIGNATURE, None)
        return [*([default] if default else []), *signatures.values()]
    if settings.signature not in signatures:
        raise ConfigError(
            f"no signature '{settings.signature}' in '{artifact.path}'; "
            f"{choices(settings.signature, signatures)}."
        )
    return [signatures[settings.signature]]


def output_keys(artifact: Any, settings: Settings) -> dict[str, str]:
    """Returns the tensor of each output of the signatures that may be meant, by its key.

    Raises:
      ConfigError: there is no such signature.
    """
    # Of equal keys the default signature's, which stands first.
    signatures = reversed(_chosen(artifact, settings))
    return {one.key: one.name for signature in signatures for one in signature.outputs}


@dataclass(frozen=True)
class _Placeholder:
    name: str
    dtype: str
    shape: Shape


def _placeholders(artifact: Any, nodes: Nodes) -> list[_Placeholder]:
    import tensorflow as tf

    from tfinspect.artifacts.graph_ops import shape_of

    found = []
    for node in nodes.values():
        if node.op in _PLACEHOLDERS:
            shape = shape_of(node.attr["shape"].shape) if "shape" in node.attr else None
            if shape == () and artifact.producer < _STRICT_PLACEHOLDERS:
                shape = None
            dtype = tf.as_dtype(node.attr["dtype"].type).name
            found.append(_Placeholder(f"{node.name}:0", dtype, shape))
    return found


def _images(tensors: Iterable[Any], kinds: tuple[str, ...]) -> list[Any]:
    """Returns the tensors of rank 4; without any, those of unknown rank."""
    fitting = [tensor for tensor in tensors if tensor.dtype in kinds]
    exact = [tensor for tensor in fitting if tensor.shape is not None and len(tensor.shape) == 4]
    return exact or [tensor for tensor in fitting if tensor.shape is None]


def _of_signature(artifact: Any, found: list[tuple[Any, Any]]) -> Input:
    signature, tensor = found[0]
    same = {one.name for _, one in found}
    by_default = signature.name == _DEFAULT_SIGNATURE
    if sum(other is signature for other, _ in found) > 1 or (len(same) > 1 and not by_default):
        listed = ", ".join(f"'{one.name}' ({other.name})" for other, one in found[:5])
        raise ConfigError(
            f"'{artifact.path}' takes images at several places: {listed}; choose one with "
            "input_name= (--input-name) or signature=."
        )
    outputs = tuple(one.name for one in signature.outputs)
    return Input(tensor.name, outputs, tensor.dtype, tensor.shape)


def _only(artifact: Any, listed: list[_Placeholder]) -> Input:
    if len(listed) > 1:
        names = ", ".join(f"'{one.name}' {_shown(one.shape)}" for one in listed[:5])
        raise ConfigError(
            f"'{artifact.path}' has {len(listed)} placeholders that may take the images: {names}; "
            "choose one with input_name= (--input-name)."
        )
    return Input(listed[0].name, (), listed[0].dtype, listed[0].shape)


def _no_images(artifact: Any, nodes: Nodes, signatures: list[Any]) -> str:
    strings = [
        f"'{tensor.name}'"
        for signature in signatures
        for tensor in signature.inputs
        if tensor.dtype == "string"
    ]
    if strings:
        return (
            f"'{artifact.path}' takes encoded images at {', '.join(strings[:5])} and has no "
            "signature of float images; name the float tensor [N, H, W, C] after the decoding "
            f"with input_name= (`tfinspect list-tensors {artifact.path}` lists all)."
        )
    single = [one for one in _placeholders(artifact, nodes) if _takes_one_image(one)]
    if single:
        listed = ", ".join(f"'{one.name}' {_shown(one.shape)}" for one in single[:5])
        return (
            f"'{artifact.path}' takes single images without a batch dimension at {listed}; name a "
            "tensor [N, H, W, C] behind it with input_name= (--input-name; `tfinspect list-tensors "
            f"{artifact.path}` lists all), or export the model with a batch dimension."
        )
    sources = [f"{node.name}:0" for node in nodes.values() if node.op.startswith(_SOURCES)]
    made = f"; its data come from {', '.join(map(repr, sources[:5]))}" if sources else ""
    inputs = ", ".join(
        f"'{one.name}' {one.dtype} {_shown(one.shape)}" for one in _placeholders(artifact, nodes)
    )
    return (
        f"'{artifact.path}' has no float placeholder [N, H, W, C] (its placeholders: "
        f"{inputs or 'none'}){made}; name the tensor that takes the images with "
        "input_name= (--input-name)."
    )


def _takes_one_image(placeholder: _Placeholder) -> bool:
    shape = placeholder.shape or ()
    return len(shape) == 3 and shape[-1] in (1, 3, 4) and placeholder.dtype in (*_FLOATS, *_PIXELS)


def _shown(shape: Shape) -> str:
    if shape is None:
        return "of unknown rank"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"

"""`list_tensors`: the tensors of an artifact or of a live graph."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, cast

from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.entries import OpEntry, TensorEntry
from tfinspect.errors import ArtifactError
from tfinspect.graph_listing import TensorCriteria, select_tensors
from tfinspect.names import choices

_ALL = TensorCriteria()


def list_tensors(
    obj: Any,
    *,
    scope: str | None = None,
    op_type: str | None = None,
    match: str | None = None,
    criteria: TensorCriteria = _ALL,
    shapes: bool = False,
) -> list[TensorEntry]:
    """Lists the outputs of the ops of a graph.

    Args:
      obj: a path, an opened artifact, or a live object: a `tf.Graph`, a concrete function, a
        `tf_keras` or Keras 3 model.
      scope: only this scope, by whole components.
      op_type: only this type, such as `Relu`.
      match: regular expression found anywhere in the tensor's name.
      criteria: any further choice.
      shapes: whether TensorFlow, imported for it, computes the shapes that a file does not say.

    Raises:
      ArtifactError: there is no graph in it.
      ConfigError: a criterion matches nothing.
    """
    chosen = dataclasses.replace(
        criteria,
        scopes=criteria.scopes + ((scope,) if scope else ()),
        op_types=criteria.op_types + ((op_type,) if op_type else ()),
        match=match if match is not None else criteria.match,
    )
    artifact = open_graph_artifact(obj)
    return select_from(artifact, chosen, ops_of(artifact, shapes=shapes))


def open_graph_artifact(obj: Any) -> Any:
    """Returns the artifact, with its ops, of a path, an artifact or a live object.

    Raises:
      ArtifactError: there is no graph in it.
    """
    if isinstance(obj, (str, os.PathLike)):
        obj = open_artifact(obj)
    elif not isinstance(obj, Artifact):
        from tfinspect.live_graph import as_artifact

        obj = as_artifact(obj)
    if not hasattr(obj, "ops"):
        raise ArtifactError(_without_graph(obj))
    return obj


def _without_graph(artifact: Artifact) -> str:
    """Words where the graph may be: beside a checkpoint, in a run's export, or in a live model."""
    run = os.path.dirname(os.path.dirname(artifact.path))
    places = [f"{artifact.path}.meta", os.path.join(run, "export")]
    found = next((place for place in places if os.path.exists(place)), None)
    if found is not None:
        cure = f"its graph is in '{found}'"
    elif artifact.kind.startswith("Keras"):
        cure = "load the model, and give it to `tfinspect.list_tensors` in Python"
    else:
        cure = "give the MetaGraph (.meta), GraphDef (.pb) or SavedModel that belongs to it"
    return f"'{artifact.path}' ({artifact.kind}) holds no graph, only variables; {cure}."


def select_from(
    artifact: Any, criteria: TensorCriteria, ops: Sequence[OpEntry] | None = None
) -> list[TensorEntry]:
    """Lists the tensors of an opened artifact that holds a graph.

    Args:
      artifact: as `open_graph_artifact` returns it.
      criteria: what is wanted.
      ops: its ops with inferred shapes; None for the shapes that the file says.

    Raises:
      ConfigError: a criterion matches nothing.
    """
    fetched = signature_uses(artifact, "outputs")
    ops = artifact.ops if ops is None else ops
    tensors = select_tensors(ops, criteria, fetched=fetched, saver=artifact.saver_tensors)
    if criteria.outputs and fetched:
        tensors = [tensor for tensor in tensors if tensor.name in fetched]
    return tensors


def get_tensor(obj: Any, name: str) -> Any:
    """Returns a tensor by its name, such as `resnet/stage1/unit1/Relu:0`.

    Args:
      obj: a live object, as `list_tensors` takes them; or a path or an opened artifact.
      name: as `list_tensors` gives it, or a variable's as `list_variables` does.

    Returns:
      Of a live object the `tf.Tensor` in its graph, of its variable the value that it has now.
        Models are traced anew in each call, but for this package's `Model`: several tensors of one
        model are taken from one graph.
      Of an artifact the NumPy value of a variable or constant.

    Raises:
      ArtifactError: no tensor has this name, or a file holds no value of it.
    """
    if isinstance(obj, (str, os.PathLike)):
        obj = open_artifact(obj)
    if isinstance(obj, Artifact):
        return _stored_value(obj, name)
    from tfinspect.live_graph import graph_of
    from tfinspect.live_variables import named_variables

    graph = graph_of(obj)
    try:
        made = graph.get_operation_by_name(name.rpartition(":")[0]).outputs
        # By its whole name: as a number `-1` and `0_1` are places, too.
        return next(tensor for tensor in made if tensor.name == name)
    except (KeyError, ValueError, StopIteration) as error:
        variables = dict(named_variables(obj) or ())
        if name.removesuffix(":0") in variables:
            return _value_of(variables[name.removesuffix(":0")])
        if name in {one.op.name for one in graph.get_collection("variables")}:
            raise ArtifactError(
                f"'{name}' is a variable of this {type(obj).__name__}, whose value a session has; "
                f"let its session run the variable, or take a tensor that reads it, such as "
                f"'{name}/Read/ReadVariableOp:0'."
            ) from error
        names = [made.name for op in graph.get_operations() for made in op.outputs] + [*variables]
        raise ArtifactError(
            f"no tensor '{name}' in this {type(obj).__name__}; {choices(name, names)}."
        ) from error


def _value_of(variable: Any) -> Any:
    import tensorflow as tf

    return tf.convert_to_tensor(variable)


def _stored_value(artifact: Artifact, name: str) -> Any:
    stored = {entry.name for entry in artifact.variables}
    try:
        entry = artifact.entry(name if name in stored else name.removesuffix(":0"))
    except ArtifactError:
        computed = {tensor.name for tensor in artifact.tensors if tensor.function is None}
        if not computed:
            raise
        problem = f"no tensor '{name}' in '{artifact.path}'; {choices(name, computed)}."
        if name in computed:
            problem = (
                f"'{name}' is computed when the graph runs: '{artifact.path}' holds no value of "
                f"it; `tfinspect.load_model('{artifact.path}').fetch(['{name}'], images)` does."
            )
        raise ArtifactError(problem) from None
    return artifact.read(entry.name)


def ops_of(artifact: Any, *, shapes: bool) -> Sequence[OpEntry]:
    """Returns an artifact's ops, with inferred shapes if wanted; TensorFlow is imported for them.

    Raises:
      ArtifactError: TensorFlow refuses the graph.
    """
    if not shapes:
        return cast(Sequence[OpEntry], artifact.ops)
    from tfinspect.shape_inference import with_shapes

    return with_shapes(artifact)


def uses(artifact: Any, criteria: TensorCriteria) -> dict[str, str] | None:
    """Returns where signatures use what is to be fed or fetched; None if neither is asked for."""
    if not artifact.signatures or not (criteria.placeholders or criteria.outputs):
        return None
    return signature_uses(artifact, "inputs" if criteria.placeholders else "outputs")


def signature_uses(artifact: Any, side: str) -> dict[str, str]:
    """Returns tensor name -> where signatures use it, `serving_default: images`.

    Args:
      artifact: one that holds a graph.
      side: `inputs` or `outputs`.
    """
    found: dict[str, list[str]] = {}
    for signature in artifact.signatures.values():
        for tensor in getattr(signature, side):
            for name in tensor.name.split(", "):
                found.setdefault(name, []).append(f"{signature.name}: {tensor.key}")
    return {name: ", ".join(uses) for name, uses in found.items()}

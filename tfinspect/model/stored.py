"""Models from graphs in files: SavedModels, MetaGraphs, GraphDefs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tfinspect.errors import ArtifactError, ConfigError, GraphRefusedError
from tfinspect.model.mixing import require_apart
from tfinspect.model.model import Model
from tfinspect.model.output import before_softmax, choose_output
from tfinspect.model.ports import Input, Settings
from tfinspect.model.prepare import Prepared, prepare
from tfinspect.model.stored_values import Weights
from tfinspect.model.trace import Built
from tfinspect.model.wording import missing_output, refusal


@dataclass(frozen=True)
class StoredGraph:
    """What builds a stored graph.

    Attributes:
      prepared: the graph.
      variables: by the name of their op.
      output: tensor whose value, or what comes before its Softmax, are the logits.
    """

    prepared: Prepared
    variables: Mapping[str, Any] = field(repr=False)
    output: str

    def __call__(self, images: Any) -> Built:
        """Imports the graph into the current one."""
        (output,) = import_graph(self.prepared, self.variables, images, [self.output])
        return Built(before_softmax(output), {})


def import_graph(
    prepared: Prepared, variables: Mapping[str, Any], images: Any, fetches: Sequence[str]
) -> list[Any]:
    """Imports a prepared graph into the current one and returns some of its tensors.

    Raises:
      ConfigError: the current graph cannot capture variables.
      ArtifactError: an op has no such output, or (`GraphRefusedError`) TensorFlow refuses the
        graph.
    """
    import tensorflow as tf
    from tensorflow.python.ops import resource_variable_ops

    graph = tf.compat.v1.get_default_graph()
    if not hasattr(graph, "capture"):
        raise ConfigError(
            "a plain tf.Graph cannot hold the model's variables; call `build` inside a "
            "`tf.function` or `tf.compat.v1.wrap_function`."
        )
    mapped = {prepared.input: images}
    for reference, name in prepared.handles.items():
        mapped[reference] = graph.capture(variables[name].handle)
        # So that a tape around the function watches the variable, as it does for `read_value`.
        resource_variable_ops.variable_accessed(variables[name])
    try:
        found: list[Any] = tf.graph_util.import_graph_def(
            prepared.graph_def, input_map=mapped, return_elements=list(fetches), name=""
        )
    except (ValueError, KeyError, tf.errors.OpError) as error:
        missing = missing_output(error)
        if missing is not None:
            raise ArtifactError(f"{missing}; take one that exists.") from error
        raise GraphRefusedError(f"TensorFlow refuses the graph: {refusal(error)}.") from error
    return found


def from_graph(
    artifact: Any, settings: Settings, weights: Weights, given: Input | None = None
) -> Model:
    """Makes a model of a graph.

    Args:
      artifact: the graph, as `open_artifact` opens it.
      settings: what the caller says of it.
      weights: where its variables' values are.
      given: where the images go in, where that is known.

    Raises:
      ConfigError: the input or the output is ambiguous, or something else must be fed.
      ArtifactError: the graph cannot run here, or values of variables are missing.
    """
    prepared = prepare(artifact, settings, weights.constants, given)
    variables = weights.variables(prepared)
    output, shape = _probe(artifact.path, prepared, variables, settings.output_name)
    name = artifact.path.rstrip("/").rpartition("/")[2].strip("<>")
    return Model(
        name,
        artifact.kind,
        shape[1:],
        StoredGraph(prepared, variables, output),
        weights.named(variables),
        checkpoint=weights.path,
        input_name=prepared.input.partition(":")[0],
        input_dtype=prepared.dtype,
        batch=shape[0],
        notes=prepared.notes,
        outputs=_outputs(artifact, prepared),
    )


def _outputs(artifact: Any, prepared: Prepared) -> dict[str, str]:
    """Returns tensor by the key and by the name that a signature has for it."""
    keys = {
        one.key: prepared.named[one.name]
        for signature in artifact.signatures.values()
        for one in signature.outputs
        if one.name in prepared.named
    }
    return {**prepared.named, **keys}


def _probe(
    path: str, prepared: Prepared, variables: Mapping[str, Any], output_name: str | None
) -> tuple[str, tuple[Any, Any, Any, Any]]:
    """Imports the graph once, to see its shapes; returns the output and the images' shape."""
    import tensorflow as tf

    with tf.__internal__.FuncGraph("probe").as_default():
        name = prepared.input.partition(":")[0]
        images = tf.compat.v1.placeholder(prepared.dtype, prepared.shape, name)
        tensors = import_graph(prepared, variables, images, prepared.outputs)
        chosen = choose_output(path, tensors) if output_name is None else tensors[0]
        require_apart(path, images, before_softmax(chosen))
        shape = (None,) * 4 if images.shape.rank is None else tuple(images.shape)
    return chosen.name, shape

"""From a stored graph to one that only infers, with places for the images and the variables.

Functions are put in the place of their calls, what trains is taken out, and what the images flow
through is kept, under the ops' own names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tfinspect.artifacts.graph_ops import VARIABLE_OPS
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.model import computable, inference
from tfinspect.model.dead_branches import take_live_branches
from tfinspect.model.default_attributes import parse_graph
from tfinspect.model.dropout import bypass_dropout
from tfinspect.model.inline import Inlined, inlined, take_known_branches
from tfinspect.model.library import take_functions
from tfinspect.model.nodes import (
    Nodes,
    by_name,
    consumers_of,
    data_inputs,
    op_name,
    outputs_taken,
    reached,
    tensor_name,
)
from tfinspect.model.ports import Input, Settings, Shape, choose_input, output_keys
from tfinspect.names import choices

# Gradients take these of activations: they are no outputs.
_FILLED = frozenset({"ZerosLike", "OnesLike"})


@dataclass(frozen=True)
class Prepared:
    """A graph that only infers.

    Attributes:
      graph_def: the ops, but for the images' and the variables'.
      input: tensor that the images take the place of.
      dtype: of the images.
      shape: of the images; None for unknown rank.
      handles: reference to a variable's handle -> the variable's name.
      variables: name -> its op in the graph.
      outputs: tensors of the signature, or those that the flow of the images ends in.
      notes: what was changed, in sentences.
      named: an output of the signature -> the tensor that gives it here.
    """

    graph_def: Any = field(repr=False)
    input: str
    dtype: str
    shape: Shape
    handles: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, Any] = field(repr=False)
    outputs: tuple[str, ...]
    notes: tuple[str, ...]
    named: Mapping[str, str] = field(default_factory=dict)


def prepare(
    artifact: Any, settings: Settings, constants: frozenset[str], given: Input | None = None
) -> Prepared:
    """Prepares a graph.

    Args:
      artifact: the graph, as `open_artifact` opens it.
      settings: what the caller says of it.
      constants: ops of a frozen graph that were variables, and become variables again.
      given: where the images go in, where that is known.

    Raises:
      ConfigError: the input or the output is ambiguous, or something else must be fed.
      ArtifactError: the graph cannot run here.
    """
    graph_def = parse_graph(artifact.graph_def())
    main = by_name(graph_def.node)
    chosen = given or choose_input(artifact, main, settings)
    settings = _by_key(artifact, main, settings)
    graph = inlined(graph_def, _roots(main, chosen, settings))
    source = _put_placeholder(artifact, graph, chosen)
    notes = _only_infer(graph, source, settings)
    computed, flowing = computable.flow(graph.nodes, source.tensor)
    outputs = _outputs(artifact, graph, settings, chosen, source, flowing)
    notes += _loops(computed)
    named = {one: graph.resolve(one) for one in chosen.outputs}
    named = {one: found for one, found in named.items() if op_name(found) in flowing}
    fed = {op_name(one) for one in settings.feeds}
    handles, variables = _bind(computed, constants - fed)
    del computed[op_name(source.tensor)]
    library = take_functions(graph_def, computed.values())
    pruned = type(graph_def)(node=computed.values(), library=library, versions=graph_def.versions)
    ends = (handles, variables, outputs, notes, named)
    return Prepared(pruned, source.tensor, source.dtype, source.shape, *ends)


def _by_key(artifact: Any, main: Nodes, settings: Settings) -> Settings:
    """Puts a tensor into the place of the key that a signature has for its output."""
    name = settings.output_name
    if name is None or op_name(name) in main:
        return settings
    return replace(settings, output_name=output_keys(artifact, settings).get(name, name))


def _roots(main: Nodes, chosen: Input, settings: Settings) -> set[str]:
    named = [*chosen.outputs, *([settings.output_name] if settings.output_name else [])]
    roots = {op_name(one) for one in named if op_name(one) in main}
    if op_name(chosen.tensor) in main:
        roots |= {op_name(chosen.tensor), *reached(main, chosen.tensor)}
    return roots or set(main)


def _put_placeholder(artifact: Any, graph: Inlined, chosen: Input) -> Input:
    """Puts a placeholder in the place of the op that gives the images."""
    tensor = graph.resolve(chosen.tensor)
    name, nodes = op_name(tensor), graph.nodes
    if name not in nodes:
        tensors = [f"{one}:0" for one in nodes]
        raise ConfigError(
            f"no tensor '{chosen.tensor}' in '{artifact.path}' to take the images; "
            f"{choices(chosen.tensor, tensors)}. Choose with input_name= (--input-name)."
        )
    dtype, shape = chosen.dtype, chosen.shape
    if not dtype:
        entries = [one for one in artifact.tensors if one.name == tensor_name(chosen.tensor)]
        dtype, shape = entries[0].dtype, entries[0].shape
    if dtype == "string":
        shape = (None,) if shape is None else shape
        _require_batch(artifact, chosen.tensor, shape)
    elif shape is not None and len(shape) != 4:
        raise ConfigError(
            f"'{chosen.tensor}' in '{artifact.path}' has the shape {list(shape)} and takes no "
            "images [N, H, W, C]; name a tensor of four axes with input_name= (--input-name; "
            f"`tfinspect list-tensors {artifact.path}` lists all)."
        )
    rest = f"{name}/other_outputs"
    for node in nodes.values():
        for place, reference in enumerate(node.input):
            if not reference.startswith("^") and op_name(reference) == name:
                same = tensor_name(reference) == tensor
                node.input[place] = name if same else rest
    node = nodes[name]
    nodes[name] = type(node)(name=name, op="Placeholder")
    if any(rest in one.input for one in nodes.values()):
        nodes[rest] = type(node)(name=rest, op="Placeholder")
    return Input(f"{name}:0", (), dtype, shape)


def _require_batch(artifact: Any, tensor: str, shape: Sequence[int | None]) -> None:
    if len(shape) != 1:
        one = "one text" if not shape else f"texts of the shape {list(shape)}"
        raise ConfigError(
            f"'{tensor}' in '{artifact.path}' takes {one} and no batch [N] of encoded images; name "
            "the float tensor [N, H, W, C] after the decoding with input_name= (--input-name; "
            f"`tfinspect list-tensors {artifact.path}` lists all)."
        )


def _only_infer(graph: Inlined, source: Input, settings: Settings) -> tuple[str, ...]:
    nodes = graph.nodes
    inference.feed(nodes, settings.feeds)
    defaults = inference.take_defaults(nodes, op_name(source.tensor))
    take_known_branches(graph)
    inference.plain(nodes)
    inference.drop_gradients(nodes, [settings.output_name or "", source.tensor])
    take_live_branches(nodes)
    normalized = inference.use_moving_averages(nodes, VARIABLE_OPS)
    dropped = bypass_dropout(nodes, source.tensor)
    inference.drop_orders(nodes)
    said = (
        (defaults, "takes its default", "take their defaults"),
        (normalized, "normalizes by moving averages", "normalize by moving averages"),
        (dropped, "drops nothing", "drop nothing"),
    )
    return tuple(_note(names, one, many) for names, one, many in said if names)


def _loops(nodes: Nodes) -> tuple[str, ...]:
    loops = [name for name, node in nodes.items() if node.op == "Enter"]
    if not loops:
        return ()
    return (f"'{loops[0]}' begins a loop of TensorFlow 1: it runs, but has no gradients.",)


def _note(names: Sequence[str], one: str, many: str) -> str:
    if len(names) == 1:
        return f"'{names[0]}' {one}."
    return f"{len(names)} ops {many}, the first '{names[0]}'."


def _outputs(
    artifact: Any,
    graph: Inlined,
    settings: Settings,
    chosen: Input,
    source: Input,
    flowing: set[str],
) -> tuple[str, ...]:
    """Returns the tensors that may be the output; they can be computed."""
    if settings.output_name is not None:
        wanted = [_existing(artifact, graph, settings)]
    else:
        wanted = [graph.resolve(one) for one in chosen.outputs]
        wanted = [one for one in wanted if op_name(one) in graph.nodes]
    if wanted:
        return _computable(artifact, graph.nodes, wanted, source, flowing)
    computable.unsaid(graph.nodes, op_name(source.tensor), flowing)
    return _ends(graph.nodes, flowing) or _nothing(artifact, source)


def _existing(artifact: Any, graph: Inlined, settings: Settings) -> str:
    name = settings.output_name or ""
    tensor = graph.resolve(name)
    if op_name(tensor) not in graph.nodes:
        keys = output_keys(artifact, settings)
        tensors = [f"{one}:0" for one in graph.nodes]
        output = " and no output" if keys else ""
        raise ConfigError(
            f"no tensor{output} '{name}' in what the images of '{artifact.path}' flow through; "
            f"{choices(name, [*keys, *tensors])}. Choose with output_name= (--output-name)."
        )
    return tensor


def _computable(
    artifact: Any, nodes: Nodes, wanted: Sequence[str], source: Input, flowing: set[str]
) -> tuple[str, ...]:
    computed = tuple(one for one in wanted if op_name(one) in flowing)
    if computed:
        return computed
    computable.require_computable(nodes, op_name(source.tensor), wanted)
    raise ConfigError(
        f"'{wanted[0]}' of '{artifact.path}' does not depend on the images at "
        f"'{source.tensor}'; choose both with input_name= (--input-name) and output_name= "
        "(--output-name)."
    )


def _ends(nodes: Nodes, flowing: Iterable[str]) -> tuple[str, ...]:
    """Returns the first outputs of the ops that no op of the flow goes on from."""
    names = {name for name in flowing if nodes[name].op not in _FILLED}
    taken = outputs_taken(consumers_of({name: nodes[name] for name in names}))
    return tuple(f"{name}:0" for name in nodes if name in names and name not in taken)


def _nothing(artifact: Any, source: Input) -> tuple[str, ...]:
    raise ArtifactError(
        f"nothing in '{artifact.path}' can be computed from '{source.tensor}'; name the tensor "
        "that takes the images with input_name= (--input-name)."
    )


def _bind(nodes: Nodes, constants: frozenset[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Takes the variables out of a graph and leaves references to their handles."""
    handles: dict[str, str] = {}
    variables: dict[str, Any] = {}
    taken = {one for node in nodes.values() for one in data_inputs(node)}
    for name, node in list(nodes.items()):
        if node.op not in VARIABLE_OPS and name not in constants:
            continue
        variables[name] = node
        if node.op == "VarHandleOp":
            del nodes[name]
            if f"{name}:0" in taken:
                handles[f"{name}:0"] = name
            continue
        handle = f"{name}/handle"
        read = nodes[name] = type(node)(name=name, op="ReadVariableOp", input=[handle])
        read.attr["dtype"].type = node.attr["dtype"].type
        handles[f"{handle}:0"] = name
    return handles, variables

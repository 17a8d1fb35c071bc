"""Where a network's frozen part ends: the tensors that a stage's trainable part starts from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.model.graph_part import part_function
from tfinspect.nets.keyed_dropout import KEEP
from tfinspect.transfer.tuned_model import TunedModel

_RANDOM = ("Random", "Multinomial", "Truncated")


@dataclass(frozen=True)
class CutNetwork:
    """A network cut in two at a stage's boundary.

    Attributes:
      names: of the tensors at the boundary, each `[N, …]`; they depend on frozen weights alone.
      features: function from preprocessed images to a list of these tensors.
      train_head, evaluate_head: functions from these tensors to logits `[N, classes]`, in training
        (with dropout, statistics of the batch and an update of the moving ones) and in inference.
    """

    names: tuple[str, ...]
    features: Any
    train_head: Any
    evaluate_head: Any


def cut(model: TunedModel) -> CutNetwork | None:
    """Cuts a network where its present stage's trainable part begins.

    Returns:
      None where no features can be computed once for all epochs: the first layers are trained, or
      the features depend on chance or on the other images of the batch.
    """
    training = _traced(model, True)
    live = _live_ops(training, model.trainable_weights)
    edge = _edge(training, live)
    if not edge or any(not _is_per_image(tensor) for tensor in edge):
        return None
    if _changes_state(training, live) or any(one is training.images for one in edge):
        return None
    train_head, evaluate_head = _heads(model, training, live, edge)
    return CutNetwork(
        names=tuple(tensor.name for tensor in edge),
        features=part_function(training.graph, [training.images], edge),
        train_head=train_head,
        evaluate_head=evaluate_head,
    )


def _heads(model: TunedModel, training: "_Traced", live: set[Any], edge: list[Any]) -> Any:
    """Returns the trainable part in training and in inference mode."""
    keeps = training.graph.get_collection(KEEP)
    head = part_function(training.graph, [*edge, *keeps], [_with_updates(training, live)])
    shares = [tf.constant(float(tf.get_static_value(keep))) for keep in keeps]
    if any(op.type.startswith("Assign") for op in live):
        # Statistics of each batch in the trainable part: inference has other ops.
        inference = _traced(model, False)
        same = [inference.graph.get_tensor_by_name(tensor.name) for tensor in edge]
        evaluate = part_function(inference.graph, same, [inference.logits])
    else:
        everything = [tf.ones([]) for _ in keeps]

        def evaluate(*features: Any) -> Any:
            return head(*features, *everything)

    return lambda *features: head(*features, *shares), evaluate


def _with_updates(training: "_Traced", live: set[Any]) -> Any:
    """Returns the logits, behind the updates of the trainable part's moving statistics.

    Nothing else asks for these ops: what only computes the logits leaves them out.
    """
    updates = sorted((op for op in live if op.type.startswith("Assign")), key=lambda op: op.name)
    with training.graph.as_default(), tf.control_dependencies(updates):
        return tf.identity(training.logits)


@dataclass(frozen=True)
class _Traced:
    wrapped: Any
    images: Any
    logits: Any

    @property
    def graph(self) -> Any:
        return self.wrapped.graph


def _traced(model: TunedModel, is_training: bool) -> _Traced:
    made = {}

    def build() -> Any:
        made["images"] = tf.compat.v1.placeholder(
            tf.float32, [None, *model.spec.image_shape], "images"
        )
        made["logits"], _ = model.network(made["images"], is_training)
        return made["logits"]

    wrapped = tf.compat.v1.wrap_function(build, [])
    return _Traced(wrapped, made["images"], made["logits"])


def _live_ops(traced: _Traced, trainable: Iterable[Any]) -> set[Any]:
    """Returns the ops that depend on trainable variables or on chance."""
    handles = {id(variable.handle) for variable in trainable}
    sources = [inner.op for outer, inner in traced.graph.captures if id(outer) in handles]
    sources += [
        op for op in traced.graph.get_operations() if any(word in op.type for word in _RANDOM)
    ]
    return _downstream(sources)


def _downstream(sources: Iterable[Any]) -> set[Any]:
    reached = set(sources)
    waiting = list(reached)
    while waiting:
        for output in waiting.pop().outputs:
            for consumer in output.consumers():
                if consumer not in reached:
                    reached.add(consumer)
                    waiting.append(consumer)
    return reached


def _edge(traced: _Traced, live: set[Any]) -> list[Any]:
    """Returns the tensors that live ops take from the others, if they depend on the images."""
    seen = _downstream([traced.images.op])
    inner = set(live)
    while True:
        found = {
            tensor.ref(): tensor
            for op in inner
            for tensor in op.inputs
            if tensor.op in seen and tensor.op not in inner
        }
        # Shapes are computed anew rather than stored.
        unfit = {tensor.op for tensor in found.values() if not tensor.dtype.is_floating}
        if not unfit:
            return sorted(found.values(), key=lambda tensor: tensor.name)
        inner |= unfit


def _is_per_image(tensor: Any) -> bool:
    shape = tensor.shape
    return bool(shape.rank) and shape[0] is None and None not in shape[1:]


def _changes_state(traced: _Traced, live: set[Any]) -> bool:
    """Tells whether the frozen part assigns variables: statistics that adapt need every image."""
    return any(
        op.type.startswith("Assign") and op not in live for op in traced.graph.get_operations()
    )

"""One graph of a model with its losses, and what every op contributes to the gradients."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import tensorflow as tf

from tfinspect.errors import ConfigError
from tfinspect.probe.gradients import convolution, layers
from tfinspect.probe.gradients.batch_axis import BatchAxis, follow
from tfinspect.probe.gradients.batch_statistics import Examples, ancestors
from tfinspect.probe.gradients.contribution import Contribution
from tfinspect.probe.gradients.default_loss import default_losses
from tfinspect.probe.gradients.folding import Fold, find_folds, freeze
from tfinspect.probe.gradients.sites import Op, Site, Tensor, find_sites, handles

Loss = Callable[[Tensor, Tensor], Tensor]
_Made = TypeVar("_Made")
_RULES = {**convolution.RULES, **layers.RULES}
NO_PATH = "zero: the loss does not depend on it"


@dataclass(frozen=True)
class Part:
    """What one op contributes to the variables that its parameter is computed from."""

    site: Site
    contribution: Contribution
    dy: Tensor

    def made(self, make: Callable[[], _Made]) -> _Made:
        """Calls `make`, the contribution's `blocks` or its factors'.

        Not before dy is there: copies of the inputs, made during the forward pass already, would
        stay in memory all the time.
        """
        with tf.control_dependencies([self.dy]):
            return make()

    def reaches(self, variable: Any) -> bool:
        """Whether the parameter has a gradient with respect to one of its variables."""
        parameter = self.site.parameter
        return self.site.direct or tf.gradients(parameter, variable)[0] is not None


@dataclass(frozen=True)
class Differentiated:
    """A model's graph with all that the gradients are made of.

    Attributes:
      logits: `[N, classes]`.
      losses: float32 `[N]`.
      parts: contributions by the rules per op.
      others: variables that no rule covers -> why.
      connected: variables that the losses have a gradient by, through the rules.
      examples: N.
    """

    logits: Tensor
    losses: Tensor
    parts: tuple[Part, ...]
    others: Mapping[str, str]
    connected: frozenset[str]
    examples: int


def losses_of(
    model: Any, images: Tensor, labels: Tensor, loss: Loss | None
) -> tuple[Tensor, Tensor]:
    """Builds a model in the current graph and returns its logits and the losses `[N]`.

    Raises:
      ConfigError: the loss gives one number for all of the batch.
      NetworkError, DataError: no loss is given, and there is none for these logits and labels.
    """
    logits = model.build(images).logits
    if loss is None:
        losses = default_losses(model, labels, logits)
    else:
        losses = tf.cast(tf.convert_to_tensor(loss(labels, logits)), tf.float32)
    if losses.shape.as_list() != [images.shape[0]]:
        raise ConfigError(
            f"the loss has the shape {losses.shape.as_list()} for {images.shape[0]} examples; the "
            "gradients are of each example's own loss: return one value per example, [N], no mean "
            "(of a Keras loss: reduction='none')."
        )
    return logits, losses


def differentiate(
    model: Any, images: Tensor, labels: Tensor, loss: Loss | None, variables: Mapping[str, Any]
) -> Differentiated:
    """Builds a model in the current graph and finds the contributions of its ops.

    Raises:
      NetworkError: a batch normalization is in training mode.
      ConfigError: the loss is no value per example.
    """
    graph, examples = tf.compat.v1.get_default_graph(), int(images.shape[0])
    logits, losses = losses_of(model, images, labels, loss)
    ops = ancestors([losses])
    axis = follow(ops, [images, labels], Examples(examples, model.batch == 1))
    sites = find_sites(ops, axis, handles(graph, variables))
    others = _without_rules(sites, axis, losses)
    sites = [site for site in sites if not site.names <= others.keys()]
    parts = _parts(sites, ops, losses, examples)
    connected = frozenset(
        name for part in parts for name in part.site.names if part.reaches(variables[name])
    )
    return Differentiated(logits, losses, tuple(parts), others, connected, examples)


def _without_rules(sites: Sequence[Site], axis: BatchAxis, losses: Tensor) -> dict[str, str]:
    if axis.unknown is not None or id(losses) not in axis.major:
        op: Op = losses.op if axis.unknown is None else axis.unknown
        names = frozenset[str]().union(*(site.names for site in sites))
        return dict.fromkeys(sorted(names), f"'{op.name}' ({op.type}) might mix the examples")
    others = {}
    for site in sites:
        make = _RULES.get((site.op.type, site.index))
        # A rule looks at shapes alone when it is asked; the gradient has its output's shape.
        if make is None or make(site.op, site.op.outputs[0], axis.examples) is None:
            reason = f"'{site.op.name}' ({site.op.type}) has no rule"
            others.update(dict.fromkeys(sorted(site.names), reason))
    return others


def _parts(sites: Sequence[Site], ops: Sequence[Op], losses: Tensor, examples: int) -> list[Part]:
    if not sites:
        return []
    folds = find_folds(sites, examples)
    read: dict[int, Op] = {id(site.op): site.op for site in sites}
    read |= {id(fold.convolution): fold.normalization for fold in folds}
    freeze(ops)
    outputs = [read[id(site.op)].outputs[0] for site in sites]
    unique = list({id(output): output for output in outputs}.values())
    gradients = dict(zip(map(id, unique), tf.gradients(tf.reduce_sum(losses), unique), strict=True))
    folded = _folded(folds, gradients, examples)
    parts = []
    for site, output in zip(sites, outputs, strict=True):
        if gradients[id(output)] is not None:
            dy = tf.convert_to_tensor(gradients[id(output)])
            made = folded.get((id(site.op), site.index))
            made = made or _RULES[site.op.type, site.index](site.op, dy, examples)
            # `_without_rules` has asked the rule.
            parts.append(Part(site, cast(Contribution, made), dy))
    return parts


def _folded(
    folds: Sequence[Fold], gradients: Mapping[int, Tensor], examples: int
) -> dict[tuple[int, int], Contribution]:
    found: dict[tuple[int, int], Contribution] = {}
    for fold in folds:
        dy = gradients[id(fold.normalization.outputs[0])]
        if dy is not None:
            found |= fold.contributions(dy, examples)
    return found

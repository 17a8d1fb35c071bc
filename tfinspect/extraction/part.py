"""A network as far as it is wanted: whole, or up to one end point."""

import functools
from collections.abc import Mapping
from typing import Any

from tfinspect.errors import NetworkError
from tfinspect.extraction.inference_graph import InferenceGraph, import_inference, inference_graph
from tfinspect.model.model import Model
from tfinspect.model.slim import from_network
from tfinspect.names import choices

LOGITS, PREDICTIONS, FEATURES = "logits", "predictions", "features"


class NetworkPart:
    """A network of which only what its output needs is there.

    Attributes:
      model: the whole network.
      spec: its record in the registry.
      final_endpoint: where it ends; None for all of it.
    """

    def __init__(self, network: Any, final_endpoint: str | None = None) -> None:
        """Takes a `SlimModel`.

        Raises:
          NetworkError: the network has no such end point.
        """
        self.model: Model = from_network(network)
        self.spec = network.spec
        self.final_endpoint = final_endpoint
        if final_endpoint is not None:
            end_points = self.model.trace().end_points
            if final_endpoint not in end_points:
                raise NetworkError(
                    f"'{self.spec.name}' has no end point '{final_endpoint}'; "
                    f"{choices(final_endpoint, end_points)}."
                )

    def outputs(self) -> dict[str, Any]:
        """Returns the tensors that the part ends in, of the model's trace, by name.

        `features` up to an end point; else `logits`, and `predictions` where the network has them.
        """
        traced = self.model.trace()
        if self.final_endpoint is not None:
            return {FEATURES: traced.end_points[self.final_endpoint]}
        found = {name.lower(): tensor for name, tensor in traced.end_points.items()}
        more = {PREDICTIONS: found[PREDICTIONS]} if PREDICTIONS in found else {}
        return {LOGITS: traced.logits} | more

    @functools.cached_property
    def graph(self) -> InferenceGraph:
        """The ops that the outputs need."""
        return inference_graph(self.model, self.outputs())

    def variables_by_name(self) -> Mapping[str, Any]:
        """Returns the variables; up to an end point, those that it needs."""
        if self.final_endpoint is None:
            return self.model.variables
        needed = set(self.graph.handles.values())
        return {name: one for name, one in self.model.variables.items() if name in needed}

    def build(self, images: Any) -> dict[str, Any]:
        """Makes the part's ops in the current graph; returns its outputs by name.

        Args:
          images: tensor `[N, H, W, C]` of the graph of a `tf.function`, preprocessed.
        """
        return import_inference(self.graph, images)

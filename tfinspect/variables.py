"""`list_variables`: the variables of an artifact or of a live object."""

import dataclasses
import os
from typing import Any

from tfinspect import listing
from tfinspect.artifacts import Artifact, open_artifact
from tfinspect.entries import VariableEntry

_ALL = listing.Criteria()


def list_variables(
    obj: Any,
    *,
    scope: str | None = None,
    collection: str | None = None,
    match: str | None = None,
    criteria: listing.Criteria = _ALL,
) -> list[VariableEntry]:
    """Lists the variables of an artifact or of a live object.

    Args:
      obj: a path, an opened artifact, or a live object: a `tf.Graph`, a concrete function, a
        `Model` or `SlimModel` of this package, a `tf_keras` or Keras 3 model. The names are those
        that a saved file of the same object is listed with.
      scope: only this scope, by whole components.
      collection: only this graph collection. Objects of TensorFlow 2 have no collections; their
        properties `variables` and `trainable_variables` stand for those of these names.
      match: regular expression found anywhere in the name.
      criteria: any further choice; optimizer slots are left out unless it asks for them.

    Raises:
      ArtifactError: nothing is there, it is broken, or the object has no variables.
      ConfigError: a criterion matches nothing.
    """
    chosen = dataclasses.replace(
        criteria,
        scopes=criteria.scopes + ((scope,) if scope else ()),
        collection=collection if collection is not None else criteria.collection,
        match=match if match is not None else criteria.match,
    )
    return listing.select(_entries(obj), chosen)


def _entries(obj: Any) -> list[VariableEntry]:
    if isinstance(obj, (str, os.PathLike)):
        obj = open_artifact(obj)
    if isinstance(obj, Artifact):
        return list(obj.variables)
    from tfinspect.live_variables import live_variables

    return live_variables(obj)

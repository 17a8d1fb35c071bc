"""The weights of Keras Applications' InceptionResNetV2 under the names of the slim network.

Keras numbers the layers to which its program gives no name in the order in which they were made;
the numbers may start anywhere, and all three file formats keep them. Both programs make the same
layers in the same order: the k-th unnamed convolution and the k-th unnamed normalization are those
of the k-th scope here. There is no auxiliary head, and no background class.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping

from tfinspect.artifacts import Artifact
from tfinspect.artifacts.renamed import RenamedArtifact
from tfinspect.errors import ArtifactError

NETWORK = "inception_resnet_v2"
_ROOT = "InceptionResnetV2"
# A layer that only this network has.
_MARK = "block35_1_conv"
_UNNAMED = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")
_PARTS = {
    "kernel": "weights",
    "bias": "biases",
    "beta": "BatchNorm/beta",
    "moving_mean": "BatchNorm/moving_mean",
    "moving_variance": "BatchNorm/moving_variance",
    # Files with weights alone number a normalization's variables.
    "0": "BatchNorm/beta",
    "1": "BatchNorm/moving_mean",
    "2": "BatchNorm/moving_variance",
}
Branches = tuple[tuple[str, ...], ...]
# Each branch is the names of its convolutions.
_STEM = ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3")
_MIXED_5B: Branches = (
    ("1x1",),
    ("0a_1x1", "0b_5x5"),
    ("0a_1x1", "0b_3x3", "0c_3x3"),
    ("0b_1x1",),
)
_BLOCK35: Branches = (("1x1",), ("0a_1x1", "0b_3x3"), ("0a_1x1", "0b_3x3", "0c_3x3"))
_MIXED_6A: Branches = (("1a_3x3",), ("0a_1x1", "0b_3x3", "1a_3x3"))
_BLOCK17: Branches = (("1x1",), ("0a_1x1", "0b_1x7", "0c_7x1"))
_MIXED_7A: Branches = (
    ("0a_1x1", "1a_3x3"),
    ("0a_1x1", "1a_3x3"),
    ("0a_1x1", "0b_3x3", "1a_3x3"),
)
_BLOCK8: Branches = (("1x1",), ("0a_1x1", "0b_1x3", "0c_3x1"))


@dataclasses.dataclass(frozen=True)
class _Stage:
    """A reduction, then blocks of one kind."""

    reduction: str
    branches: Branches
    repeat: str
    block: Branches
    times: int


_STAGES = (
    _Stage("Mixed_5b", _MIXED_5B, "Repeat/block35", _BLOCK35, 10),
    _Stage("Mixed_6a", _MIXED_6A, "Repeat_1/block17", _BLOCK17, 20),
    _Stage("Mixed_7a", _MIXED_7A, "Repeat_2/block8", _BLOCK8, 9),
)


def under_slim_names(artifact: Artifact) -> Artifact:
    """Returns a Keras Applications file of this network with slim names, any other as it is.

    Raises:
      ArtifactError: it is one, but some of its layers are missing.
    """
    layers = {entry.name.partition("/")[0] for entry in artifact.variables}
    if _MARK not in layers:
        return artifact
    scopes = _scopes_of(artifact.path, layers)
    kept = [entry.name for entry in artifact.variables if not entry.slot]
    names = {name: _renamed(name, scopes) for name in kept}
    return RenamedArtifact(artifact, names, f"{artifact.kind} of Keras Applications")


def _renamed(name: str, scopes: Mapping[str, str]) -> str:
    layer, _, part = name.partition("/")
    known = layer in scopes and part in _PARTS
    return f"{scopes[layer]}/{_PARTS[part]}" if known else name


def _scopes_of(path: str, layers: Iterable[str]) -> dict[str, str]:
    """Returns Keras's name of a layer -> slim scope."""
    unnamed: dict[str, list[tuple[int, str]]] = {"conv2d": [], "batch_normalization": []}
    for layer in layers:
        if match := _UNNAMED.fullmatch(layer):
            unnamed[match[1]].append((int(match[2] or 0), layer))
    scopes = list(_unnamed_scopes())
    named = dict(_named_scopes())
    for kind, found in unnamed.items():
        if len(found) != len(scopes):
            raise ArtifactError(
                f"'{path}' has the layer '{_MARK}' of Keras Applications' InceptionResNetV2, and "
                f"{len(found)} layers '{kind}…' where that has {len(scopes)}; give the whole "
                "network's file."
            )
        named |= {layer: scope for (_, layer), scope in zip(sorted(found), scopes, strict=True)}
    return named


def _unnamed_scopes() -> Iterator[str]:
    """Yields the scopes of the convolutions without a name in Keras, in order of creation."""
    for name in _STEM:
        yield f"{_ROOT}/Conv2d_{name}"
    for stage in _STAGES:
        yield from _branches(stage.reduction, stage.branches)
        for number in range(stage.times):
            yield from _branches(f"{stage.repeat}_{number + 1}", stage.block)
    yield from _branches("Block8", _BLOCK8)


def _branches(scope: str, branches: Branches) -> Iterator[str]:
    # Branches without a convolution, such as a pool, are the last ones.
    for number, names in enumerate(branches):
        for name in names:
            yield f"{_ROOT}/{scope}/Branch_{number}/Conv2d_{name}"


def _named_scopes() -> Iterator[tuple[str, str]]:
    for stage in _STAGES:
        block = stage.repeat.rpartition("/")[2]
        for number in range(1, stage.times + 1):
            yield f"{block}_{number}_conv", f"{_ROOT}/{stage.repeat}_{number}/Conv2d_1x1"
    yield "block8_10_conv", f"{_ROOT}/Block8/Conv2d_1x1"
    yield "conv_7b", f"{_ROOT}/Conv2d_7b_1x1"
    yield "conv_7b_bn", f"{_ROOT}/Conv2d_7b_1x1"
    yield "predictions", f"{_ROOT}/Logits/Logits"

"""Which layers of an artifact are drawn: by scope and pattern, or the first one."""

from collections.abc import Sequence
from dataclasses import dataclass

from tfinspect.artifacts import Artifact
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.listing import natural, select_pattern, select_scopes
from tfinspect.names import choices
from tfinspect.probe.filters import DENSE, DEPTHWISE, ImageShape, Kernel, kernels, on_images

# Formats that list variables in the order of the graph or of the model's layers; the others sort
# them by name.
_ORDERED = ("GraphDef", "Keras archive", "Keras HDF5 model")
_PICTURE_CHANNELS = (3, 1)


@dataclass(frozen=True)
class KernelChoice:
    """Which layers are wanted.

    Attributes:
      scopes: any of these scopes, matched by whole path components; empty for all.
      match: regular expression found anywhere in the name.
      exclude: regular expressions, none of which is found in the name.
      every: all layers; without it, and without scopes and patterns, the first one alone.
      image_shape: height, width and channels of the images that dense layers take; None finds it.
    """

    scopes: tuple[str, ...] = ()
    match: str | None = None
    exclude: tuple[str, ...] = ()
    every: bool = False
    image_shape: ImageShape | None = None

    @property
    def first_only(self) -> bool:
        """Whether nothing is asked for but the first layer."""
        return not (self.scopes or self.match or self.exclude or self.every)


@dataclass(frozen=True)
class ChosenKernels:
    """Layers, and what should be said of how they were found."""

    kernels: tuple[Kernel, ...]
    notes: tuple[str, ...] = ()


def choose_kernels(artifact: Artifact, choice: KernelChoice = KernelChoice()) -> ChosenKernels:
    """Returns the layers of an artifact that meet all criteria, in its order.

    The first layer is the first kernel where the format knows the order of layers; elsewhere the
    convolution on 3, then on 1 input channel, whose name comes first; then the dense layer whose
    inputs are no other layer's outputs; then whatever kernel comes first.

    Raises:
      ArtifactError: the artifact holds no kernel.
      ConfigError: a criterion matches nothing; the nearest existing names are in the message.
    """
    variables = [entry for entry in artifact.variables if not entry.slot]
    ordered = artifact.kind.startswith(_ORDERED)
    found = on_images(kernels(variables, artifact.layer_classes), ordered=ordered)
    if not found:
        raise _without_kernels(artifact)
    if choice.first_only:
        kernel, how = _first(found, ordered)
        notes = (f"{how}: {kernel.name}; --scope, --match and --all choose others.",)
        return ChosenKernels(tuple(_on_given([kernel], choice)), notes)
    scoped = select_scopes(variables, choice.scopes)
    named = select_pattern(scoped, choice.match, choice.exclude, hidden=artifact.variables)
    names = {entry.name for entry in named}
    # A separable pair of which one variable is asked for is that one variable.
    chosen = [kernel for kernel in found if all(part.name in names for part in kernel.parts)]
    whole = {part.name for kernel in chosen for part in kernel.parts}
    rest = [entry for entry in named if entry.name not in whole]
    chosen += kernels(rest, artifact.layer_classes)
    if not chosen:
        raise _none_chosen(sorted(names), found)
    place = {entry.name: number for number, entry in enumerate(variables)}
    chosen.sort(key=lambda kernel: place[kernel.parts[0].name])
    return ChosenKernels(tuple(_on_given(chosen, choice)))


def find_kernel(artifact: Artifact, name: str, image_shape: ImageShape | None = None) -> Kernel:
    """Returns the kernel of one name: a variable, or the scope of a separable convolution.

    Raises:
      ArtifactError: there is none of that name.
    """
    layers = artifact.layer_classes
    every = kernels(artifact.variables, layers)
    found = on_images(every, ordered=artifact.kind.startswith(_ORDERED))
    if not found:
        raise _without_kernels(artifact)
    named = [kernel for kernel in found if kernel.name == name]
    named = named or kernels([one for one in artifact.variables if one.name == name], layers)
    if not named:
        raise ArtifactError(
            f"no kernel '{name}' in '{artifact.path}'; "
            f"{choices(name, (kernel.name for kernel in found))}. "
            f"`tfinspect list-vars {artifact.path}` lists all variables."
        )
    return on_images(named, image_shape=image_shape)[0] if image_shape else named[0]


def _on_given(found: Sequence[Kernel], choice: KernelChoice) -> Sequence[Kernel]:
    if choice.image_shape is None:
        return found
    return on_images(found, image_shape=choice.image_shape)


def _first(found: Sequence[Kernel], ordered: bool) -> tuple[Kernel, str]:
    """Returns the first layer, and how it was found."""
    if ordered:
        return found[0], "the first layer"
    by_name = sorted(found, key=natural)
    for channels in _PICTURE_CHANNELS:
        for kernel in by_name:
            if kernel.kind not in (DENSE, DEPTHWISE) and kernel.shape[2] == channels:
                return kernel, f"the first convolution by name on {channels} channels"
    made = {kernel.filters for kernel in found}
    for kernel in by_name:
        if kernel.kind == DENSE and (kernel.on_image or kernel.shape[2] not in made):
            return kernel, "the first layer by name that takes no other layer's outputs"
    return by_name[0], "the first layer by name (this format does not know the order)"


def _without_kernels(artifact: Artifact) -> ArtifactError:
    return ArtifactError(
        f"'{artifact.path}' ({artifact.kind}) holds no kernel among {len(artifact.variables):,} "
        "variables: a kernel is floating-point, of two to five axes; open the artifact with the "
        f"weights, or look at `tfinspect list-vars {artifact.path}`."
    )


def _none_chosen(names: list[str], found: Sequence[Kernel]) -> ConfigError:
    given = names[0] if names else ""
    return ConfigError(
        f"none of the {len(names):,} variables chosen is a kernel (the first is '{given}'); "
        f"{choices(given, (kernel.name for kernel in found))}. Choose one of these."
    )

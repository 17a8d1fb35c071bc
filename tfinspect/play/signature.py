"""Which signature of a SavedModel is played, by its name or by the inputs that are fed."""

from collections.abc import Collection, Mapping
from typing import Any

from tfinspect.errors import ConfigError
from tfinspect.names import choices

# What is served where nobody names another.
_DEFAULT = "serving_default"


def played_signature(
    signatures: Mapping[str, Any],
    given: str | None,
    fed: Collection[str],
    tensors: Collection[str],
    path: str,
) -> str | None:
    """Returns the name of the signature; None where what is fed belongs to none.

    Args:
      signatures: of the model, by name.
      given: the signature that is asked for; None takes the one that has all fed inputs, and
        `serving_default` where several have.
      fed: names as the caller gives them.
      tensors: names of tensors and ops, which belong to no signature.
      path: of the model.

    Raises:
      ConfigError: no such signature, an input that another one has, or several signatures have
        what is fed and none of them is `serving_default`.
    """
    if given is not None and given not in signatures:
        cure = "leave it out" if not signatures else "give one of them"
        raise ConfigError(
            f"no signature '{given}' in '{path}'; {choices(given, signatures)}; {cure}."
        )
    inputs = {name: {one.key for one in each.inputs} for name, each in signatures.items()}
    owned = {
        name: [one for one, keys in inputs.items() if name in keys]
        for name in fed
        if name not in tensors
    }
    owned = {name: owners for name, owners in owned.items() if owners}
    if given is not None:
        _require(given, inputs[given], owned, path)
        return given
    fitting = [one for one in inputs if owned and all(one in own for own in owned.values())]
    if owned and not fitting:
        listed = ", ".join(f"'{name}' is of '{owners[0]}'" for name, owners in owned.items())
        raise ConfigError(
            f"no signature of '{path}' has all inputs that are fed: {listed}; feed those of one."
        )
    return _one_of(fitting, path)


def _one_of(fitting: list[str], path: str) -> str | None:
    if len(fitting) > 1 and _DEFAULT not in fitting:
        raise ConfigError(
            f"several signatures of '{path}' have all that is fed; {choices('', fitting)}; name "
            "one with --signature."
        )
    return _DEFAULT if _DEFAULT in fitting else next(iter(fitting), None)


def _require(given: str, keys: Collection[str], owned: Mapping[str, list[str]], path: str) -> None:
    for name, owners in owned.items():
        if given not in owners:
            have = ", ".join(map(repr, sorted(keys))) or "none"
            raise ConfigError(
                f"'{name}' is an input of the signature '{owners[0]}' of '{path}', and not of "
                f"'{given}' (its inputs: {have}); give --signature {owners[0]}, or feed those."
            )

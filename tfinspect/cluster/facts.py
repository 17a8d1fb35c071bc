"""What must be equal in all processes of a cluster: versions, data, settings."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from tfinspect.cluster import wire
from tfinspect.cluster.tf_config import VARIABLE, ClusterConfig

PACKAGES = ("tfinspect", "tensorflow", "tf_keras", "tf-slim", "numpy")
# A message takes so many addresses one by one, and of more a hash.
_MOST_NAMED = 256
# So many characters of a text are sent and shown, and of a longer one its hash.
_LONGEST = 200


def common_facts(cluster: ClusterConfig) -> dict[str, str]:
    """Returns the versions that are installed, and everybody's addresses."""
    versions = {f"version of {name}": metadata.version(name) for name in PACKAGES}
    python = ".".join(platform.python_version_tuple()[:2])
    return versions | {"version of Python": python} | _addresses(cluster)


def _addresses(cluster: ClusterConfig) -> dict[str, str]:
    if len(cluster.names) > _MOST_NAMED:
        addresses = {role: list(hosts) for role, hosts in cluster.addresses.items()}
        return {"hash of the cluster's addresses": digest(addresses)}
    return {f"address of {name} in {VARIABLE}": cluster.address_of(name) for name in cluster.names}


def setting_facts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Returns each setting as a text, so that one that differs can be named."""
    return {f"setting {name}": json.dumps(value) for name, value in settings.items()}


def digest(value: Any) -> str:
    """Returns the SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def brief(facts: Mapping[str, str]) -> dict[str, str]:
    """Returns facts as they are sent, in messages of bounded size: of long texts the SHA-256."""
    return {n: text if len(text) <= _LONGEST else digest(text) for n, text in facts.items()}


def difference(
    ours: Mapping[str, str], theirs: Mapping[str, str], own: str, other: str
) -> str | None:
    """Words the first fact in which two processes differ, as `shown` does; None if they agree."""
    ours, theirs = brief(ours), brief(theirs)
    for name in sorted({*ours, *theirs}):
        mine, their = ours.get(name), theirs.get(name)
        if mine != their:
            named = wire.shown(name)
            its = f"no {named}" if their is None else f"the {named} {_value(their)}"
            held = "none" if mine is None else _value(mine)
            return f"{other} has {its} and {own} has {held}; make them the same on all hosts."
    return None


def _value(text: str) -> str:
    return f"'{wire.shown(text[:16])}…'" if len(text) == 64 else f"'{wire.shown(text)}'"

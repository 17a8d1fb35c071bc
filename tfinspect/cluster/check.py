"""What can be said of a cluster without TensorFlow: `tfinspect cluster check`."""

import socket
from collections.abc import Callable
from dataclasses import dataclass

from tfinspect.cluster import facts, rendezvous
from tfinspect.cluster.listening import answering, listening, who_answers
from tfinspect.cluster.tf_config import VARIABLE, ClusterConfig, from_environment
from tfinspect.errors import ClusterError, ConfigError


@dataclass(frozen=True)
class Check:
    """What is compared.

    Attributes:
      data_hash: fingerprint of the data; None compares none.
      settings: as a settings file has them; None compares none.
      timeout: seconds to wait for the other hosts; None looks at this host alone.
      on_missing: told who has not come yet.
    """

    data_hash: str | None
    settings: dict[str, object] | None
    timeout: float | None
    on_missing: Callable[[list[str]], None]


def check(wanted: Check) -> ClusterConfig:
    """Validates `TF_CONFIG`, and meets the other hosts.

    Raises:
      ConfigError: the variable is not set, or broken.
      ClusterError: a host cannot be found, never came, or differs; the address of this one is not
        free, or not its own.
    """
    cluster = from_environment()
    if cluster is None:
        raise ConfigError(f"{VARIABLE} is not set; set it on every host, as docs/cluster.md says.")
    for name in cluster.names:
        _require_known(name, cluster.address_of(name))
    equal = facts.common_facts(cluster) | facts.setting_facts(wanted.settings or {})
    if wanted.data_hash is not None:
        equal["hash of the data"] = wanted.data_hash
    if cluster.own_address is not None:
        if wanted.timeout is None or len(cluster.names) == 1:
            _require_here(cluster, cluster.own_address)
        else:
            rendezvous.meet(rendezvous.Meeting(cluster, equal, wanted.timeout, wanted.on_missing))
    return cluster


def _require_here(cluster: ClusterConfig, address: str) -> None:
    """Calls this process by its own address, as the others will."""
    with listening(cluster) as listener, answering(cluster, listener):
        if who_answers(address) != cluster.name:
            raise ClusterError(
                f"this is {cluster.name}, and its address '{address}' in {VARIABLE} does not lead "
                "here; correct the address or the task, or open the port."
            )


def _require_known(name: str, address: str) -> None:
    host, port = rendezvous.split_address(address)
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ClusterError(
            f"the host of {name}, '{host}', is not known here ({error.strerror or error}); correct "
            f"its address in {VARIABLE}, or the name service."
        ) from error

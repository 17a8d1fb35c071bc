"""`TF_CONFIG` read and validated before TensorFlow starts; pure Python."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfinspect.data.service_address import is_loopback
from tfinspect.errors import ConfigError
from tfinspect.names import choices

VARIABLE = "TF_CONFIG"
# In the order in which TensorFlow counts them; `evaluator` never stands in the cluster itself.
ROLES = ("chief", "worker", "ps", "evaluator")
# The name that TensorFlow 1.3 and the original notes used.
_OLD_ROLES = {"master": "chief"}
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.%\w]+\]|[^:\s/\[\]]+):(?P<port>\d+)")
_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class ClusterConfig:
    """Who takes part, and which of them this process is.

    Attributes:
      addresses: role -> `host:port` of each of its tasks.
      role: of this process.
      index: of this process within its role.
    """

    addresses: Mapping[str, tuple[str, ...]]
    role: str
    index: int

    @property
    def workers(self) -> int:
        """How many compute gradients: the workers, and a chief unless it directs them."""
        workers = len(self.addresses.get("worker", ()))
        return workers if self.is_asynchronous else workers + len(self.addresses.get("chief", ()))

    @property
    def is_asynchronous(self) -> bool:
        """Whether parameter servers hold the variables, and a chief hands out the steps."""
        return bool(self.addresses.get("ps"))

    @property
    def workers_per_step(self) -> int:
        """How many processes share the examples of one step."""
        return 1 if self.is_asynchronous else self.workers

    @property
    def is_chief(self) -> bool:
        """Whether this process writes: the chief, or worker 0 where there is none."""
        return self.name == self.leader

    @property
    def own_address(self) -> str | None:
        """This process's `host:port`; None for an evaluator, which nobody calls."""
        known = self.addresses.get(self.role, ())
        return known[self.index] if self.index < len(known) else None

    @property
    def name(self) -> str:
        """`worker 1`, as messages call it."""
        return f"{self.role} {self.index}"

    @property
    def names(self) -> tuple[str, ...]:
        """Every process that has an address, those that compute gradients first."""
        return tuple(
            f"{role} {index}"
            for role in ROLES
            for index in range(len(self.addresses.get(role, ())))
        )

    @property
    def leader(self) -> str:
        """The process that writes: the chief, or worker 0 where there is none."""
        return self.names[0]

    @property
    def number(self) -> int:
        """Among the processes that compute gradients, 0 for the one that writes."""
        return self.names.index(self.name)

    def address_of(self, name: str) -> str:
        """Returns the `host:port` of a process by its name."""
        role, _, index = name.partition(" ")
        return self.addresses[role][int(index)]


def from_environment() -> ClusterConfig | None:
    """Returns what the environment variable says; None where it is not set or empty.

    Raises:
      ConfigError: as of `parse`.
    """
    text = os.environ.get(VARIABLE, "").strip()
    return parse(text) if text else None


def parse(text: str) -> ClusterConfig:
    """Reads and validates the JSON of `TF_CONFIG`.

    Raises:
      ConfigError: it is no JSON, a part is missing or of the wrong kind, a role is unknown, an
        index is out of range, an address is malformed or given twice; one sentence says which.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{VARIABLE} is no valid JSON ({error}); write {_EXAMPLE}.") from error
    cluster = _mapping(_mapping(value, "", None).get("cluster"), "cluster", value)
    addresses = {_role(str(role)): _addresses(str(role), hosts) for role, hosts in cluster.items()}
    _require_workers(addresses)
    _refuse_duplicates(addresses)
    role, index = _task(value, addresses)
    return ClusterConfig(addresses, role, index)


def _mapping(value: Any, key: str, whole: Any) -> Mapping[str, Any]:
    if isinstance(value, dict) and (value or not key):
        return value
    what = f"'{key}'" if key else "the whole"
    given = (
        "is missing"
        if key and isinstance(whole, dict) and key not in whole
        else (f"is {json.dumps(value)[:60]}, which is no object with entries")
    )
    raise ConfigError(f"{what} in {VARIABLE} {given}; write {_EXAMPLE}.")


def _role(role: str) -> str:
    if role in ROLES[:-1]:
        return role
    if role in _OLD_ROLES:
        raise ConfigError(
            f"the role '{role}' in {VARIABLE} is TensorFlow 1's; call it '{_OLD_ROLES[role]}'."
        )
    if role == "evaluator":
        raise ConfigError(
            f"'evaluator' stands in the cluster of {VARIABLE}; it is a task of its own that nobody "
            "calls: name it in 'task' alone."
        )
    listed = choices(role, ROLES[:-1])
    raise ConfigError(f"no role '{role}' in {VARIABLE}'s cluster; {listed}.")


def _addresses(role: str, hosts: Any) -> tuple[str, ...]:
    if isinstance(hosts, str) or not isinstance(hosts, (list, tuple)) or not hosts:
        raise ConfigError(
            f"the addresses of '{role}' in {VARIABLE} are {json.dumps(hosts)[:60]}; "
            'give a list such as ["host1:2222"].'
        )
    for host in hosts:
        _check_address(role, host)
    if role == "chief" and len(hosts) > 1:
        raise ConfigError(
            f"there are {len(hosts)} chiefs in {VARIABLE}; one alone may write: leave the first "
            "and make the others workers."
        )
    return tuple(hosts)


def _check_address(role: str, address: Any) -> None:
    found = _HOST.fullmatch(address) if isinstance(address, str) else None
    if found is None:
        raise ConfigError(
            f"{json.dumps(address)[:80]}, an address of '{role}' in {VARIABLE}, is not host:port; "
            'write it without http:// and with the port, such as "host1:2222".'
        )
    if not 1 <= int(found["port"]) <= 65535:
        raise ConfigError(
            f"the port of '{address}' ('{role}' in {VARIABLE}) is {found['port']}; "
            "give one from 1 to 65535."
        )


def _require_workers(addresses: Mapping[str, tuple[str, ...]]) -> None:
    if not addresses.get("chief") and not addresses.get("worker"):
        raise ConfigError(
            f"{VARIABLE} names no chief and no worker, so nobody would train; add "
            '"worker": ["host1:2222"] to the cluster.'
        )
    if addresses.get("ps") and not addresses.get("chief"):
        raise ConfigError(
            f"{VARIABLE} has parameter servers and no chief to give them work; add "
            '"chief": ["host0:2222"] to the cluster.'
        )
    if addresses.get("ps") and not addresses.get("worker"):
        raise ConfigError(
            f"{VARIABLE} has parameter servers and no worker to compute for them; add "
            '"worker": ["host1:2222"] to the cluster.'
        )


def _refuse_duplicates(addresses: Mapping[str, tuple[str, ...]]) -> None:
    owners: dict[tuple[str, int], dict[str, str]] = {}
    for role, hosts in addresses.items():
        for index, host in enumerate(hosts):
            owners.setdefault(_place(host), {})[f"{role} {index}"] = host
    for sharing in owners.values():
        if len(sharing) > 1:
            spellings = " alias ".join(f"'{one}'" for one in dict.fromkeys(sharing.values()))
            raise ConfigError(
                f"the address {spellings} in {VARIABLE} is given to {' and '.join(sharing)}; two "
                "processes cannot listen on one port: give each its own."
            )


def _place(address: str) -> tuple[str, int]:
    """Returns host and port, the same for all of this machine's loopback: TensorFlow takes all."""
    host, _, port = address.rpartition(":")
    return ("localhost" if is_loopback(host) else host.strip("[]").lower()), int(port)


def _task(value: Mapping[str, Any], addresses: Mapping[str, tuple[str, ...]]) -> tuple[str, int]:
    task = _mapping(value.get("task"), "task", value)
    role, index = task.get("type"), task.get("index", 0)
    allowed = [*addresses, "evaluator"]
    if role not in allowed:
        raise ConfigError(
            f"the task's type in {VARIABLE} is {json.dumps(role)}; "
            f"{choices(str(role), allowed)}: this process must be one of them."
        )
    # Launchers often write the index as a text.
    number = int(index) if isinstance(index, str) and index.isdecimal() else index
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ConfigError(
            f"the task's index in {VARIABLE} is {json.dumps(index)}; give a whole number from 0."
        )
    count = len(addresses.get(role, ())) if role != "evaluator" else 1
    if number >= count:
        raise ConfigError(
            f"the task's index in {VARIABLE} is {number}, but there are {count} of '{role}', "
            f"counted from 0; give one from 0 to {count - 1}, or add the missing address."
        )
    return role, number

"""What takes part in synchronous training alone."""

from tfinspect.cluster.tf_config import VARIABLE, ClusterConfig
from tfinspect.errors import ConfigError


def require_synchronous(cluster: ClusterConfig, what: str) -> None:
    """Refuses parameter servers and evaluators.

    Args:
      cluster: everybody's addresses, and which process this is.
      what: is done, such as `fine-tuning`.

    Raises:
      ConfigError: there is one.
    """
    if cluster.addresses.get("ps") or cluster.role == "evaluator":
        raise ConfigError(
            f"{VARIABLE} has parameter servers or an evaluator, and {what} over several processes "
            "is synchronous: name a chief and workers alone, or workers alone; the chief evaluates."
        )

"""A run of a cluster is gone on with by a cluster, and one of a single process by one.

A process that trains alone leaves out an epoch's last short batch, and a cluster does not: the
steps counted in the one way are those of other examples in the other.
"""

from tfinspect.errors import RunError
from tfinspect.training.run_directory import RunInfo

# Entry of `config.json`: whether processes of a cluster train together.
IN_CLUSTER = "in_cluster"


def require_begun_alike(info: RunInfo, *, in_cluster: bool) -> None:
    """Refuses to go on with a cluster's run alone, or the other way.

    Raises:
      RunError: the run was begun the other way.
    """
    if info.directory.read_json("config.json").get(IN_CLUSTER, False) == in_cluster:
        return
    how = "without" if in_cluster else "with"
    cure = (
        "unset it" if in_cluster else "set it for every process, or use `tfinspect cluster launch`"
    )
    raise RunError(
        f"the run in '{info.directory.path}' was begun {how} TF_CONFIG, and an epoch of a cluster "
        f"has another number of steps; {cure}, or start a new run in another --output."
    )

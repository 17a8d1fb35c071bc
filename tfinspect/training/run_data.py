"""The shards that a run was trained on, found again."""

from tfinspect.data.manifest import Manifest
from tfinspect.data.prepare import prepare, read_shards
from tfinspect.errors import DataError, RunError
from tfinspect.training.run_directory import RunInfo


def data_of(info: RunInfo) -> tuple[str, Manifest]:
    """Returns the directory of a run's shards and its manifest; converts again what is gone.

    Raises:
      DataError: the data are missing or broken.
      RunError: the records are not those that the run was begun with.
    """
    directory = info.data["directory"]
    try:
        manifest = read_shards(directory)
    except DataError:
        # Gone or damaged: what lies in the cache can be made again from its source.
        directory, manifest = prepare(info.config["data"], seed=info.data.get("seed", 0))
    if manifest.fingerprint() != info.data["fingerprint"]:
        raise RunError(
            f"the data in '{directory}' are not those that '{info.directory.path}' was trained on; "
            "put the old ones back, or evaluate on others with --data."
        )
    return directory, manifest

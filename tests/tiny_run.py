"""A run directory as `tfinspect train` leaves it, small and untrained, built once a session."""

import atexit
import functools
import shutil
import tempfile
from dataclasses import dataclass

import tiny_data

from tfinspect.data.manifest import Manifest
from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints, run_directory

NETWORK, WIDTH = "cifar_resnet8_v1", 0.5
EXAMPLES = {"train": 30, "validation": 20, "test": 40}


@dataclass(frozen=True)
class TinyRun:
    path: str
    data: str
    manifest: Manifest


def copy_run(directory):
    """Copies the run into a test's own directory; the data are shared."""
    built = _build()
    path = f"{directory}/run"
    shutil.copytree(built.path, path)
    return TinyRun(path, built.data, built.manifest)


@functools.cache
def _build():
    base = tempfile.mkdtemp(prefix="tfinspect-tiny-run-")
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    data = f"{base}/data"
    records = {
        split: tiny_data.raw_records(*tiny_data.images(count, seed))
        for seed, (split, count) in enumerate(EXAMPLES.items())
    }
    manifest = tiny_data.write_data(data, records)
    run = run_directory.create(f"{base}/run", _description(data, manifest), tiny_data.LABELS)
    for seed, prefix in enumerate((f"{run.best}/model.ckpt-5", f"{run.checkpoints}/model.ckpt-7")):
        network = SlimModel(get_spec(NETWORK, width=WIDTH), len(tiny_data.LABELS), seed=seed)
        checkpoints.save(prefix, network.variables_by_name())
    return TinyRun(run.path, data, manifest)


def _description(data, manifest):
    return {
        "network": NETWORK,
        "width": WIDTH,
        "num_classes": len(tiny_data.LABELS),
        "compute_dtype": "float32",
        "config": {"data": data},
        "data": {"name": "tiny", "directory": data, "fingerprint": manifest.fingerprint()},
    }

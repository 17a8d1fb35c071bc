"""Head-only fine-tuning of Inception-ResNet-v2 against one inference pass over the same images.

Both read the same shards at batch 8, begin with the loaded network and build their graphs, each in
a process of its own: the second would find what the first had warmed up. The fine-tuning computes
features once, trains 30 epochs on them and writes its checkpoints; the comparison on random
features and the report at the end are left out, as they are not part of the training. Its peak
memory is that of its whole process.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

NETWORK = "inception_resnet_v2"
BATCH_SIZE = 8
EPOCHS = 30
TARGETS = {"ratio": 1.15, "peak_gigabytes": 2.5}


def _images(folder: Path, count: int) -> str:
    from PIL import Image

    random = np.random.RandomState(0)
    for split, share in (("train", 0.8), ("validation", 0.2), ("test", 0.0)):
        for label in ("a", "b"):
            (folder / split / label).mkdir(parents=True)
            for number in range(max(1, round(count * share / 2))):
                pixels = random.randint(0, 256, (30, 40, 3)).astype(np.uint8)
                picture = Image.fromarray(pixels).resize((400, 300), Image.Resampling.BILINEAR)
                picture.save(folder / split / label / f"{number}.jpg")
    return str(folder)


def _checkpoint(folder: Path) -> str:
    from tfinspect.nets.registry import get_spec
    from tfinspect.nets.slim_model import SlimModel
    from tfinspect.training import checkpoints

    network = SlimModel(get_spec(NETWORK), 1001, seed=0)
    prefix = str(folder / "model.ckpt-0")
    checkpoints.save(prefix, network.variables_by_name())
    return prefix


def measure(images: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="tfinspect-head-") as place:
        os.environ["TFINSPECT_CACHE"] = f"{place}/cache"
        data, written = _images(Path(place) / "images", images), Path(place)
        checkpoint = _in_child(lambda: _checkpoint(written))
        measured = _in_child(lambda: _head(data, checkpoint, f"{place}/run"))
        measured |= _in_child(lambda: _inference(_tuning(data, checkpoint, f"{place}/other")))
    ratio = measured["head_seconds"] / measured["inference_seconds"]
    return {
        "claim": f"{EPOCHS} epochs of the head cost at most 1.15 of one inference pass, in 2.5 GB",
        "target": TARGETS,
        "measured": measured | {"images": images},
        "ratio": round(ratio, 3),
        "machine": {"cores": os.cpu_count()},
    }


def _tuning(data: str, checkpoint: str, output: str) -> object:
    """Returns a fine-tuning of the loaded network."""
    from tfinspect.training import run_directory
    from tfinspect.training.progress import Progress
    from tfinspect.training.run import Observer
    from tfinspect.transfer.finetune_config import FineTuneConfig
    from tfinspect.transfer.prepare_tuning import prepare_tuning
    from tfinspect.transfer.restore import restore
    from tfinspect.transfer.tuning import Tuning
    from tfinspect.transfer.tuning_request import TuningRequest

    config = FineTuneConfig(
        data=data, net=NETWORK, batch_size=BATCH_SIZE, head_epochs=EPOCHS, tune_epochs=0
    )
    prepared = prepare_tuning(TuningRequest(checkpoint), config)
    restore(prepared.model, prepared.artifact, prepared.request.rules)
    run = run_directory.RunDirectory(output)
    return Tuning(
        prepared.config, prepared.data, prepared.model, prepared.stages, run, Progress(), Observer()
    )


def _head(data: str, checkpoint: str, output: str) -> dict:
    from tfinspect.transfer.train_stages import train_stages

    tuning = _tuning(data, checkpoint, output)
    began = time.perf_counter()
    train_stages(tuning, {})
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"head_seconds": round(seconds, 2), "peak_gigabytes": round(peak, 2)}


def _inference(tuning: object) -> dict:
    """Passes once over the same images."""
    import tensorflow as tf

    from tfinspect.data import pipeline

    model = tuning.model
    began = time.perf_counter()
    run = tf.function(
        lambda images: model.network(images, False)[0],
        input_signature=[tf.TensorSpec([None, *model.spec.image_shape])],
    )
    for split in ("train", "validation"):
        for images, _ in pipeline.evaluation_dataset(tuning.batches(split)):
            run(images).numpy()
    return {"inference_seconds": round(time.perf_counter() - began, 2)}


def _in_child(work: object) -> object:
    """Runs a function in a process of its own, whose memory is its own too."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with os.fdopen(writing, "w") as stream:
            json.dump(work(), stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400)
    json.dump(measure(parser.parse_args().images), sys.stdout, indent=2)

"""Fine-tunings of one small network, as one process or several over loopback."""

import json

import numpy as np
import pytest
from processes import configurations, said_by, start
from transfer_images import NETWORK, SIZE, write_images

from tfinspect.nets.registry import get_spec
from tfinspect.nets.slim_model import SlimModel
from tfinspect.training import checkpoints

WIDTH, BATCH = 0.25, 12
COUNTS = {"dark": 25, "grün": 20, "明るい": 26}
# Of 57 training images: four batches of 12 and one of 9, of which two processes have 5 and 4.
STEPS = 5
KERNELS = [f"resnet/stage3/unit1/conv{n}/weights" for n in (1, 2)]
STAGES = [
    {"trainable": "head", "epochs": 2, "learning_rate": 0.01, "augment": "none"},
    {
        "trainable": ["resnet/stage1/unit1/conv1/weights", *KERNELS, "head"],
        "epochs": 4,
        "learning_rate": 0.001,
        "augment": "crop",
        "layer_decay": 0.8,
        "rates": {"resnet/logits": 2.0},
    },
]
PROGRAM = """
import contextlib, json, sys
import numpy as np
from tfinspect.cluster import tf_config
from tfinspect.training import callbacks, run
from tfinspect.training.cluster_run import Part
from tfinspect.training.config import config_from
from tfinspect.transfer import cluster_finetune
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.tuning_request import TuningRequest
losses = []
usual = callbacks.StepCallback.on_train_batch_end
def on_train_batch_end(self, batch, logs=None):
    losses.extend(np.ravel(logs["loss"]).tolist())
    usual(self, batch, logs)
callbacks.StepCallback.on_train_batch_end = on_train_batch_end
checkpoint, stages, output = sys.argv[2:5]
config = config_from(json.loads(sys.argv[1]), "test", FineTuneConfig)
said = []
observer = run.Observer(on_phase=said.append)
part = Part(tf_config.from_environment(), output, 180.0, observer)
request = TuningRequest(checkpoint, stages_file=stages or None)
result = cluster_finetune.finetune(request, config, part)
accuracy = result and result.training.test_accuracy
with contextlib.suppress(BrokenPipeError):
    print(json.dumps({"losses": losses, "said": said, "accuracy": accuracy}))
"""


def make_place(directory):
    """Writes a checkpoint with ten classes, another one, images of three, and the stages."""
    for seed, name in enumerate(("model.ckpt", "other.ckpt")):
        network = SlimModel(get_spec(NETWORK, width=WIDTH), 10, seed=seed)
        for variable in network.variables:
            if "moving_mean" in variable.name:
                variable.assign(np.full(variable.shape, 0.1, np.float32))
        checkpoints.save(str(directory / name), network.variables_by_name())
    write_images(directory / "photos", COUNTS)
    # 48 training images: four batches that can all be cut into equal parts.
    write_images(directory / "even", dict.fromkeys(COUNTS, 20))
    (directory / "stages.json").write_text(json.dumps(STAGES))
    return directory


def settings_of(place, **settings):
    settings = {"data": str(place / "photos"), "net": NETWORK, "width": WIDTH} | settings
    return settings | {"image_size": [SIZE, SIZE], "batch_size": BATCH, "random_features": False}


def start_tuning(count, place, output, stages="", program=PROGRAM, **settings):
    """Starts so many processes of a new run, with a cache of their own: no features are there."""
    settings = settings_of(place, **settings)
    arguments = (json.dumps(settings), str(place / "model.ckpt"), stages, str(output))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFINSPECT_CACHE", f"{output}-cache")
        return [start(text, *arguments, program=("-c", program)) for text in configurations(count)]


def told_by(processes):
    """Waits for the end of all; returns what each of them tells."""
    return [json.loads(text.splitlines()[-1]) for text in said_by(processes, 0)]

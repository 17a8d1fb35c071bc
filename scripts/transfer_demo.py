"""Transfer against training from scratch, on images that are always at hand.

A CIFAR network is trained on the digits 0 to 4, then fine-tuned on 5 to 9 from 10 examples of each,
and compared with the same network trained on those 50 images alone, for as many epochs, over 5
seeds: the examples and the fresh weights differ, the test images do not. `make transfer-demo` runs
it.
"""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from tfinspect import text
from tfinspect.data.digits import digits_source
from tfinspect.training.config import TrainConfig
from tfinspect.training.run import train
from tfinspect.transfer.finetune import finetune
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.prepare_tuning import TuningRequest

SEEDS = range(5)
PROCESSES = 2
EXAMPLES = 10
DEPTH, NETWORK = 20, "cifar_resnet20_v1"
PRETRAINING_EPOCHS, HEAD_EPOCHS, TUNE_EPOCHS = 8, 5, 15
# With the usual 0.1 more seeds fail on 50 images.
SCRATCH_RATE = 0.03
BATCH_SIZE = 10
# Mirrored digits mean nothing: folders of this name are cropped only.
FOLDER = "digits"


def main() -> None:
    """Trains, fine-tunes, trains from scratch, and prints a table."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TFINSPECT_CACHE"] = os.path.join(scratch, "cache")
        work = Path(scratch)
        first = _write(work / "0-4" / FOLDER, range(5), None, 0)
        tell("training on the digits 0 to 4")
        pretrained = train(
            TrainConfig(data=first, depth=DEPTH, epochs=PRETRAINING_EPOCHS, batch_size=32),
            str(work / "pretrained"),
        )
        tell(f"  test accuracy {pretrained.test_accuracy:.1%}")
        # Building graphs, most of the work, keeps one core busy only.
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            rows = list(pool.map(partial(_compare, work, pretrained.directory), SEEDS))
    _print(rows)


def tell(line: str) -> None:
    """Writes a line for people, to standard error."""
    sys.stderr.write(line + "\n")


def _compare(work: Path, checkpoint: str, seed: int) -> dict[str, float]:
    data = _write(work / f"5-9-{seed}" / FOLDER, range(5, 10), EXAMPLES, seed)
    tuned = finetune(
        TuningRequest(checkpoint),
        FineTuneConfig(
            data=data,
            net=NETWORK,
            batch_size=BATCH_SIZE,
            head_epochs=HEAD_EPOCHS,
            tune_epochs=TUNE_EPOCHS,
            learning_rate=0.02,
            tune_learning_rate=0.003,
            random_features=False,
            seed=seed,
        ),
        str(work / f"tuned-{seed}"),
    )
    scratch = train(
        TrainConfig(
            data=data,
            depth=DEPTH,
            epochs=HEAD_EPOCHS + TUNE_EPOCHS,
            batch_size=BATCH_SIZE,
            learning_rate=SCRATCH_RATE,
            seed=seed,
        ),
        str(work / f"scratch-{seed}"),
    )
    tell(
        f"  seed {seed}: fine-tuned {tuned.training.test_accuracy:.1%}, "
        f"from scratch {scratch.test_accuracy:.1%}"
    )
    shutil.rmtree(work / f"tuned-{seed}")
    return {"fine-tuned": tuned.training.test_accuracy, "from scratch": scratch.test_accuracy}


def _write(folder: Path, digits: range, examples: int | None, seed: int) -> str:
    """Writes digits as a folder with splits; of the training images `examples` of each class."""
    random = np.random.RandomState(seed)
    for split, part in digits_source(0).examples.splits.items():
        for digit in digits:
            found = np.flatnonzero(part.labels == digit)
            if split == "train" and examples is not None:
                found = random.permutation(found)[:examples]
            (folder / split / str(digit)).mkdir(parents=True)
            for index in found:
                pixels = part.images[index].transpose(1, 2, 0)
                Image.fromarray(pixels).save(folder / split / str(digit) / f"{index:04}.png")
    return str(folder)


def _print(rows: list[dict[str, float]]) -> None:
    shown = []
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        shown.append(
            {
                "network": name,
                "test accuracy": f"{values.mean():.1%}",
                "standard deviation": f"{values.std(ddof=1):.1%}",
                "lowest": f"{values.min():.1%}",
                "highest": f"{values.max():.1%}",
            }
        )
    sys.stdout.write("\n".join(text.as_table(shown)) + "\n")


if __name__ == "__main__":
    main()

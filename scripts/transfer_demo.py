"""Transfer against training from scratch, on images that are always at hand.

A CIFAR network is trained on the digits 0 to 4, then fine-tuned on 5 to 9 from 10 examples of each,
and compared with the same network trained on those 50 images alone, for as many epochs, over 5
seeds: the examples and the fresh weights differ, the test images do not. `make transfer-demo` runs
it.

The learning rates of both sides were chosen by `--choose-rates`, which prints the accuracy on the
validation images for each of them, with other seeds than those compared; test images had no part in
it. Each run is measured with the weights that were the best on the validation images.
"""

import argparse
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from tfinspect import text
from tfinspect.data.digits import digits_source
from tfinspect.training.config import TrainConfig
from tfinspect.training.run import TrainResult, train
from tfinspect.transfer.finetune import finetune
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.tuning_request import TuningRequest

SEEDS, CHOOSING_SEEDS = range(5), range(100, 102)
PROCESSES = 2
EXAMPLES = 10
DEPTH, NETWORK = 20, "cifar_resnet20_v1"
PRETRAINING_EPOCHS, HEAD_EPOCHS, TUNE_EPOCHS = 8, 5, 15
BATCH_SIZE = 10
# Of the head, then of everything; and from scratch, where one rate serves all epochs.
# Of the candidates those with the best mean; of equals, the one whose worst seed was better.
TUNED_RATES, SCRATCH_RATES = (0.005, 0.01), (0.03,)
TUNED_CANDIDATES = tuple(itertools.product((0.005, 0.02), (0.003, 0.01, 0.03)))
SCRATCH_CANDIDATES = ((0.01,), (0.03,), (0.1,))
# Mirrored digits mean nothing: folders of this name are cropped only.
FOLDER = "digits"


@dataclass(frozen=True)
class Trial:
    """One training on 50 images: with two rates from the pretrained network, with one from none."""

    rates: tuple[float, ...]
    seed: int

    @property
    def network(self) -> str:
        """What the row of the table is called."""
        return "fine-tuned" if len(self.rates) > 1 else "from scratch"


def main(choose_rates: bool) -> None:
    """Trains, fine-tunes, trains from scratch, and prints a table."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TFINSPECT_CACHE"] = os.path.join(scratch, "cache")
        work = Path(scratch)
        pretrained = _pretrain(work)
        if choose_rates:
            candidates = [*TUNED_CANDIDATES, *SCRATCH_CANDIDATES]
            _print_choice(candidates, _run(work, pretrained, candidates, CHOOSING_SEEDS))
        else:
            results = _run(work, pretrained, [TUNED_RATES, SCRATCH_RATES], SEEDS)
            _print_comparison([[one.test_accuracy for one in row] for row in results])


def tell(line: str) -> None:
    """Writes a line for people, to standard error."""
    sys.stderr.write(line + "\n")


def _pretrain(work: Path) -> str:
    data = _write(work / "0-4" / FOLDER, range(5), None, 0)
    tell("training on the digits 0 to 4")
    config = TrainConfig(data=data, depth=DEPTH, epochs=PRETRAINING_EPOCHS, batch_size=32)
    result = train(config, str(work / "pretrained"))
    tell(f"  test accuracy {result.test_accuracy:.1%}")
    return result.directory


def _run(
    work: Path, pretrained: str, choices: Sequence[tuple[float, ...]], seeds: range
) -> list[list[TrainResult]]:
    """Returns a row for each choice of rates, a column for each seed."""
    for seed in seeds:
        _write(work / f"5-9-{seed}" / FOLDER, range(5, 10), EXAMPLES, seed)
    trials = [Trial(rates, seed) for seed in seeds for rates in choices]
    # Building graphs, most of the work, keeps one core busy only.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(partial(_try, work, pretrained), trials))
    return [results[number :: len(choices)] for number in range(len(choices))]


def _try(work: Path, pretrained: str, trial: Trial) -> TrainResult:
    data = str(work / f"5-9-{trial.seed}" / FOLDER)
    output = str(work / "-".join([trial.network, *map(str, trial.rates), str(trial.seed)]))
    if trial.network == "fine-tuned":
        config = FineTuneConfig(
            data=data,
            net=NETWORK,
            batch_size=BATCH_SIZE,
            head_epochs=HEAD_EPOCHS,
            tune_epochs=TUNE_EPOCHS,
            learning_rate=trial.rates[0],
            tune_learning_rate=trial.rates[1],
            random_features=False,
            seed=trial.seed,
        )
        result = finetune(TuningRequest(pretrained), config, output).training
    else:
        plain = TrainConfig(
            data=data,
            depth=DEPTH,
            epochs=HEAD_EPOCHS + TUNE_EPOCHS,
            batch_size=BATCH_SIZE,
            learning_rate=trial.rates[0],
            seed=trial.seed,
        )
        result = train(plain, output)
    tell(
        f"  seed {trial.seed}, {trial.network}, {_worded(trial.rates)}: "
        f"validation {result.validation_accuracy:.1%}"
    )
    shutil.rmtree(output)
    return result


def _worded(rates: tuple[float, ...]) -> str:
    return " then ".join(map(str, rates))


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


def _print_choice(
    choices: Sequence[tuple[float, ...]], results: Sequence[Sequence[TrainResult]]
) -> None:
    shown = []
    for rates, row in zip(choices, results, strict=True):
        values = np.array([one.validation_accuracy for one in row])
        shown.append(
            {
                "network": Trial(rates, 0).network,
                "learning rates": _worded(rates),
                "validation accuracy": f"{values.mean():.1%}",
                "lowest": f"{values.min():.1%}",
                "highest": f"{values.max():.1%}",
            }
        )
    sys.stdout.write("\n".join(text.as_table(shown)) + "\n")


def _print_comparison(accuracies: Sequence[Sequence[float]]) -> None:
    tuned, scratch = np.array(accuracies)
    rows = {"fine-tuned": tuned, "from scratch": scratch, "difference": tuned - scratch}
    shown = [
        {
            "network": name,
            "test accuracy": f"{values.mean():.1%}",
            "standard deviation": f"{values.std(ddof=1):.1%}",
            "lowest": f"{values.min():.1%}",
            "highest": f"{values.max():.1%}",
        }
        for name, values in rows.items()
    ]
    sys.stdout.write("\n".join(text.as_table(shown)) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choose-rates", action="store_true")
    main(parser.parse_args().choose_rates)

import json
import pathlib
import zlib

import numpy as np
import pytest

ORACLE = pathlib.Path(__file__).parents[1] / "oracle" / "cifar10_resnet"


def filled(name, shape, gain=0.5):
    """The oracle's fill: a function of the variable's name and shape (its README)."""
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    kind = name.rpartition("/")[2]
    if kind in ("gamma", "moving_variance"):
        values = 0.5 + rng.uniform(0, 1, shape)
    elif kind in ("beta", "moving_mean", "bias"):
        values = 0.1 * rng.standard_normal(shape)
    else:
        values = rng.standard_normal(shape) * np.sqrt(gain / np.prod(shape[:-1]))
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def oracle_arrays():
    with np.load(ORACLE / "cifar.npz", allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def oracle_facts():
    return json.loads((ORACLE / "cifar.json").read_text())


@pytest.fixture(scope="session")
def oracle_variables():
    return {
        depth: json.loads((ORACLE / f"resnet{depth}_variables.json").read_text())
        for depth in (20, 44)
    }

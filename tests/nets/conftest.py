import json
import pathlib

import numpy as np
import pytest

ORACLE = pathlib.Path(__file__).parents[1] / "oracle" / "cifar10_resnet"


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

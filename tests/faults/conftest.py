import time
from dataclasses import dataclass

import pytest
from fault_processes import finish, start, train_arguments, weights

from tfinspect.data.prepare import prepare


@dataclass(frozen=True)
class Uninterrupted:
    path: str
    weights: dict
    # How long the process took.
    seconds: float


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """A run that went through, in a process of its own."""
    prepare("digits")
    output = tmp_path_factory.mktemp("faults") / "run"
    # The first process waits until TensorFlow is imported in the server.
    finish(start(["nets"], output.with_name("log")))
    began = time.monotonic()
    assert finish(start(train_arguments(output), output.with_name("log"))) == 0
    return Uninterrupted(str(output), weights(output), time.monotonic() - began)

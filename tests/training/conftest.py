import pytest

from tfinspect.training.config import TrainConfig


@pytest.fixture(scope="session")
def tiny():
    """Settings of a run of two steps an epoch on the digits, a few seconds in all."""
    return TrainConfig(depth=8, width=0.25, batch_size=512, epochs=4, learning_rate=0.02)

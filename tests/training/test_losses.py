import numpy as np
import pytest
import tensorflow as tf

from tfinspect.training.losses import CrossEntropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_loss_is_the_cross_entropy_of_the_smoothed_target(smoothing):
    logits = np.random.RandomState(0).standard_normal((5, 4))
    labels = np.array([0, 1, 2, 3, 1])
    target = np.full((5, 4), smoothing / 4)
    target[np.arange(5), labels] += 1 - smoothing
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -(target * log_probabilities).sum(axis=1).mean()
    loss = CrossEntropy(smoothing)(labels, tf.constant(logits, tf.float32))
    assert float(loss) == pytest.approx(expected, rel=1e-5)

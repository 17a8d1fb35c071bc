import tracemalloc

import numpy as np
import pytest

from tfinspect.ranking.scores import Disagreement, descending


def disagreement(gradients, labels, at_once=4):
    with Disagreement() as found:
        for start in range(0, len(labels), at_once):
            found.add(gradients[start : start + at_once], labels[start : start + at_once])
        return found.scores()


def test_disagreement_equals_the_cosine_with_the_mean_of_the_others():
    gradients = np.random.RandomState(0).normal(size=(6, 4))
    labels = np.array([0, 0, 0, 1, 1, 1])
    units = gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
    for i, found in enumerate(disagreement(gradients, labels)):
        mean = np.mean([units[j] for j in range(6) if j != i and labels[j] == labels[i]], axis=0)
        assert found == pytest.approx(1 - units[i] @ mean / np.linalg.norm(mean), rel=1e-5)


def test_one_that_points_the_other_way_disagrees_most():
    gradients = np.array([[1.0, 0.1], [5.0, -0.1], [-0.2, 0.0], [2.0, 0.0]])
    assert descending(disagreement(gradients, np.zeros(4, int)))[0] == 2


def test_a_gradient_of_zero_and_a_lonely_class_are_neutral():
    gradients = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(disagreement(gradients, np.array([0, 0, 1])), [1, 1, 1])


def test_equal_scores_keep_their_order():
    np.testing.assert_array_equal(descending(np.array([1.0, 2.0, 2.0, 0.0])), [1, 2, 0, 3])


def test_directions_wait_on_disk_and_not_in_memory():
    gradients = np.random.RandomState(0).normal(size=(256, 4096)).astype(np.float32)
    with Disagreement() as found:
        tracemalloc.start()
        for _ in range(8):
            found.add(gradients, np.zeros(256, int))
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert kept < gradients.nbytes / 4

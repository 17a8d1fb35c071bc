import numpy as np
import pytest
from sklearn import metrics as oracle

from tfinspect.training import metrics

CLASSES, EXAMPLES = 8, 400


@pytest.fixture(scope="module")
def case():
    random = np.random.RandomState(0)
    labels = random.randint(0, CLASSES, EXAMPLES)
    logits = random.standard_normal((EXAMPLES, CLASSES)) * 2
    logits[np.arange(EXAMPLES), labels] += 1.5
    return logits, labels


@pytest.fixture(scope="module")
def measured(case):
    return metrics.measure(*case)


def probabilities(case):
    return np.exp(metrics.log_softmax(case[0]))


def test_accuracy_equals_scikit_learn(case, measured):
    expected = oracle.accuracy_score(case[1], case[0].argmax(axis=1))
    assert measured.accuracy == pytest.approx(expected, abs=1e-12)


def test_top5_equals_scikit_learn(case, measured):
    expected = oracle.top_k_accuracy_score(case[1], case[0], k=5)
    assert measured.top5 == pytest.approx(expected, abs=1e-12)


def test_loss_equals_scikit_learn(case, measured):
    expected = oracle.log_loss(case[1], probabilities(case), labels=range(CLASSES))
    assert measured.loss == pytest.approx(expected, rel=1e-12)


def test_auroc_equals_scikit_learn(case, measured):
    expected = oracle.roc_auc_score(case[1], probabilities(case), multi_class="ovr")
    assert measured.auroc == pytest.approx(expected, rel=1e-12)
    assert measured.auroc_classes == CLASSES


def test_confusion_has_the_true_label_in_the_row(case, measured):
    expected = oracle.confusion_matrix(case[1], case[0].argmax(axis=1), labels=range(CLASSES))
    np.testing.assert_array_equal(measured.confusion, expected)


def test_precision_and_recall_equal_scikit_learn(case, measured):
    precision, recall, _, examples = oracle.precision_recall_fscore_support(
        case[1], case[0].argmax(axis=1), labels=range(CLASSES)
    )
    np.testing.assert_allclose([one.precision for one in measured.classes], precision)
    np.testing.assert_allclose([one.recall for one in measured.classes], recall)
    assert [one.examples for one in measured.classes] == examples.tolist()


def test_totals_of_classes_agree_with_the_accuracy(measured):
    found = sum(one.recall * one.examples for one in measured.classes)
    assert found == pytest.approx(measured.accuracy * EXAMPLES)
    assert sum(one.predicted for one in measured.classes) == EXAMPLES


def test_equal_logits_have_the_loss_of_a_guess():
    guess = metrics.measure(np.zeros((4, 10)), np.array([0, 1, 2, 3]))
    assert guess.loss == pytest.approx(np.log(10))
    # Of ten equal logits the first is the answer and the first five are the top five.
    assert guess.accuracy == 0.25
    assert guess.top5 == 1.0


def test_huge_logits_neither_overflow_nor_lose_the_loss():
    measured = metrics.measure(np.array([[1000.0, 0.0]]), np.array([1]))
    assert measured.loss == 1000.0


@pytest.mark.parametrize(("classes", "expected"), [(5, None), (6, 1.0)])
def test_top5_needs_more_than_five_classes(classes, expected):
    assert metrics.measure(np.eye(classes), np.arange(classes)).top5 == expected


def test_auroc_leaves_absent_classes_out():
    scores = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.7, 0.3, 0.0]])
    # Class 1 ranks above one of the two others, class 0 likewise; class 2 has no example.
    assert metrics.auroc(scores, np.array([0, 0, 1])) == (0.5, 2)


def test_auroc_of_one_label_alone_is_none():
    assert metrics.auroc(np.eye(2), np.array([1, 1])) == (None, 0)


def test_a_class_without_predictions_has_no_precision():
    classes = metrics.per_class(np.array([[2, 0, 0], [1, 0, 0], [0, 0, 0]]))
    assert [one.precision for one in classes] == [pytest.approx(2 / 3), None, None]
    assert [one.recall for one in classes] == [1.0, 0.0, None]


def test_calibration_error_of_one_bin_is_confidence_minus_accuracy():
    scores = np.tile([0.8, 0.2], (10, 1))
    labels = np.array([0] * 6 + [1] * 4)
    assert metrics.expected_calibration_error(scores, labels) == pytest.approx(0.2)


def test_calibration_error_weighs_bins_by_their_examples():
    scores = np.array([[0.9, 0.1]] * 3 + [[0.6, 0.4]])
    labels = np.array([0, 0, 1, 0])
    expected = 3 / 4 * abs(2 / 3 - 0.9) + 1 / 4 * abs(1 - 0.6)
    assert metrics.expected_calibration_error(scores, labels) == pytest.approx(expected)


def test_calibration_error_equals_a_loop_over_the_bins(case):
    scores = probabilities(case)
    confidence, correct = scores.max(axis=1), scores.argmax(axis=1) == case[1]
    expected = 0.0
    for m in range(1, 16):
        inside = (confidence > (m - 1) / 15) & (confidence <= m / 15)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert metrics.expected_calibration_error(scores, case[1]) == pytest.approx(expected)


def test_certain_and_right_is_calibrated():
    measured = metrics.measure(np.eye(3) * 1e4, np.arange(3))
    assert (measured.ece, measured.loss, measured.auroc) == (0.0, 0.0, 1.0)

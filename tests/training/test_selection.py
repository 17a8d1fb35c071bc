import pytest

from tfinspect.training.selection import is_kept, standard_error


def test_standard_error_shrinks_with_the_square_root_of_the_examples():
    assert standard_error(0.9, 40_000) == pytest.approx(standard_error(0.9, 10_000) / 2, rel=1e-3)
    assert standard_error(0.9, 10_000) == pytest.approx(0.003, rel=1e-2)


def test_perfect_score_on_few_examples_is_not_certain():
    assert standard_error(1.0, 200) == pytest.approx(0.005, abs=1e-3)


@pytest.mark.parametrize(
    ("accuracy", "highest", "examples", "kept"),
    [
        (1.0, 1.0, 200, True),
        (0.996, 1.0, 200, True),
        (0.98, 1.0, 200, False),
        (0.925, 0.928, 5000, True),
        (0.915, 0.928, 5000, False),
    ],
)
def test_later_epoch_is_kept_within_one_standard_error(accuracy, highest, examples, kept):
    assert is_kept(accuracy, highest, examples) is kept

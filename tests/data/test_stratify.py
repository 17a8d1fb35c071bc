import numpy as np
import pytest

from tfinspect.data.stratify import largest_remainder, stratified, tenths

LABELS = np.random.RandomState(1).randint(0, 4, 200)
COUNTS = np.bincount(LABELS)


@pytest.mark.parametrize("total", [0, 1, 37, 200])
def test_largest_remainder_shares_all_of_it_within_one(total):
    quotas = largest_remainder(COUNTS, total)
    assert quotas.sum() == total
    assert np.all(np.abs(quotas - COUNTS * total / 200) < 1)


def test_tenths_leave_two_of_three_for_training():
    assert tenths(np.array([0, 2, 3, 14, 100])).tolist() == [0, 0, 1, 1, 10]


def test_parts_are_disjoint_complete_and_have_their_quotas():
    quotas = {"test": tenths(COUNTS), "validation": tenths(COUNTS)}
    parts = stratified(LABELS, quotas, seed=3)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(200))
    for part, counts in quotas.items():
        assert np.bincount(LABELS[parts[part]], minlength=4).tolist() == counts.tolist()


def test_the_seed_decides_the_parts():
    quotas = {"test": tenths(COUNTS)}
    first, again, other = (stratified(LABELS, quotas, seed)["test"] for seed in (3, 3, 4))
    assert first.tolist() == again.tolist() != other.tolist()

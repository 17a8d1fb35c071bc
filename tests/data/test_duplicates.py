import random
import tracemalloc

import pytest

from tfinspect.data import duplicates
from tfinspect.data.duplicates import Duplicates, Place

SPLITS = ("train", "validation", "test")


def counted(places):
    """The obvious loop over a dictionary: twins of each pair of splits, and the first of them."""
    first, twins = {}, {}
    for image, place in places:
        original = first.setdefault(image, place)
        if original.split != place.split:
            twins.setdefault((place.split, original.split), []).append((place, original))
    return twins


@pytest.mark.parametrize("at_once", [16, 64, 1 << 17])
def test_twins_are_those_of_the_obvious_loop_however_few_are_compared_at_once(monkeypatch, at_once):
    monkeypatch.setattr(duplicates, "_AT_ONCE", at_once)
    chance = random.Random(at_once)
    seen = Duplicates()
    places = []
    for number in range(500):
        split = chance.choice(SPLITS)
        image = b"%d" % chance.randrange(300)
        places.append((image, Place(f"{split}.tfrecord", split, number, 10 * number)))
        seen.add(*places[-1])
    expected = counted(places)
    found = seen.findings()
    assert [one.record for one in found] == [twins[0][0].record for twins in expected.values()]
    for finding, (pair, twins) in zip(found, expected.items(), strict=True):
        place, original = twins[0]
        assert f"the image of record {original.record} of {original.file} " in finding.reason
        assert f"({len(twins)} images of '{pair[0]}' are in '{pair[1]}')" in finding.reason
        assert (finding.file, finding.offset) == (place.file, place.offset)


def test_nothing_seen_is_nothing_found():
    assert Duplicates().findings() == []


def peak_bytes(count):
    tracemalloc.start()
    try:
        seen = Duplicates()
        for number in range(count):
            seen.add(b"%d" % number, Place("train.tfrecord", "train", number, number))
        assert seen.findings() == []
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_images_take_no_more_memory(monkeypatch):
    monkeypatch.setattr(duplicates, "_AT_ONCE", 1024)
    few, many = peak_bytes(2_000), peak_bytes(20_000)
    # The names and sizes of two dozen arrays that wait to be joined, and no image.
    assert many - few < 100_000

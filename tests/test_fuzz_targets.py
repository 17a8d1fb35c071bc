"""The fuzzer's table is whole and its targets run; the fuzzing itself is `make fuzz`."""

from random import Random

import numpy as np
import pytest

from fuzz import exercise, mutators
from fuzz.packed import pack, unpack
from fuzz.targets import TARGETS
from tfinspect.artifacts.detect import FORMATS
from tfinspect.entries import VariableEntry


def test_every_format_is_fuzzed():
    fuzzed = {kind for target in TARGETS.values() for kind in target.formats}
    assert fuzzed == {row.kind for row in FORMATS}


@pytest.mark.parametrize("name", TARGETS)
def test_target_passes_on_its_seeds(name, tmp_path):
    seeds = TARGETS[name].seeds()
    for number, seed in enumerate(seeds):
        place = tmp_path / str(number)
        place.mkdir()
        TARGETS[name].run(seed, place)
    assert len(set(seeds)) == len(seeds)


def _reversed(part):
    return part[::-1] + b"!"


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_input_is_another_one_and_still_no_finding(name, tmp_path):
    target = TARGETS[name]
    seed = min(target.seeds(), key=len)
    changed = {target.mutate(seed, _reversed, Random(chance)) for chance in range(20)}
    for number, data in enumerate(sorted(changed)):
        place = tmp_path / str(number)
        place.mkdir()
        target.run(data, place)
    assert len(changed - {seed}) > 0


def test_mutated_table_keeps_its_checksums():
    """Most changes must get past the frame, or the fuzzer never sees what lies behind it."""
    seed, read = min(TARGETS["v1"].seeds(), key=len), 0
    for chance in range(40):
        read += bool(mutators.blocks_of(mutators.table(seed, _reversed, Random(chance))))
    assert read > 20


def test_packed_files_come_out_as_they_went_in():
    assert unpack(pack([b"one", b"", b"three"]), 3) == [b"one", b"", b"three"]
    assert unpack(b"\xff", 2) == [b"", b""]


def test_shape_other_than_the_listed_one_is_a_finding():
    class Lying:
        def entry(self, name):
            return VariableEntry(name, (2,), "float32", 2, 8)

        def read(self, name):
            return np.zeros(3, np.float32)

    with pytest.raises(AssertionError, match=r"\(3,\) is read, \(2,\) was listed"):
        exercise.read_value(Lying(), "w")

"""One contract over every reader: what a listing promises, and what reading gives."""

import json
import math

import numpy as np
import pytest
from artifact_cases import CASES

from tfinspect.artifacts import open_artifact
from tfinspect.artifacts.dtypes import element_bytes
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request, tmp_path_factory):
    case = CASES[request.param]
    return case, open_artifact(case.make(tmp_path_factory.mktemp(request.param)))


def test_kind_is_told(case):
    described, artifact = case
    assert artifact.kind == described.kind


def test_nothing_is_missing_in_a_whole_artifact(case):
    assert case[1].notes == ()


def test_names_and_keys_are_unique(case):
    variables = case[1].variables
    assert len({entry.name for entry in variables}) == len(variables)
    assert len({entry.key for entry in variables}) == len(variables)


def test_sizes_agree_with_shapes(case):
    for entry in case[1].variables:
        assert entry.parameters == math.prod(entry.shape), entry.name
        if element_bytes(entry.dtype):
            assert entry.bytes == entry.parameters * element_bytes(entry.dtype), entry.name


def test_rows_are_json_with_the_documented_keys(case):
    expected = list(VariableEntry("", (), "float32", 0, 0).row())
    for entry in case[1].variables:
        assert list(json.loads(json.dumps(entry.row()))) == expected


def test_value_has_the_listed_shape_and_type(case):
    for entry in case[1].variables:
        value = case[1].read(entry.name)
        assert value.shape == entry.shape, entry.name
        assert ("string" if value.dtype == object else str(value.dtype)) == entry.dtype


def test_name_and_key_read_the_same(case):
    for entry in case[1].variables:
        by_name, by_key = case[1].read(entry.name), case[1].read(entry.key)
        assert by_name.tobytes() == by_key.tobytes() or by_name.dtype == object


def test_part_is_a_part_of_the_value(case):
    for entry in case[1].variables:
        index = (..., slice(0, 1)) if entry.shape else ()
        part, value = case[1].read_part(entry.name, index), case[1].read(entry.name)
        assert part.dtype == value.dtype
        np.testing.assert_array_equal(part, value[index], err_msg=entry.name)


def test_unknown_name_is_refused(case):
    with pytest.raises(ArtifactError, match=r"no variable 'no/such/name' in .*list-vars"):
        case[1].read("no/such/name")

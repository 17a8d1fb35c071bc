"""One contract over every reader: what a listing promises, and what reading gives."""

import json
import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
from artifact_cases import CASES, WRITTEN, Case

from tfinspect.artifacts import detect, open_artifact
from tfinspect.artifacts.artifact import Artifact
from tfinspect.artifacts.dtypes import element_bytes
from tfinspect.artifacts.file_part import Room
from tfinspect.entries import VariableEntry
from tfinspect.errors import ArtifactError


@dataclass(frozen=True)
class Opened:
    described: Case
    path: str
    values: dict
    artifact: Artifact

    @property
    def readable(self):
        return [entry for entry in self.artifact.variables if entry.readable]


def _opened(name, tmp_path_factory):
    described = CASES[name]
    path, values = described.make(tmp_path_factory.mktemp(name))
    return Opened(described, path, values, open_artifact(path))


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request, tmp_path_factory):
    return _opened(request.param, tmp_path_factory)


def test_every_format_is_in_the_contract():
    formats = {row.kind for row in detect.FORMATS}
    assert {described.format for described in CASES.values()} == formats
    assert {described.format for described in WRITTEN.values()} == formats


def test_format_and_kind_are_told(case):
    found = next(row.kind for row in detect.FORMATS if row.recognise(case.path))
    assert (found, case.artifact.kind) == (case.described.format, case.described.kind)


def test_values_are_those_that_tensorflow_wrote(case):
    assert case.values or not (case.described.valued and case.described in WRITTEN.values())
    for name, value in case.values.items():
        read = case.artifact.read(name)
        assert (str(read.dtype), read.shape) == (str(value.dtype), value.shape), name
        assert read.tobytes() == value.tobytes(), name


def test_variables_have_values_or_an_error_says_where_they_are(case):
    assert case.artifact.variables
    left = [entry for entry in case.artifact.variables if not entry.readable]
    assert len(left) == (0 if case.described.valued else len(case.artifact.variables))
    for entry in left:
        with pytest.raises(ArtifactError, match=f"'{re.escape(entry.name)}' .*checkpoint"):
            case.artifact.read(entry.name)


def test_nothing_is_missing_in_a_whole_artifact(case):
    assert case.artifact.notes == ()


def test_names_and_keys_are_unique(case):
    variables = case.artifact.variables
    assert len({entry.name for entry in variables}) == len(variables)
    assert len({entry.key for entry in variables}) == len(variables)


def test_sizes_agree_with_shapes(case):
    for entry in case.artifact.variables:
        assert entry.parameters == math.prod(entry.shape), entry.name
        if element_bytes(entry.dtype):
            assert entry.bytes == entry.parameters * element_bytes(entry.dtype), entry.name


def test_rows_are_json_with_the_documented_keys(case):
    expected = list(VariableEntry("", (), "float32", 0, 0).row())
    for entry in case.artifact.variables:
        assert list(json.loads(json.dumps(entry.row()))) == expected


def test_value_has_the_listed_shape_and_type(case):
    for entry in case.readable:
        value = case.artifact.read(entry.name)
        assert value.shape == entry.shape, entry.name
        assert ("string" if value.dtype == object else str(value.dtype)) == entry.dtype


def test_name_and_key_read_the_same(case):
    for entry in case.readable:
        by_name, by_key = case.artifact.read(entry.name), case.artifact.read(entry.key)
        assert by_name.tobytes() == by_key.tobytes() or by_name.dtype == object


def test_part_is_a_part_of_the_value(case):
    for entry in case.readable:
        index = (..., slice(0, 1)) if entry.shape else ()
        part, value = case.artifact.read_part(entry.name, index), case.artifact.read(entry.name)
        assert part.dtype == value.dtype
        np.testing.assert_array_equal(part, value[index], err_msg=entry.name)


def test_value_in_a_room_is_the_value(case):
    room = Room()
    for entry in case.readable:
        value, held = case.artifact.read(entry.name), case.artifact.read(entry.name, room)
        assert held.dtype == value.dtype
        np.testing.assert_array_equal(held, value, err_msg=entry.name)


def test_unknown_name_is_refused(case):
    with pytest.raises(ArtifactError, match=r"no variable 'no/such/name' in .*list-vars"):
        case.artifact.read("no/such/name")

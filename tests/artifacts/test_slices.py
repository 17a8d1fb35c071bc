import numpy as np
import pytest
from table_writer import field, shape

from tfinspect.artifacts.slices import (
    Extent,
    assemble,
    parse_shape,
    parse_slice,
    slice_key,
    slice_shape,
)
from tfinspect.artifacts.wire import WireError


def test_shape_is_read():
    assert parse_shape(shape(3, 0, 5)) == (3, 0, 5)


def test_unknown_rank_is_none():
    assert parse_shape(field(3, 1)) is None


@pytest.mark.parametrize("sizes", [(2**40, 2**40), (-1,), (1,) * 255])
def test_shape_that_no_tensor_has_is_refused(sizes):
    with pytest.raises(WireError, match="shape"):
        parse_shape(shape(*sizes))


def test_slice_without_length_is_the_whole_axis():
    data = field(1, b"") + field(1, field(1, 2) + field(2, 3))
    assert parse_slice(data) == (Extent(0, -1), Extent(2, 3))


def test_shape_of_a_slice():
    assert slice_shape((Extent(0, -1), Extent(2, 3)), (4, 9)) == (4, 3)


def test_slice_outside_its_variable_is_refused():
    with pytest.raises(WireError, match="from 2 to 5 of an axis of 4"):
        slice_shape((Extent(2, 3),), (4,))


def test_zero_bytes_in_a_name_are_escaped_in_keys():
    whole = slice_key(b"a\x00b", (Extent(0, -1),))
    assert whole == b"\x00" + b"a\x00\xffb\x00\x01" + b"\x01\x01" + b"\x80" + b"\x7f"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (63, b"\xbf"),
        (64, b"\xc0\x40"),
        (8191, b"\xdf\xff"),
        (8192, b"\xe0\x20\x00"),
        (-65, b"\x3f\xbf"),
    ],
)
def test_signed_numbers_in_keys_are_ordered_codes(value, code):
    key = slice_key(b"", (Extent(value, -1),))
    assert key == b"\x00\x00\x01\x01\x01" + code + b"\x7f"


WHOLE = np.arange(12).reshape(3, 4)
PLACES = [
    (Extent(0, 1), Extent(0, -1)),
    (Extent(1, 2), Extent(0, 2)),
    (Extent(1, 2), Extent(2, 2)),
]


def _part(extents):
    ranges = [one.resolved(size) for one, size in zip(extents, WHOLE.shape, strict=True)]
    return WHOLE[tuple(slice(*bounds) for bounds in ranges)]


def test_slices_are_put_together():
    np.testing.assert_array_equal(assemble((3, 4), WHOLE.dtype, PLACES, _part), WHOLE)


@pytest.mark.parametrize(
    ("index", "needed"),
    [
        (..., 3),
        (0, 1),
        (-3, 1),
        ((..., 3), 2),
        ((..., -4), 2),
        ((slice(1, None), slice(0, 2)), 1),
        ((slice(None, None, -2),), 3),
        ((2, ..., 1), 1),
        ((0, 0), 1),
        (slice(3, 3), 0),
        ([0, 2], 3),
    ],
    ids=str,
)
def test_only_slices_that_hold_something_of_an_index_are_read(index, needed):
    read = []
    found = assemble((3, 4), WHOLE.dtype, PLACES, lambda one: read.append(one) or _part(one), index)
    np.testing.assert_array_equal(found[index], WHOLE[index])
    assert len(read) == needed


@pytest.mark.parametrize("index", [3, -4, (0, 0, 0), (0, 4)], ids=str)
def test_index_outside_the_shape_is_refused(index):
    with pytest.raises(IndexError):
        assemble((3, 4), WHOLE.dtype, PLACES, _part, index)


@pytest.mark.parametrize(
    "places",
    [[(Extent(0, 2),)], [(Extent(0, 2),), (Extent(1, 2),)], []],
    ids=["gap", "overlap", "nothing"],
)
def test_slices_that_do_not_cover_are_refused(places):
    with pytest.raises(WireError, match="has slices"):
        assemble((4,), np.dtype(int), places, lambda _: np.zeros(2, int))


def test_every_special_byte_of_a_name_is_escaped_once():
    whole = slice_key(b"a\xffb\x00", ())
    assert whole == b"\x00" + b"a\xff\x00b\x00\xff\x00\x01" + b"\x00"

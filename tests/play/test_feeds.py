import numpy as np
import pytest

from tfinspect.errors import ConfigError, DataError
from tfinspect.play.feeds import ImageFiles, Place, parse_feeds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=0.5", 0.5),
        ("a=3", 3),
        ("a=-1e-3", -1e-3),
        ("a=false", False),
        ("a=True", True),
        ("a=[1, 2]", np.array([1, 2])),
        ("a=[[1.5], [2]]", np.array([[1.5], [2]])),
        ("a=photo.jpg", ImageFiles(("photo.jpg",))),
        ("a=x=y.png", ImageFiles(("x=y.png",))),
    ],
)
def test_value_is_a_constant_a_list_or_a_file(text, value):
    found = parse_feeds([text])["a"]
    assert type(found) is type(value)
    assert np.array_equal(found, value) if isinstance(value, np.ndarray) else found == value


def test_npy_file_is_read(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3))
    np.testing.assert_array_equal(parse_feeds([f"a={tmp_path}/x.npy"])["a"], np.arange(3))


def test_images_of_one_name_are_a_batch():
    assert parse_feeds(["a=1.png", "a=2.png"]) == {"a": ImageFiles(("1.png", "2.png"))}


@pytest.mark.parametrize("text", ["a", "=3", "a="])
def test_text_without_name_or_value_is_refused(text):
    with pytest.raises(ConfigError, match="write NAME=FILE or NAME=VALUE"):
        parse_feeds([text])


def test_name_fed_twice_is_refused():
    with pytest.raises(ConfigError, match="'a' is fed twice"):
        parse_feeds(["a=1", "a=2"])


def test_pickled_array_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(DataError, match="is no array of NumPy"):
        parse_feeds([f"a={tmp_path}/x.npy"])


def test_missing_array_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no"):
        parse_feeds([f"a={tmp_path}/x.npy"])


def test_numbers_become_the_tensors_type():
    assert Place("a", "float32", ()).fit(1).dtype == np.float32
    assert Place("a", "bool", None).fit(True).dtype == np.bool_


@pytest.mark.parametrize(
    ("dtype", "value", "words"),
    [
        ("uint8", 300, r"takes uint8, which is 0\.\.255, and was given 300"),
        ("uint8", [1, -1], r"and was given -1; give numbers in that range"),
        ("int32", 2**40, r"-2147483648\.\.2147483647, and was given 1099511627776"),
        ("uint64", -1, r"takes uint64, which is 0\.\.\d+, and was given -1"),
        ("float32", [1.0, 1e300], r"takes float32, in which 1e\+300 would not be a finite number"),
        ("float16", 70000, r"takes float16, in which 70000 would not be"),
        ("bfloat16", -1e39, r"takes bfloat16, in which -1e\+39 would not be"),
    ],
)
def test_number_that_the_type_cannot_hold_is_refused(dtype, value, words):
    with pytest.raises(DataError, match=words):
        Place("a", dtype, None).fit(value)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("uint8", [0, 255]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("uint64", np.array([2**64 - 1], np.uint64)),
        ("float16", [65504.0, np.inf, -np.inf]),
        ("uint8", np.zeros([0, 3], np.int64)),
    ],
)
def test_ends_of_a_type_and_what_is_infinite_already_are_taken(dtype, value):
    np.testing.assert_array_equal(Place("a", dtype, None).fit(value), value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (Place("a", "int32", ()), 0.5),
        (Place("a", "float32", ()), True),
        (Place("a", "bool", ()), 1),
        (Place("a", "float32", (None, 2)), np.zeros((3, 3))),
        (Place("a", "float32", (2,)), np.zeros((2, 1))),
    ],
)
def test_value_that_does_not_fit_is_named_with_both_shapes(place, value):
    with pytest.raises(DataError, match=r"'a' takes .* \[.*\], and was given .* \[.*\]"):
        place.fit(value)


def test_list_without_one_shape_is_an_error():
    with pytest.raises(DataError, match=r"rows of '\[\[1, 2\], \[3\]\]' differ in length"):
        parse_feeds(["a=[[1, 2], [3]]"])

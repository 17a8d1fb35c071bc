import shutil
import tracemalloc

import h5py
import ml_dtypes
import numpy as np
import pytest
from oracle_files import CKPT_V1, CKPT_V2, KERAS3, OBJECT_BASED, TF_KERAS

import tfinspect
from tfinspect.artifacts import open_artifact
from tfinspect.errors import ConfigError
from tfinspect.value_difference import value_difference

RANDOM = np.random.RandomState(0)


@pytest.fixture
def made(tmp_path):
    """Returns a function that writes arrays, by name, as an artifact."""

    def make(name, **arrays):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            for key, value in arrays.items():
                file[key.replace("__", "/")] = value
        return open_artifact(tmp_path / f"{name}.h5")

    return make


def _statuses(*arguments, **options):
    return {found.name: found.status for found in tfinspect.diff(*arguments, **options)}


def test_every_status_is_told(made):
    value = RANDOM.standard_normal((4, 5)).astype("f4")
    same = {"same": value, "typed": value + 1, "shaped": value + 2, "moved": value + 3}
    a = made("a", old=value[0], value=value + 4, **same)
    changes = {"typed": value.astype("f8") + 1, "shaped": value.T + 2}
    b = made("b", new=value[0, :3], value=value + 5, other=same.pop("moved"), **(same | changes))
    found = list(tfinspect.diff(a, b))
    assert {one.name: (one.status, one.other) for one in found} == {
        "same": ("equal", None),
        "shaped": ("reshaped", None),
        "typed": ("retyped", None),
        "value": ("changed", None),
        "moved": ("renamed", "other"),
        "old": ("removed", None),
        "new": ("added", None),
    }


def test_artifact_equals_itself():
    assert set(_statuses(CKPT_V2, CKPT_V2).values()) == {"equal"}


def test_formats_of_one_model_are_equal():
    found = tfinspect.diff(KERAS3 / "model.h5", KERAS3 / "model.keras")
    assert {one.status for one in found} == {"equal"}


def test_checkpoints_of_both_versions_are_equal_where_both_have_a_variable():
    found = _statuses(CKPT_V1, CKPT_V2)
    assert set(found.values()) == {"equal", "added"}
    assert found["extras/special"] == "equal"


def test_renames_bring_names_of_two_formats_together():
    renames = [("^model/layer-1/", "conv1/"), ("^model/layer-7/", "logits/")]
    found = {
        one.name: one
        for one in tfinspect.diff(OBJECT_BASED, TF_KERAS / "model.h5", renames=renames)
    }
    kernel = found["model/layer-1/kernel"]
    assert (kernel.status, kernel.other) == ("equal", "conv1/kernel")


def test_rename_that_was_asked_for_is_no_difference(made):
    a, b = made("a", old__x=np.ones(3)), made("b", new__x=np.ones(3))
    (found,) = tfinspect.diff(a, b, renames=[("^old", "new")])
    assert (found.name, found.status, found.other) == ("old/x", "equal", "new/x")


def test_measures_are_those_of_numpy(made):
    one, two = RANDOM.standard_normal((2, 300, 400)).astype("f4")
    two[:150] = one[:150]
    (found,) = tfinspect.diff(made("a", x=one), made("b", x=two))
    wide, apart = one.astype("f8"), two.astype("f8") - one
    norms = np.linalg.norm(wide) * np.linalg.norm(two.astype("f8"))
    assert found.relative_l2 == pytest.approx(np.linalg.norm(apart) / np.linalg.norm(wide))
    assert found.max_abs == np.abs(apart).max()
    assert found.cosine == pytest.approx(np.vdot(wide, two.astype("f8")) / norms)
    assert found.changed == 0.5


@pytest.mark.parametrize(
    ("one", "two", "changed", "largest"),
    [
        ([np.nan, 1], [np.nan, 1], 0, 0),
        ([np.nan, 1], [np.nan, 2], 0.5, 1),
        ([np.inf, 1], [np.inf, 3], 0.5, 2),
        ([np.inf, 1], [-np.inf, 1], 0.5, np.inf),
        ([np.nan, 1], [0, 1], 0.5, np.inf),
        ([0.0, 1], [-0.0, 1], 0, 0),
        ([0.0, 0], [0, 2], 0.5, 2),
    ],
)
def test_special_values(one, two, changed, largest):
    found = value_difference(np.float32(one), np.float32(two))
    assert (found.changed, found.max_abs) == (changed, largest)


def test_zero_has_no_direction_and_no_relative_size():
    found = value_difference(np.zeros(3), np.ones(3))
    assert (found.relative_l2, found.cosine) == (np.inf, None)


def test_large_integers_that_differ_by_one_are_told():
    found = value_difference(np.int64([2**60]), np.int64([2**60 + 1]))
    assert found.exceeds(0)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.complex64, bool, np.uint8])
def test_other_types_are_compared(dtype):
    one = np.array([0, 1, 1, 0], dtype)
    two = np.array([0, 1, 0, 0], dtype)
    assert value_difference(one, one).changed == 0
    assert value_difference(one, two).max_abs == 1


def test_strings_are_compared():
    found = value_difference(np.array([b"a", b"b"], object), np.array([b"a", b"c"], object))
    assert (found.changed, found.relative_l2) == (0.5, None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_equals_nothing(dtype):
    assert not value_difference(np.empty((0, 3), dtype), np.empty((0, 3), dtype)).exceeds(0)


def test_tolerance_is_relative(made):
    a, b = made("a", x=np.full(4, 1000.0)), made("b", x=np.full(4, 1001.0))
    assert _statuses(a, b, tolerance=1.1e-3) == {"x": "equal"}
    assert _statuses(a, b, tolerance=0.9e-3) == {"x": "changed"}


def test_scope_is_matched_by_whole_components(made):
    arrays = {"Logits__w": np.ones(2), "Logits_2__w": np.ones(2)}
    a = made("a", **arrays)
    assert _statuses(a, a, scope="Logits") == {"Logits/w": "equal"}


def test_values_that_cannot_be_read_are_told(made):
    a, b = made("a", x=np.void(b"abc")), made("b", x=np.void(b"abc"))
    assert _statuses(a, b) == {"x": "unreadable"}


def test_optimizer_slots_are_left_out():
    assert not [name for name in _statuses(CKPT_V2, CKPT_V2) if name.endswith("Adam")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"renames": [("no/such", "x")]}, "the rename pattern 'no/such' is found in no name"),
        ({"renames": [("(", "x")]}, "is no valid rename"),
        ({"renames": [("w", r"\9")]}, "is no valid rename"),
        ({"renames": [(".*", "x")]}, "to more than one variable, first 'x"),
        ({"scope": "tower"}, "no variable or op in scope 'tower'"),
        ({"tolerance": -1.0}, r"tolerance -1\.0 is negative"),
        ({"tolerance": float("nan")}, "is negative or no number"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        tfinspect.diff(CKPT_V2, CKPT_V2, **options)


def test_memory_is_about_the_largest_tensor(made):
    arrays = {f"x{n}": np.full(500_000, n, "f4") for n in range(6)}
    a = made("a", **arrays)
    b = made("b", **{name: value + 1 for name, value in arrays.items()})
    tracemalloc.start()
    list(tfinspect.diff(a, b))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6


def test_function_wins_over_the_module_of_its_name(tmp_path):
    import tfinspect.diff
    import tfinspect.health

    assert callable(tfinspect.diff)
    assert callable(tfinspect.health)


def test_copy_of_a_run_is_equal(tmp_path):
    shutil.copytree(OBJECT_BASED.parent, tmp_path / "copy")
    assert set(_statuses(OBJECT_BASED.parent, tmp_path / "copy").values()) == {"equal"}


def test_large_doubles_are_compared_though_their_squares_overflow():
    one, two = np.float64([3e200, -4e200, 1e-300]), np.float64([3e200, 4e200, 2e-300])
    found = value_difference(one, two)
    assert found.relative_l2 == pytest.approx(8 / 5)
    assert found.max_abs == pytest.approx(8e200)
    assert (found.changed, found.cosine) == (pytest.approx(2 / 3), pytest.approx(-7 / 25))
    assert found.exceeds(0.1)
    assert value_difference(one, np.float64([3e200, np.nan, 1e-300])).relative_l2 == np.inf

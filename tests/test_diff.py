import importlib
import os
import shutil
import tracemalloc

import h5py
import ml_dtypes
import numpy as np
import pytest
from graph_files import META_GRAPH
from oracle_files import CKPT_V1, CKPT_V2, KERAS3, OBJECT_BASED, TF_KERAS, broken_copy, copied

import tfinspect
from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.value_difference import value_difference

RANDOM = np.random.RandomState(0)
BROKEN = "tower_0/conv3/weights"


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


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        (np.uint64([2**63, 5]), np.uint64([2**63 + 1, 5]), 1),
        (np.int64([-(2**63), 0]), np.int64([2**63 - 1, 0]), 2**64 - 1),
        (np.int32([7, 7]), np.int64([7, 2**53 + 8]), 2**53 + 1),
    ],
)
def test_integers_are_exact(one, two, apart):
    found = value_difference(one, two)
    assert (found.max_abs, found.changed) == (apart, 0.5)
    assert found.relative_l2 == pytest.approx(apart / np.linalg.norm(one.astype(float)))
    assert found.exceeds(1e-20)


def test_complex_numbers_are_points_of_the_plane():
    found = value_difference(np.complex64([3 + 4j, 1]), np.complex64([0, 1]))
    assert (found.max_abs, found.changed) == (5, 0.5)
    assert found.relative_l2 == pytest.approx(5 / np.sqrt(26))


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.int64, bool])
def test_complex_numbers_are_compared_with_real_ones(dtype):
    real, other = np.array([0, 1], dtype), np.complex64([0, 1 + 2j])
    assert value_difference(real, other).max_abs == 2
    assert value_difference(other, real).changed == 0.5


def test_complex_numbers_with_nan_differ_as_a_whole():
    one, two = np.complex64([complex(np.nan, 1), 2]), np.complex64([complex(np.nan, 2), 2])
    found = value_difference(one, two)
    assert (found.changed, found.max_abs) == (0.5, np.inf)
    assert value_difference(one, one.astype(complex)).changed == 0


@pytest.mark.parametrize("largest", [1e-200, 5e-324, 1e-120, 8e307])
def test_doubles_whose_squares_vanish_or_overflow_are_compared(largest):
    one, two = np.float64([largest, 0]), np.float64([2 * largest, 0])
    found = value_difference(one, two)
    assert (found.max_abs, found.changed) == (largest, 0.5)
    assert (found.relative_l2, found.cosine) == (pytest.approx(1), pytest.approx(1))


def test_small_difference_of_large_values_is_kept():
    found = value_difference(np.float64([1, 0]), np.float64([1, 1e-200]))
    assert found.relative_l2 == pytest.approx(1e-200, abs=0)


def test_constant_of_one_element_takes_little_memory():
    value = np.broadcast_to(np.float32(1), (4096, 4096))
    tracemalloc.start()
    found = value_difference(value, value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.changed == 0
    assert peak < 4e6


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


def test_values_that_neither_side_holds_are_equal_by_name_shape_and_type(made):
    a, b = made("a", x=np.void(b"abc")), made("b", x=np.void(b"abc"))
    (found,) = tfinspect.diff(a, b)
    assert (found.status, found.changed) == ("equal", None)
    assert "'x'" in found.reason


def test_graph_without_values_equals_itself():
    assert set(_statuses(META_GRAPH, META_GRAPH).values()) == {"equal"}


def test_value_that_one_side_alone_holds_is_unreadable():
    found = _statuses(META_GRAPH, CKPT_V2)
    assert found["tower_0/conv3/weights"] == "unreadable"


@pytest.mark.parametrize(("name", "status"), [(BROKEN, "unreadable"), ("elsewhere", "removed")])
def test_broken_value_is_told_and_the_rest_is_compared(name, status, tmp_path):
    broken = broken_copy(CKPT_V2, tmp_path, BROKEN)
    found = _statuses(broken, CKPT_V2, renames=[(f"^{BROKEN}$", name)])
    # Under another name in A the variable is added in B.
    assert found.pop(BROKEN) == (status if name == BROKEN else "added")
    assert set(found.values()) == {"equal"}


def test_renamed_variable_tells_its_name_in_b():
    found = list(tfinspect.diff(CKPT_V2, CKPT_V2, renames=[("^tower_0/", "net/")]))
    renamed = {one.name: one.other for one in found if one.status == "renamed"}
    assert renamed["tower_0/conv3/weights"] == "tower_0/conv3/weights"


def test_live_object_is_refused():
    with pytest.raises(ArtifactError, match=r"a list is no artifact; .*save a live object"):
        tfinspect.diff([], CKPT_V2)


def test_optimizer_slots_are_left_out():
    assert not [name for name in _statuses(CKPT_V2, CKPT_V2) if name.endswith("Adam")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"renames": [("no/such", "x")]}, "the rename rule 'no/such=>x' matches no variable of"),
        ({"renames": [("(", "x")]}, "cannot be used"),
        ({"renames": [("w", r"\9")]}, "cannot be used"),
        ({"renames": [(".*", "x")]}, "the rename rules lead both"),
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("a", [CKPT_V1, BROKEN])
def test_shared_among_processes_it_finds_the_same(a, tmp_path, calls_here):
    a = broken_copy(CKPT_V2, tmp_path, BROKEN) if a == BROKEN else a
    # `tfinspect.diff` is the function.
    here = calls_here(importlib.import_module("tfinspect.diff"), "_measured")
    alone = list(tfinspect.diff(a, CKPT_V2))
    measured = len(here)
    assert list(tfinspect.diff(a, CKPT_V2, processes=3)) == alone
    assert 0 < len(here) - measured < measured


@pytest.mark.parametrize("left", [0, 700])
def test_values_that_both_sides_lost_are_not_equal(left, tmp_path):
    prefix = copied(CKPT_V2, tmp_path)
    (data,) = tmp_path.glob(f"{os.path.basename(prefix)}.data-*")
    os.truncate(data, left)
    found = list(tfinspect.diff(prefix, prefix))
    lost = [one for one in found if one.status == "unreadable"]
    assert len(lost) > 1
    assert all("which has" in one.reason for one in lost)
    assert {one.status for one in found} - {"equal"} == {"unreadable"}
    assert (left == 0) == (len(lost) == len(found))


def test_values_that_are_not_finite_have_no_angle_where_they_differ():
    assert value_difference(np.float32([1, np.inf]), np.float32([1, -np.inf])).cosine is None
    assert value_difference(np.float32([1, 2]), np.float32([1, np.nan])).cosine is None
    assert value_difference(np.float32([1, np.nan]), np.float32([1, np.nan])).cosine == 1


def test_fresh_biases_are_renamed_with_their_kernels(made):
    forward, backward = RANDOM.standard_normal((2, 4, 5))
    zero = np.zeros(5)
    b = {"new__1__bias": zero, "new__1__w": forward, "new__2__bias": zero, "new__2__w": backward}
    a = {"old__back__bias": zero, "old__back__w": backward}
    a |= {"old__fore__bias": zero, "old__fore__w": forward}
    found = {one.name: one.other for one in tfinspect.diff(made("a", **a), made("b", **b))}
    assert found == {
        "old/back/bias": "new/2/bias",
        "old/back/w": "new/2/w",
        "old/fore/bias": "new/1/bias",
        "old/fore/w": "new/1/w",
    }


def test_several_scopes_are_compared(made):
    a = made("a", x__w=np.ones(2), y__w=np.ones(2), z__w=np.ones(2))
    assert _statuses(a, a, scope=["x", "z"]) == {"x/w": "equal", "z/w": "equal"}

import importlib
import os
import shutil
import tracemalloc

import h5py
import numpy as np
import pytest
from graph_files import META_GRAPH
from oracle_files import CKPT_V1, CKPT_V2, KERAS3, OBJECT_BASED, TF_KERAS, broken_copy, copied

import tfinspect
from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError, ConfigError

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

import numpy as np
import pytest
from graph_files import FROZEN, TF1_SAVED_MODEL, TF2_SAVED_MODEL
from made_kernels import faulty, kernel, written
from oracle_files import CKPT_V1, CKPT_V2, KERAS3, OBJECT_BASED, TF_KERAS

import tfinspect
from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.filter_pictures.arrangement import FilterView
from tfinspect.filter_pictures.view import filter_grid, view_filters
from tfinspect.plots.grid import GridStyle
from tfinspect.probe.kernel_choice import choose_kernels, find_kernel

ARTIFACTS = {
    "v1": CKPT_V1,
    "v2": CKPT_V2,
    "object-based": OBJECT_BASED,
    "keras": KERAS3 / "model.keras",
    "h5": KERAS3 / "model.h5",
    "weights-h5": KERAS3 / "model.weights.h5",
    "keras2": TF_KERAS / "model.keras",
    "frozen": FROZEN,
    "saved-model-tf1": TF1_SAVED_MODEL,
    "saved-model-tf2": TF2_SAVED_MODEL,
}


def view(path, name, after=None, **settings):
    opened = open_artifact(path)
    found = FilterView(**settings)
    return view_filters(opened, find_kernel(opened, name), found, after and open_artifact(after))


def words(viewed):
    return "\n".join(note.text for note in viewed.sheet.notes)


@pytest.mark.parametrize("path", ARTIFACTS.values(), ids=ARTIFACTS)
def test_first_layer_of_every_kind_of_artifact_pixel_by_pixel(path):
    """Against a slow loop over the values that the artifact's reader gives."""
    artifact = open_artifact(path)
    (first,) = choose_kernels(artifact).kernels
    value = artifact.read(first.name).astype(np.float64)
    found = filter_grid(artifact, first.name)
    columns = 3
    assert found.shape == (1 + 4 * -(-value.shape[3] // columns), 1 + 4 * columns, 3)
    for place in range(value.shape[3]):
        top, left = (1 + 4 * n for n in divmod(place, columns))
        expected = np.rint(128 + 127 * value[..., place] / abs(value).max())
        np.testing.assert_array_equal(found[top : top + 3, left : left + 3], expected)


def test_public_name_takes_a_path_and_a_view():
    found = tfinspect.filter_grid(
        KERAS3 / "model.keras",
        "conv1/kernel",
        view=tfinspect.FilterView(style=GridStyle(padding=0, columns=6)),
    )
    assert found.shape == (3, 18, 3)


def test_dense_layer_on_a_given_image(tmp_path):
    path = written(tmp_path / "k.h5", {"d/kernel": kernel(12, 4)})
    style = FilterView(style=GridStyle(padding=0))
    assert filter_grid(path, "d/kernel", view=style, image_shape=(2, 2, 3)).shape == (4, 4, 3)


def test_faults_are_found_outlined_and_told(tmp_path):
    path = written(tmp_path / "k.h5", {"conv/kernel": faulty()})
    found = view(path, "conv/kernel", order="norm")
    assert (found.marks.dead, found.marks.duplicated, found.marks.not_finite) == (
        (2,),
        ((5, 1),),
        1,
    )
    (grid,) = found.sheet.grids
    assert [found.places[place] for place in grid.dead + grid.duplicated] == [2, 5]
    text = words(found)
    for part in (
        "1 dead: filter 2",
        "1 duplicated: filter 5 equals 1",
        "NaN or infinite values: 1, in filter ",
    ):
        assert part in text
    assert grid.numbers == tuple(found.places)


def test_at_most_five_filters_with_nan_are_named(tmp_path):
    value = kernel(3, 3, 3, 9)
    value[0, 0, 0, 1:8] = np.nan
    found = view(written(tmp_path / "k.h5", {"conv/kernel": value}), "conv/kernel")
    assert "NaN or infinite values: 7, in filter 1, 2, 3, 4, 5 and 2 more" in words(found)
    assert found.sheet.grids[0].numbers == tuple(range(9))


@pytest.mark.parametrize(
    ("order", "numbered"), [("index", False), ("norm", True), ("similarity", True)]
)
def test_filters_have_numbers_where_they_cannot_be_counted(tmp_path, order, numbered):
    path = written(tmp_path / "k.h5", {"conv/kernel": kernel(3, 3, 3, 6)})
    found = view(path, "conv/kernel", order=order)
    assert found.sheet.grids[0].numbers == (tuple(found.places) if numbered else ())


def test_equal_states_are_said_to_have_no_difference(tuned):
    found = view(tuned[0], "conv/kernel", tuned[0])
    assert [grid.caption for grid in found.sheet.grids] == ["before", "after", "no difference"]


def test_nan_in_both_states_is_no_difference_and_in_one_is(tmp_path):
    first = written(tmp_path / "a.h5", {"conv/kernel": faulty()})
    value = faulty()
    value[0, 0, 0, 0] = np.nan
    second = written(tmp_path / "b.h5", {"conv/kernel": value})
    captions = [
        view(first, "conv/kernel", other).sheet.grids[2].caption for other in (first, second)
    ]
    assert captions == ["no difference", "difference"]


def test_what_is_left_out_is_told(tmp_path):
    path = written(tmp_path / "k.h5", {"conv/kernel": kernel(3, 3, 6, 20)})
    found = view(path, "conv/kernel", layout="channels", max_filters=5, max_channels=4)
    assert "only the first 5 of 20 filters and 4 of 6 inputs are drawn" in words(found)
    assert found.sheet.grids[0].tiles.shape == (20, 3, 3)


def test_nothing_is_said_to_be_left_out_of_a_whole_layer(tmp_path):
    path = written(tmp_path / "k.h5", {"conv/kernel": kernel(3, 3, 6, 20)})
    assert "only" not in words(view(path, "conv/kernel", layout="channels"))


@pytest.mark.parametrize("order", ["norm", "similarity"])
def test_limit_keeps_the_first_in_order(tmp_path, order):
    value = kernel(3, 3, 3, 9) * np.arange(1, 10)
    path = written(tmp_path / "k.h5", {"conv/kernel": value})
    found = view(path, "conv/kernel", order=order, max_filters=2)
    assert found.places[0] == np.argmax(np.linalg.norm(value.reshape(-1, 9), axis=0))
    assert len(found.places) == 2


def test_only_the_drawn_filters_are_read(tmp_path, monkeypatch):
    path = written(tmp_path / "k.h5", {"conv/kernel": kernel(3, 3, 3, 20)})
    artifact = open_artifact(path)
    parts = []
    monkeypatch.setattr(type(artifact), "read", None)
    read_part = type(artifact).read_part
    monkeypatch.setattr(
        type(artifact),
        "read_part",
        lambda self, name, index: parts.append(index) or read_part(self, name, index),
    )
    view_filters(artifact, find_kernel(artifact, "conv/kernel"), FilterView(max_filters=4))
    assert parts == [(..., slice(0, 4))]


@pytest.fixture
def tuned(tmp_path):
    """A layer before and after a change of one filter."""
    value = kernel(3, 3, 3, 4)
    before = written(tmp_path / "before.h5", {"conv/kernel": value})
    value[..., 2] += 3
    return before, written(tmp_path / "after.h5", {"conv/kernel": value})


def test_comparison_is_before_after_and_difference(tuned):
    found = view(tuned[0], "conv/kernel", tuned[1])
    assert [grid.caption for grid in found.sheet.grids] == ["before", "after", "difference"]
    before, after, difference = (grid.tiles for grid in found.sheet.grids)
    np.testing.assert_allclose(difference, after - before)
    assert not difference[[0, 1, 3]].any()


def test_files_are_named_on_the_picture(tuned):
    assert words(view(tuned[0], "conv/kernel")).endswith(f"\n{tuned[0]}")
    assert words(view(tuned[0], "conv/kernel", tuned[1])).endswith(f"{tuned[0]}, then {tuned[1]}")


def test_before_and_after_share_a_scale_and_the_difference_has_its_own(tuned):
    found = view(tuned[0], "conv/kernel", tuned[1], style=GridStyle("fixed"))
    before, after, difference = (grid.style for grid in found.sheet.grids)
    values = [grid.tiles for grid in found.sheet.grids[:2]]
    assert before.limits == after.limits == (np.min(values), np.max(values))
    assert (difference.scale, difference.limits) == ("symmetric", None)


def test_comparison_projects_every_state_on_the_components_before(tmp_path):
    value = kernel(3, 3, 8, 4)
    before = written(tmp_path / "a.h5", {"conv/kernel": value})
    after = written(tmp_path / "b.h5", {"conv/kernel": value + kernel(3, 3, 8, 4, seed=1)})
    grids = view(before, "conv/kernel", after).sheet.grids
    np.testing.assert_allclose(grids[2].tiles, grids[1].tiles - grids[0].tiles, atol=1e-5)


def test_comparison_with_another_shape_is_refused(tuned, tmp_path):
    other = written(tmp_path / "o.h5", {"conv/kernel": kernel(3, 3, 3, 5)})
    with pytest.raises(ArtifactError, match=r"has shape \[3, 3, 3, 5\] in .*not \[3, 3, 3, 4\]"):
        view(tuned[0], "conv/kernel", other)


def test_limits_of_a_scale_of_each_filters_own_are_refused():
    with pytest.raises(ConfigError, match="takes no limits; leave them out"):
        FilterView(style=GridStyle("per-filter", limits=(0, 1)))


@pytest.mark.parametrize("name", ["max_filters", "max_channels"])
def test_limit_below_one_is_refused(name):
    with pytest.raises(ConfigError, match=f"{name} 0 draws nothing"):
        FilterView(**{name: 0})

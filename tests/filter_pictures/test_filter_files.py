import numpy as np
import pytest
from graph_files import GRAPH, META_GRAPH
from made_kernels import faulty, kernel, written
from oracle_files import CKPT_V2
from PIL import Image
from tensorboard.compat.proto import event_pb2

from tfinspect.data.tfrecord import read_records
from tfinspect.errors import ArtifactError, ConfigError, DataError
from tfinspect.filter_pictures.arrangement import FilterView
from tfinspect.filter_pictures.output import FilterOutput, layer_names, page_name
from tfinspect.filter_pictures.write import visualize_weights
from tfinspect.probe.kernel_choice import KernelChoice

LAYERS = {"conv1/kernel": faulty(), "conv2/kernel": kernel(3, 3, 7, 9), "fc/kernel": kernel(9, 4)}
EVERY = KernelChoice(every=True)


@pytest.fixture
def weights(tmp_path):
    return written(tmp_path / "k.h5", LAYERS)


@pytest.fixture
def place(tmp_path, monkeypatch):
    directory = tmp_path / "place"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_first_layer_goes_to_a_file_named_after_both(weights, place):
    (picture,) = visualize_weights(weights).pictures
    assert names(place) == [picture.file] == ["k.h5-conv1.kernel.png"]
    with Image.open(place / picture.file) as image:
        assert image.format == "PNG"


def test_record_says_what_is_in_the_picture(weights, place):
    (picture,) = visualize_weights(weights, view=FilterView(order="norm", max_filters=5)).pictures
    assert picture.row() == {
        "file": "k.h5-conv1.kernel.png",
        "variable": "conv1/kernel",
        "kind": "convolution",
        "layout": "rgb",
        "filters": 7,
        "drawn": 5,
        "dead": 1,
        "duplicated": 1,
        "nan": 1,
    }
    assert names(place) == [picture.file]


def test_several_layers_share_one_page(weights, place):
    written_filters = visualize_weights(weights, choice=EVERY)
    assert names(place) == ["k.h5-filters.png"]
    assert [picture.variable for picture in written_filters.pictures] == list(LAYERS)


def test_one_file_a_layer(weights, place):
    output = FilterOutput(directory=str(place / "new" / "layers"), picture_format="svg")
    visualize_weights(weights, output, choice=EVERY)
    assert names(place / "new" / "layers") == [
        "conv1.kernel.svg",
        "conv2.kernel.svg",
        "fc.kernel.svg",
    ]


def test_all_outputs_at_once(weights, place):
    output = FilterOutput(page="page.SVG", directory="layers", events="events")
    assert len(visualize_weights(weights, output, choice=EVERY).pictures) == 3 * 3
    assert names(place) == ["events", "layers", "page.SVG"]
    assert (place / "page.SVG").read_text().startswith("<svg")


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_equal_arguments_give_equal_bytes(weights, place, ending):
    for name in ("a", "b"):
        output = FilterOutput(page=f"{name}.{ending}")
        visualize_weights(weights, output, choice=EVERY, view=FilterView(order="similarity"))
    assert (place / f"a.{ending}").read_bytes() == (place / f"b.{ending}").read_bytes()


def test_tensorboard_has_an_image_for_each_layer(place):
    visualize_weights(CKPT_V2, FilterOutput(events="events"), choice=KernelChoice(match="conv"))
    (path,) = (place / "events").iterdir()
    read = [event_pb2.Event.FromString(record.data) for record in read_records(str(path))]
    events = [event for event in read if event.HasField("summary")]
    tags = [value.tag for event in events for value in event.summary.value]
    assert tags == [f"filters/tower_0/conv{n}/weights" for n in (1, 2, 3)]
    assert {event.step for event in events} == {4200000001}


def test_layers_of_another_shape_are_left_out_of_a_comparison_and_named(weights, place, tmp_path):
    other = written(tmp_path / "other.h5", LAYERS | {"fc/kernel": kernel(9, 5)})
    found = visualize_weights(weights, choice=EVERY, compare=other)
    assert [picture.variable for picture in found.pictures] == ["conv1/kernel", "conv2/kernel"]
    assert "1 layers are missing or of another shape" in found.notes[-1]
    assert names(place) == ["k.h5-filters.png"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"conv9/kernel": kernel(3, 3, 3, 7)}, r"no variable 'conv1/kernel' in .*'conv9/kernel'"),
        ({"conv1/kernel": kernel(3, 3, 3, 8)}, r"'conv1/kernel' has shape \[3, 3, 3, 8\] in"),
    ],
)
def test_comparison_without_a_common_layer_is_refused(weights, place, tmp_path, layers, message):
    other = written(tmp_path / "other.h5", layers)
    with pytest.raises(ArtifactError, match=message):
        visualize_weights(weights, compare=other)
    assert names(place) == []


def test_progress_counts_layers(weights, place):
    seen = []
    visualize_weights(weights, choice=EVERY, progress=lambda *told: seen.append(told))
    assert seen == [("drawing", n, 3) for n in (1, 2, 3)]
    assert names(place) == ["k.h5-filters.png"]


def test_unwritable_place_is_one_sentence_and_leaves_nothing(weights, place):
    (place / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot create the directory 'file'"):
        visualize_weights(weights, FilterOutput(page="file/page.png"))
    assert names(place) == ["file"]


def test_broken_value_leaves_nothing_written(place, tmp_path):
    for path in CKPT_V2.parent.glob(f"{CKPT_V2.name}*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = tmp_path / f"{CKPT_V2.name}.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ArtifactError, match=r"'tower_0/conv1/weights' in '.*' .*"):
        visualize_weights(tmp_path / CKPT_V2.name, FilterOutput(directory="layers"))
    assert names(place) == []


@pytest.mark.parametrize("path", [GRAPH, META_GRAPH], ids=["graph", "meta"])
def test_graph_without_values_sends_to_the_checkpoint(path, place):
    with pytest.raises(
        ArtifactError, match=r"describes it and holds no value; open the checkpoint"
    ):
        visualize_weights(path)
    assert names(place) == []


def test_all_values_nan_and_all_equal_are_drawn(place, tmp_path):
    layers = {"nan/kernel": np.full((3, 3, 3, 4), np.nan), "one/kernel": np.ones((3, 3, 5, 4))}
    found = visualize_weights(written(tmp_path / "k.h5", layers), choice=EVERY).pictures
    assert [picture.nan for picture in found] == [108, 0]
    assert names(place) == ["k.h5-filters.png"]


@pytest.mark.parametrize("settings", [{"page": "x.jpg"}, {"page": "x"}, {"picture_format": "gif"}])
def test_unknown_picture_format_is_refused(settings):
    with pytest.raises(ConfigError, match="names no format of pictures; there are: 'png', 'svg'"):
        FilterOutput(**settings)


def test_names_of_files_have_no_slashes_and_differ():
    assert layer_names(["a/b", "a.b", "c d:0", "/"]) == ["a.b", "a.b-2", "c.d.0", "kernel"]
    assert page_name("runs/a/", ["x/y"]) == "a-x.y"
    assert page_name("m.ckpt-3", ["x", "y"]) == "m.ckpt-3-filters"

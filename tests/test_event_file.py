"""Event files are read by TensorBoard itself."""

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from tfinspect.event_file import EventFile
from tfinspect.histogram import histogram


@pytest.fixture
def written(tmp_path):
    events = EventFile(str(tmp_path / "events"))

    def read():
        events.flush()
        found = EventAccumulator(str(tmp_path / "events"))
        found.Reload()
        return found

    return events, read


def value(found, tag):
    (event,) = found.Tensors(tag)
    return event.step, make_ndarray(event.tensor_proto)


def plugin(found, tag):
    return found.SummaryMetadata(tag).plugin_data.plugin_name


def test_scalars_keep_tag_step_and_value(written):
    events, read = written
    events.scalar("loss", 0.5, 3)
    events.flush()
    events.scalar("loss", 0.25, 4)
    found = read()
    assert [(one.step, float(make_ndarray(one.tensor_proto))) for one in found.Tensors("loss")] == [
        (3, 0.5),
        (4, 0.25),
    ]
    assert plugin(found, "loss") == "scalars"


def test_histogram_counts_every_value_between_its_edges(written):
    values = np.random.default_rng(0).normal(size=1000)
    events, read = written
    events.histogram("weights", histogram(values), 7)
    found = read()
    step, bins = value(found, "weights")
    assert (step, plugin(found, "weights")) == (7, "histograms")
    assert bins.shape[0] <= 65
    for left, right, count in bins:
        assert count == np.count_nonzero((values >= left) & (values < right))
    assert bins[:, 2].sum() == 1000


def test_image_is_the_png_that_was_given(written):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    events, read = written
    events.image("channels", stream.getvalue(), pixels.shape, 1)
    found = read()
    _, (width, height, png) = value(found, "channels")
    assert (width, height, plugin(found, "channels")) == (b"9", b"5", "images")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), pixels)


def test_named_file_has_equal_bytes_for_equal_events_and_is_written_anew(tmp_path):
    written = []
    for _ in range(2):
        events = EventFile(str(tmp_path), "filters")
        events.scalar("loss", 0.5, 3)
        events.flush()
        [path] = tmp_path.iterdir()
        written.append(path.read_bytes())
    assert written[0] == written[1]
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert value(found, "loss") == (3, 0.5)

"""A checkpoint as the published one of Inception-ResNet-v2: V1, 909 entries, 237 MB."""

import gc

import numpy as np
import pytest
import tensorflow as tf
from oracle_nets import INCEPTION_RESNET, expected_variables, filled

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError
from tfinspect.extraction import Request, load_network, save
from tfinspect.model import load_model

pytestmark = pytest.mark.slow

NET = "inception_resnet_v2"
GAIN = 1.5
STEP = 1_234_567
# The smallest images that the network takes.
SMALLEST = 75
VARIABLES = {
    name: shape
    for name, (shape, _) in expected_variables(INCEPTION_RESNET / "variables.txt").items()
}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Path of a file that TensorFlow's own op for V1 checkpoints has written."""
    path = tmp_path_factory.mktemp("published") / "inception_resnet_v2_2016_08_30.ckpt"
    values = {name: filled(name, shape, GAIN) for name, shape in VARIABLES.items()}
    values["global_step"] = np.int64(STEP)
    names = sorted(values)
    tf.raw_ops.Save(filename=str(path), tensor_names=names, data=[values[one] for one in names])
    return path


def test_every_entry_is_restored_bit_for_bit(published):
    artifact = open_artifact(published)
    assert (artifact.kind, len(artifact.variables)) == ("V1 checkpoint", 909)
    loaded = load_network(str(published), Request(NET))
    assert loaded.report.counts() == {"loaded": 908, "unused": 1}
    (unused,) = loaded.report.having("unused")
    assert (unused.name, unused.detail) == ("global_step", "step counter")
    variables = loaded.part.model.variables
    assert {name: tuple(one.shape) for name, one in variables.items()} == VARIABLES
    for name, shape in VARIABLES.items():
        expected = filled(name, shape, GAIN)
        np.testing.assert_array_equal(variables[name].numpy(), expected, err_msg=name)


def test_download_that_was_cut_off_is_told_with_what_it_should_hold(published, tmp_path):
    size = published.stat().st_size
    cut = tmp_path / "cut.ckpt"
    with open(published, "rb") as source, open(cut, "wb") as target:
        target.write(source.read(size // 2))
    words = rf"cut off at byte {size // 2:,}, and the 909 variables that it describes have 236,9"
    with pytest.raises(ArtifactError, match=words):
        load_network(str(cut), Request(NET))


def _logits_of_export(loaded, directory, images, fold):
    """What an export, opened again, makes of images; only its logits outlive the call."""
    notes = save(loaded, str(directory), as_format="frozen", fold=fold).notes
    logits = load_model(str(directory / "frozen.pb")).logits(images)
    # Graphs are cycles, and each holds the weights.
    gc.collect()
    return logits, notes


def test_folded_graph_gives_the_logits_of_the_unfolded_one(published, tmp_path):
    loaded = load_network(str(published), Request(NET, image_size=(SMALLEST, SMALLEST)))
    images = np.random.RandomState(7).uniform(-1, 1, (2, SMALLEST, SMALLEST, 3)).astype(np.float32)
    plain, _ = _logits_of_export(loaded, tmp_path / "plain", images, fold=False)
    folded, notes = _logits_of_export(loaded, tmp_path / "folded", images, fold=True)
    assert notes == ("204 batch normalizations are folded, and 40 constant factors.",)
    assert plain.std() > 1
    np.testing.assert_allclose(folded, plain, rtol=0, atol=1e-4)

import io

import numpy as np
import pytest
from PIL import Image
from tiny_run import copy_run

from tfinspect.errors import ConfigError, DataError, NetworkError, RunError
from tfinspect.model import load_model
from tfinspect.training import checkpoints


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copy_run(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(run):
    return load_model(run.path)


def random_images(count=3):
    return np.random.RandomState(0).randint(0, 256, (count, 32, 32, 3), np.uint8)


def test_a_run_gives_its_best_weights_and_labels(model, run):
    assert model.checkpoint == f"{run.path}/best/model.ckpt-5"
    assert model.labels == tuple("abcdefghij")
    stored = checkpoints.read(model.checkpoint)
    assert stored.keys() == model.variables.keys()
    name = "resnet/conv1/weights"
    np.testing.assert_array_equal(model.variables[name], stored[name])


def test_the_latest_weights_can_be_preferred(model, run):
    latest = load_model(run.path, prefer="latest")
    assert latest.checkpoint == f"{run.path}/checkpoints/model.ckpt-7"
    name = "resnet/conv1/weights"
    assert not np.array_equal(latest.variables[name], model.variables[name])


def test_preprocess_scales_to_the_networks_range(model):
    images = random_images()
    np.testing.assert_array_equal(model.preprocess(images), images.astype(np.float32) / 128 - 1)


def test_preprocess_takes_one_image_or_images_of_several_sizes(model):
    assert model.preprocess(random_images(1)[0]).shape == (1, 32, 32, 3)
    sizes = [np.zeros((9, 50, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)]
    assert model.preprocess(sizes).shape == (2, 32, 32, 3)


def test_preprocess_takes_encoded_bytes(model):
    image = random_images(1)[0]
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG")
    np.testing.assert_array_equal(model.preprocess(stream.getvalue()), model.preprocess(image))


def test_probabilities_do_not_depend_on_the_batch_size(model):
    images = model.preprocess(random_images(5))
    probabilities = model.predict(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(model.predict(images, batch_size=2), probabilities, atol=1e-6)


def test_no_images_give_no_probabilities(model):
    assert model.predict(np.zeros((0, 32, 32, 3))).shape == (0, 10)


def test_classify_ranks_labels(model):
    images = random_images(2)
    probabilities = model.predict(model.preprocess(images))
    ranked = model.classify(images, top=3)
    for row, ranks in zip(probabilities, ranked, strict=True):
        best = np.sort(row)[::-1][:3]
        np.testing.assert_allclose([one.probability for one in ranks], best)
        assert ranks[0].label == model.labels[row.argmax()]


def test_classify_gives_at_most_all_labels(model):
    assert len(model.classify(random_images(1), top=99)[0]) == 10


def test_end_points_hold_the_predictions(model):
    images = model.preprocess(random_images())
    end_points = model.end_points(images)
    np.testing.assert_allclose(end_points["predictions"], model.predict(images), atol=1e-6)


def test_a_name_gives_fresh_weights_for_ten_classes():
    model = load_model("cifar_resnet8_v2")
    assert model.checkpoint is None
    assert model.labels is None
    assert model.variables["resnet/logits/biases"].shape == (10,)


def test_a_name_with_a_checkpoint_takes_its_classes_and_weights(tmp_path):
    from tfinspect.nets.registry import get_spec
    from tfinspect.nets.slim_model import SlimModel

    network = SlimModel(get_spec("cifar_resnet8_v1"), 7, seed=5)
    prefix = str(tmp_path / "model.ckpt-1")
    checkpoints.save(prefix, network.variables_by_name())
    model = load_model("cifar_resnet8_v1", checkpoint=prefix)
    assert model.variables["resnet/logits/biases"].shape == (7,)
    name = "resnet/conv1/weights"
    np.testing.assert_array_equal(model.variables[name], network.variables_by_name()[name])


def test_a_checkpoint_of_another_network_is_refused(run):
    with pytest.raises(RunError, match="has the shape"):
        load_model("cifar_resnet8_v1", checkpoint=f"{run.path}/best/model.ckpt-5")


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(
        NetworkError, match=r"neither a run directory nor a network.*cifar_resnet20"
    ):
        load_model("cifar_resnet20")


def test_a_missing_directory_is_refused():
    with pytest.raises(RunError, match="no run directory 'runs/nowhere'"):
        load_model("runs/nowhere")


def test_a_run_decides_its_classes_itself(run):
    with pytest.raises(ConfigError, match="has its own classes and weights"):
        load_model(run.path, num_classes=5)


def test_an_unknown_choice_of_weights_is_refused(run):
    with pytest.raises(ConfigError, match="no weights 'newest'"):
        load_model(run.path, prefer="newest")


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8)])
def test_what_is_no_rgb_image_is_refused(model, image):
    with pytest.raises(DataError, match=r"is no image; give \[H, W, 3\]"):
        model.preprocess([image])


def test_bytes_that_are_no_image_are_refused(model):
    with pytest.raises(DataError, match="no PNG or JPEG image"):
        model.preprocess(b"text")


def test_images_of_another_size_are_refused_by_predict(model):
    with pytest.raises(DataError, match=r"\[2, 8, 8, 3\] are not \[N, 32, 32, 3\]"):
        model.predict(np.zeros((2, 8, 8, 3)))

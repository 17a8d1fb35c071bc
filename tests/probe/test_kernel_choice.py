import pytest
from graph_files import FROZEN
from made_kernels import kernel, written
from oracle_files import CKPT_V2, KERAS3

from tfinspect.artifacts import open_artifact
from tfinspect.errors import ArtifactError, ConfigError
from tfinspect.probe.kernel_choice import KernelChoice, choose_kernels, find_kernel


def chosen(path, **criteria):
    return [
        kernel.name
        for kernel in choose_kernels(open_artifact(path), KernelChoice(**criteria)).kernels
    ]


def first(tmp_path, kernels):
    shapes = {name: kernel(*shape) for name, shape in kernels.items()}
    (name,) = chosen(written(tmp_path / "k.h5", shapes))
    return name


def test_first_layer_of_a_keras_model_is_its_first():
    assert chosen(KERAS3 / "model.keras") == ["conv1/kernel"]


def test_first_layer_of_a_frozen_graph_is_its_first():
    assert chosen(FROZEN) == ["tower_0/conv1/weights"]


def test_first_layer_without_an_order_takes_three_channels(tmp_path):
    layers = {"a/kernel": (3, 3, 8, 3), "b/kernel": (1, 1, 1, 8), "z/kernel": (3, 3, 3, 8)}
    assert first(tmp_path, layers) == "z/kernel"


def test_first_layer_without_three_channels_takes_one(tmp_path):
    layers = {
        "a/kernel": (3, 3, 8, 4),
        "b/depthwise_kernel": (3, 3, 8, 1),
        "z/kernel": (3, 3, 1, 8),
    }
    assert first(tmp_path, layers) == "z/kernel"


def test_first_layer_among_dense_ones_takes_no_others_outputs(tmp_path):
    assert first(tmp_path, {"a/kernel": (16, 10), "b/kernel": (300, 16)}) == "b/kernel"


def test_first_layer_goes_by_number_in_names(tmp_path):
    assert (
        first(tmp_path, {"conv10/kernel": (3, 3, 3, 4), "conv9/kernel": (3, 3, 3, 4)})
        == "conv9/kernel"
    )


def test_how_the_first_layer_was_found_is_said():
    (note,) = choose_kernels(open_artifact(CKPT_V2)).notes
    assert note.startswith("the first convolution by name on 3 channels: tower_0/conv1/weights;")


def test_scopes_and_patterns_choose():
    every = ["tower_0/conv1/weights", "tower_0/conv2/weights", "tower_0/conv3/weights"]
    assert chosen(CKPT_V2, match="conv") == every
    assert chosen(CKPT_V2, scopes=("tower_0/conv2",)) == every[1:2]
    assert chosen(CKPT_V2, scopes=("tower_0",), exclude=("conv2",)) == [every[0], every[2]]
    assert set(every) < set(chosen(CKPT_V2, every=True))


def test_half_of_a_separable_pair_is_drawn_alone(tmp_path):
    pair = {"s/depthwise_kernel": kernel(3, 3, 3, 2), "s/pointwise_kernel": kernel(1, 1, 6, 5)}
    path = written(tmp_path / "k.h5", pair)
    assert chosen(path, every=True) == ["s"]
    assert chosen(path, match="depthwise") == ["s/depthwise_kernel"]
    assert chosen(path, scopes=("s",)) == ["s"]
    assert find_kernel(open_artifact(path), "s/pointwise_kernel").kind == "convolution"


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"scopes": ("tower_1",)}, r"no variable or op in scope 'tower_1' .*'tower_0"),
        ({"match": "conv7/w"}, r"the pattern 'conv7/w' is found in no name"),
        ({"match": "Adam"}, r"'Adam' is found in optimizer slots alone, such as 'tower_0"),
        ({"match": "conv1.*beta"}, r"none of the 1 variables chosen is a kernel .*conv1/weights'"),
        ({"image_shape": (5, 5, 1)}, r"no dense layer takes images of 5 x 5 x 1"),
    ],
)
def test_what_matches_nothing_is_an_error_with_what_exists(criteria, message):
    with pytest.raises(ConfigError, match=message):
        chosen(CKPT_V2, **criteria)


def test_artifact_without_kernels_says_what_a_kernel_is(tmp_path):
    path = written(tmp_path / "k.h5", {"bn/gamma": kernel(4)})
    with pytest.raises(ArtifactError, match=r"holds no kernel among 1 variables: a kernel is"):
        chosen(path)


def test_name_that_is_no_kernel_is_answered_with_the_nearest():
    with pytest.raises(
        ArtifactError, match=r"no kernel 'tower_0/conv1/weight' .*nearest: 'tower_0/c"
    ):
        find_kernel(open_artifact(CKPT_V2), "tower_0/conv1/weight")

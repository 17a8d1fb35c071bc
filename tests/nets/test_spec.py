import pytest

from tfinspect.errors import NetworkError
from tfinspect.nets.registry import get_spec

INCEPTION = get_spec("inception_resnet_v2")


def test_size_of_the_images_can_be_chosen():
    assert INCEPTION.with_image_size(224, 300).image_shape == (224, 300, 3)
    assert INCEPTION.with_image_size(75).image_shape == (75, 75, 3)


@pytest.mark.parametrize(("size", "side"), [((64, 64), 73), ((224, 224), 256), ((299, 200), 342)])
def test_side_before_the_crop_scales_with_the_size(size, side):
    # 256 for a crop of 224, as slim's preprocessing has it.
    assert get_spec("resnet_v1_50").with_image_size(*size).preprocessing.shorter_side == side


@pytest.mark.parametrize("sides", [(74, 299), (299, 74), (10,)])
def test_too_small_images_are_told_the_smallest(sides):
    message = "are too small for 'inception_resnet_v2', which takes at least 75x75; resize them"
    with pytest.raises(NetworkError, match=message):
        INCEPTION.with_image_size(*sides)


def test_unknown_size_is_not_too_small():
    assert INCEPTION.check_image_size(None, 80) is None


@pytest.mark.parametrize(
    ("spec", "size", "built"),
    [
        (INCEPTION, (299, 299), True),
        (INCEPTION, (300, 300), False),
        (INCEPTION, (None, None), False),
        (INCEPTION.with_image_size(320), (320, 320), False),
        (INCEPTION.with_image_size(320), (299, 299), False),
        (get_spec("inception_v1"), (224, 224), False),
    ],
)
def test_auxiliary_head_is_built_at_its_own_size_alone(spec, size, built):
    assert spec.builds_aux(*size) is built


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("inception_resnet_v2", "InceptionResnetV2/Logits/Logits/biases"),
        ("inception_v3", "InceptionV3/Logits/Conv2d_1c_1x1/biases"),
        ("vgg_16", "vgg_16/fc8/biases"),
    ],
)
def test_classes_are_read_from_the_classifiers_bias(name, variable):
    shapes = {"InceptionV3/AuxLogits/Conv2d_2b_1x1/biases": (9,), variable: (5,)}
    assert get_spec(name).classes_in(shapes) == 5


def test_without_a_classifier_the_classes_are_not_known():
    assert INCEPTION.classes_in({"InceptionResnetV2/Logits_2/biases": (5,)}) is None

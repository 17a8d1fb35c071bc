import pytest

from tfinspect.errors import NetworkError
from tfinspect.nets.tutorial_names import from_tutorial, to_tutorial


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("resnet/conv1/weights", "resnet/conv2d/kernel"),
        ("resnet/conv1/BatchNorm/moving_mean", "resnet/BatchNorm/moving_mean"),
        ("resnet/stage1/unit1/conv1/weights", "resnet/conv2d_1/kernel"),
        ("resnet/stage3/unit3/conv2/BatchNorm/beta", "resnet/BatchNorm_18/beta"),
        ("resnet/logits/weights", "resnet/dense/kernel"),
        ("resnet/logits/biases", "resnet/dense/bias"),
    ],
)
def test_names_of_resnet20(ours, theirs):
    assert to_tutorial(20)[ours] == theirs


def test_both_directions_are_inverse():
    there, back = to_tutorial(44), from_tutorial(44)
    assert len(there) == len(back) == 217
    assert all(back[theirs] == ours for ours, theirs in there.items())


def test_wrong_depth_is_refused():
    with pytest.raises(NetworkError, match="20 and 26"):
        to_tutorial(22)

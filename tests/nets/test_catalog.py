import numpy as np
import pytest

from tfinspect.errors import ConfigError
from tfinspect.live_graph import as_artifact
from tfinspect.nets.catalog import brief, network_rows
from tfinspect.nets.registry import get_spec, list_specs
from tfinspect.nets.sizes import SIZES
from tfinspect.nets.slim_model import SlimModel
from tfinspect.op_costs import op_costs

QUICK = {"mobilenet_v1_025", "alexnet_v2", "cifar_resnet20_v1"}
SLOW = {"resnet_v1_50"}


def test_every_listed_network_has_a_size():
    assert list(SIZES) == [spec.name for spec in list_specs()]


def _marks(name):
    if name in QUICK:
        return []
    return [pytest.mark.slow if name in SLOW else pytest.mark.oracle_full]


@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in SIZES])
def test_flops_are_those_of_the_built_network(name):
    spec = get_spec(name)
    model = SlimModel(spec, spec.num_classes or 10, seed=None)
    costs = op_costs(as_artifact(model).ops).values()
    assert sum(cost.flops for cost in costs) == SIZES[name].flops
    assert sum(int(np.prod(v.shape)) for v in model.variables) == SIZES[name].parameters


def test_a_row_says_what_the_weights_come_with():
    (row,) = network_rows("^inception_resnet_v2$")
    checkpoint = row.pop("checkpoint")
    assert checkpoint.endswith("/inception_resnet_v2_2016_08_30.tar.gz")
    assert row == {
        "name": "inception_resnet_v2",
        "parameters": 59_244_594,
        "flops": 26_361_593_664,
        "image_size": (299, 299, 3),
        "minimum_size": 75,
        "preprocessing": "inception",
        "label_offset": 1,
        "classes": 1001,
        "logits_scopes": ("InceptionResnetV2/Logits",),
        "aux_scopes": ("InceptionResnetV2/AuxLogits",),
        "paper": "arXiv:1602.07261",
        "license": "Apache-2.0",
    }


def test_rows_are_chosen_by_a_pattern():
    names = [row["name"] for row in network_rows("_v1_02")]
    assert names == ["mobilenet_v1_025"]


def test_brief_rows_leave_columns_out():
    (row,) = network_rows("vgg_a")
    assert set(row) - set(brief(row)) == {"minimum_size", "logits_scopes", "aux_scopes", "license"}


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ("vgg16", "the pattern 'vgg16' is found in no network's name; nearest: .*'vgg_16'"),
        ("(", r"'\(' is no regular expression"),
    ],
)
def test_pattern_that_chooses_nothing_is_told(match, message):
    with pytest.raises(ConfigError, match=message):
        network_rows(match)

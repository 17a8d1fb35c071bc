"""Scopes inside an auxiliary head, which fine-tuning does not build, must exist all the same."""

from types import SimpleNamespace

import pytest

from tfinspect.errors import ConfigError
from tfinspect.nets.registry import get_spec
from tfinspect.transfer.auxiliary_scopes import require_aux_scopes, without_aux
from tfinspect.transfer.load_rules import LoadRules
from tfinspect.transfer.tuning_request import TuningRequest

SPEC = get_spec("inception_resnet_v2")
AUX = "InceptionResnetV2/AuxLogits"
STORED = SimpleNamespace(
    variables=[
        SimpleNamespace(name=f"{AUX}/Conv2d_1b_1x1/weights"),
        SimpleNamespace(name=f"{AUX}/Logits/weights"),
        SimpleNamespace(name="InceptionResnetV2/Logits/Logits/weights"),
    ]
)


def asked(*scopes):
    return TuningRequest("model.ckpt", LoadRules(("InceptionResnetV2/Logits", *scopes)))


@pytest.mark.parametrize("scope", [AUX, f"{AUX}/", f"{AUX}/Logits", f"{AUX}/Conv2d_1b_1x1/weights"])
def test_scopes_of_the_head_are_dropped(scope):
    require_aux_scopes(asked(scope), SPEC, STORED)
    request, _ = without_aux(asked(scope), SPEC)
    assert request.rules.exclude_scopes == ("InceptionResnetV2/Logits",)


@pytest.mark.parametrize("where", ["excluded", "trained"])
def test_scope_that_does_not_exist_is_refused_with_the_nearest(where):
    wrong = f"{AUX}/Logit"
    trained = TuningRequest("model.ckpt", trainable_scopes=("InceptionResnetV2/Logits", wrong))
    request = asked(wrong) if where == "excluded" else trained
    with pytest.raises(ConfigError, match=f"'{wrong}'.*nearest: '{AUX}/Logits'"):
        require_aux_scopes(request, SPEC, STORED)


def test_checkpoint_without_such_a_head_knows_the_head_alone():
    empty = SimpleNamespace(variables=[])
    require_aux_scopes(asked(AUX), SPEC, empty)
    with pytest.raises(ConfigError, match=f"'{AUX}'"):
        require_aux_scopes(asked(f"{AUX}/Logits"), SPEC, empty)

import dataclasses

import pytest

from tfinspect.errors import ConfigError
from tfinspect.transfer.finetune_config import FineTuneConfig
from tfinspect.transfer.stage_progress import Position, first_epochs, position, stopped_after
from tfinspect.transfer.stages import EVERYTHING, default_stages, read_stages, stage_from

CONFIG = FineTuneConfig(data="photos", net="cifar_resnet8_v1", learning_rate=0.1)
HEAD, BLOCKS = ("net/logits",), ("net/a", "net/b", "net/c", "net/d")


def test_default_is_the_head_on_fixed_images_then_everything_at_a_hundredth():
    head, everything = default_stages(CONFIG, HEAD, BLOCKS)
    assert (head.scopes, head.learning_rate, head.augment) == (HEAD, 0.1, "none")
    assert (everything.scopes, everything.augment) == (EVERYTHING, "auto")
    assert everything.learning_rate == pytest.approx(0.001)


def test_gradual_unfreezing_begins_at_the_last_blocks():
    config = dataclasses.replace(CONFIG, gradual=2)
    _, half, everything = default_stages(config, HEAD, BLOCKS)
    assert half.scopes == ("net/c", "net/d", "net/logits")
    assert everything.scopes == EVERYTHING


def test_stage_of_no_epochs_is_left_out():
    config = dataclasses.replace(CONFIG, tune_epochs=0)
    assert [stage.name for stage in default_stages(config, HEAD, BLOCKS)] == ["head"]


def test_run_of_no_epochs_is_refused():
    config = dataclasses.replace(CONFIG, tune_epochs=0, head_epochs=0)
    with pytest.raises(ConfigError, match="both 0"):
        default_stages(config, HEAD, BLOCKS)


@pytest.fixture
def stages_of(tmp_path):
    def read(text):
        path = tmp_path / "stages.yaml"
        path.write_text(text)
        return read_stages(str(path), CONFIG, HEAD)

    return read


def test_stages_are_read_from_a_file(stages_of):
    first, second = stages_of(
        "- {trainable: head, epochs: 3, learning-rate: 0.5, augment: none}\n"
        "- {trainable: [net/d, head], epochs: 2, layer_decay: 0.8, rates: {net/d: 0.1}}\n"
    )
    assert (first.scopes, first.epochs, first.learning_rate) == (HEAD, 3, 0.5)
    assert second.scopes == ("net/d", "net/logits")
    assert (second.layer_decay, second.rates) == (0.8, (("net/d", 0.1),))


def test_numbers_with_an_exponent_are_numbers_though_yaml_takes_them_for_texts(stages_of):
    (stage,) = stages_of(
        "- {trainable: head, epochs: 1, learning_rate: 1e-4, rates: {net/d: 5e-1}}"
    )
    assert stage.learning_rate == 1e-4
    assert stage.rates == (("net/d", 0.5),)


def test_stage_survives_being_written_down(stages_of):
    (stage,) = stages_of("- {trainable: all, epochs: 2, rates: {net/d: 0.1}}")
    assert stage_from(stage.to_dict()) == stage


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {trainable: head}", "stage 1 of .* trains nothing: epochs 0"),
        ("- {trainable: head, epochs: 1, learning_rate: 0}", "trains nothing.*learning_rate 0"),
        ("- {trainable: [], epochs: 1}", "at least one trainable scope"),
        ("- {trainable: [[a]], epochs: 1}", r"trainable \[\['a'\]\] in stage 1 .*no text"),
        ("- {trainable: [head, {a: 1}], epochs: 1}", "stage 1 of .* holds what is no text; give"),
        ("- {trainable: [1], epochs: 1}", "holds what is no text"),
        ("- {trainabel: head, epochs: 1}", "no setting 'trainabel'.*'trainable'"),
        ("- {trainable: head, epochs: many}", "epochs 'many'.*wrong type"),
        ("- {trainable: head, epochs: 1, augment: flip}", "augment 'flip'.*unknown"),
        ("- {trainable: head, epochs: 1, rates: {net: fast}}", "rate 'fast' of 'net'.*no factor"),
        (
            "[{name: a, trainable: head, epochs: 1}, {name: b, trainable: all, epochs: 1}, "
            "{name: a, trainable: all, epochs: 1}]",
            "stages 1 and 3 of .* are both named 'a'",
        ),
        ("stages: 3", "no list of stages"),
        ("- [", "neither valid YAML"),
    ],
)
def test_mistakes_in_a_stages_file_are_named(stages_of, text, message):
    with pytest.raises(ConfigError, match=message):
        stages_of(text)


def test_more_gradual_stages_than_groups_of_layers_name_the_largest():
    most = dataclasses.replace(CONFIG, gradual=len(BLOCKS))
    names = [stage.name for stage in default_stages(most, HEAD, BLOCKS)]
    assert len(set(names)) == len(names) == 1 + len(BLOCKS)
    more = dataclasses.replace(CONFIG, gradual=len(BLOCKS) + 1)
    with pytest.raises(ConfigError, match=f"give {len(BLOCKS)} or less"):
        default_stages(more, HEAD, BLOCKS)


class Epoch:
    def __init__(self, validation_loss):
        self.validation_loss = validation_loss


def test_run_is_in_the_first_stage_that_is_not_over():
    stages = default_stages(dataclasses.replace(CONFIG, head_epochs=2), HEAD, BLOCKS)
    done = [Epoch(1.0)] * 3
    assert position(stages, done[:1], None) == Position(0, 0)
    assert position(stages, done, None) == Position(1, 2)


def test_stage_that_stopped_early_ends_where_it_stopped():
    stages = default_stages(dataclasses.replace(CONFIG, head_epochs=9), HEAD, BLOCKS)
    done = [Epoch(loss) for loss in (2.0, 1.0, 1.5, 1.5)]
    assert position(stages, done, patience=2) == Position(1, 4)


def test_early_stopping_waits_for_its_patience():
    assert stopped_after([2.0, 1.0, 1.5], patience=2) is None
    assert stopped_after([2.0, 1.0, 1.5, 1.0], patience=2) == 4


def test_stages_begin_where_those_before_ended():
    config = dataclasses.replace(CONFIG, head_epochs=9, gradual=2, tune_epochs=2)
    stages = default_stages(config, HEAD, BLOCKS)
    # The first stage stops early, after its fourth epoch.
    losses = (2.0, 1.0, 1.5, 1.5, 1.0, 0.9)
    done = [Epoch(loss) for loss in losses]
    begun = [(1, "head"), (5, "from net/c")]
    assert first_epochs(stages, done, patience=2) == begun
    assert first_epochs(stages, [*done, Epoch(0.8)], patience=2) == [*begun, (7, "all")]

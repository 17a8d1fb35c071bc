import pytest

from tfinspect.artifacts.slot_names import slots


@pytest.mark.parametrize(
    "slot", ["w/Adam", "w/Adam_1", "w/Momentum", "w/ExponentialMovingAverage", "w/part_0/Adam"]
)
def test_slot_of_a_present_variable_is_found(slot):
    assert slots({"w", slot}) == {slot}


@pytest.mark.parametrize("name", ["net/Adam", "w/weights", "w/Momentum_x"])
def test_other_names_are_no_slots(name):
    assert slots({"w", name}) == frozenset()


def test_powers_of_adam_are_slots():
    assert slots({"beta1_power", "train/beta2_power_1"}) == {"beta1_power", "train/beta2_power_1"}

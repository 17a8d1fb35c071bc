import pytest
from table_writer import field, fixed32, varint

from tfinspect.artifacts import wire


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**63 - 1, 2**64 - 1])
def test_varint_round_trips(value):
    data = varint(value)
    assert wire.varint(data, 0, len(data)) == (value, len(data))


def test_negative_number_comes_back_signed():
    value, _ = wire.varint(varint(-5), 0, 10)
    assert wire.signed(value) == -5


def test_fields_of_all_kinds_are_found():
    data = field(1, 300) + field(2, b"text") + fixed32(3, 7) + b"\x21" + bytes(8)
    assert [(one.number, one.value) for one in wire.fields(data)] == [
        (1, 300),
        (2, 0),
        (3, 7),
        (4, 0),
    ]


def test_text_that_is_no_utf8_is_escaped():
    data = field(1, b"a\xff")
    (found,) = wire.fields(data)
    assert wire.text(data, found) == "a\\xff"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x08\xff", "cut off"),
        (b"\x08" + b"\xff" * 11, "cut off"),
        (b"\x0a\x05ab", "ends behind its message"),
        (b"\x0d\x00", "ends behind its message"),
        (b"\x00\x00", "field 0"),
        (b"\x0b", "wire type 3"),
    ],
)
def test_broken_message_is_refused(data, message):
    with pytest.raises(wire.WireError, match=message):
        list(wire.fields(data))

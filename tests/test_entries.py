from tfinspect.entries import TensorEntry, VariableEntry


def test_variable_row_has_the_stable_keys():
    row = VariableEntry("net/w", (2,), "float32", 2, 8, key="stored").row()
    assert list(row) == [
        *("name", "shape", "dtype", "parameters", "bytes"),
        *("trainable", "collections", "slot", "key", "shard"),
    ]
    assert row["key"] == "stored"


def test_key_of_a_row_is_the_name_where_nothing_else_is_stored():
    assert VariableEntry("net/w", (2,), "float32", 2, 8).row()["key"] == "net/w"


def test_tensor_row_has_the_stable_keys():
    row = TensorEntry("net/Relu:0", "net/Relu", "Relu", "float32", (None, 2)).row()
    assert list(row) == ["name", "op", "op_type", "dtype", "shape", "device", "function"]

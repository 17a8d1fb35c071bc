"""A small graph made by hand, with a function and a saver."""

from tfinspect.entries import OpEntry, TensorEntry


def op(name, op_type, inputs=(), *, controls=(), outputs=1, dtype="float32", function=None):
    scope = name.rpartition("/")[0]
    made = tuple(
        TensorEntry(f"{name}:{n}", name, op_type, dtype, (None, 4), "", scope, function)
        for n in range(outputs)
    )
    return OpEntry(name, op_type, tuple(inputs), tuple(controls), made, function)


OPS = (
    op("images", "Placeholder"),
    op("net/conv1/weights", "VariableV2"),
    op("net/conv1/Conv2D", "Conv2D", ["images:0", "net/conv1/weights:0"]),
    op("net/conv1/Relu", "Relu", ["net/conv1/Conv2D:0"]),
    op("net/conv10/split", "Split", ["net/conv1/Relu:0"], outputs=2),
    op("net/probabilities", "Softmax", ["net/conv10/split:1"]),
    op("init", "NoOp", controls=["net/probabilities"], outputs=0),
    op("save/filename", "PlaceholderWithDefault", dtype="string"),
    op("save/SaveV2", "SaveV2", ["save/filename:0"], outputs=0),
    op("save/control_dependency", "Identity", ["save/filename:0"], controls=["save/SaveV2"]),
    op("images", "_Arg", function="inner"),
    op("Relu", "Relu", ["images:0"], function="inner"),
)

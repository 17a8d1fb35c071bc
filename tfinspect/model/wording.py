"""What another library's error says, in one line."""

import re

_LONGEST = 300
# Of TensorFlow's shape inference: "… for '{{node a}} = Op[…](b, c)' with input shapes: [?,3], []."
_OF_NODE = re.compile(
    r"(?P<why>.+?) for '\{\{node (?P<node>[^}]+)\}\} = (?P<op>\w+)(?:\[.*\])?"
    r"\((?P<inputs>[^()]*)\)' with input shapes: (?P<shapes>.*)"
)
_SHAPE = re.compile(r"\[[^\]]*\]|<unknown>")
_RANK = re.compile(r"Shape must be (?P<at>at \w+ )?rank (?P<wanted>\d+) but is rank (?P<has>\d+)")
_OUTPUT = re.compile(
    r"Invalid return output (?P<number>\d+) of node '(?P<node>[^']+)', which has (?P<count>\d+)"
)


def reason(error: Exception) -> str:
    """Returns an error's text without line breaks, or its type where it has none."""
    return _one_line(error)[:_LONGEST] or type(error).__name__


def refusal(error: Exception) -> str:
    """Returns why TensorFlow does not build a graph: which op, with which inputs."""
    found = _OF_NODE.search(_one_line(error))
    if found is None:
        return reason(error)
    inputs, shapes = found["inputs"].split(", "), _SHAPE.findall(found["shapes"])
    if not found["inputs"] or len(inputs) != len(shapes):
        return reason(error)
    pairs = zip(inputs, shapes, strict=True)
    listed = " and ".join(
        f"'{name.removesuffix(':0')}' {shape.replace(',', ', ')}" for name, shape in pairs
    )
    return f"'{found['node']}' ({found['op']}) cannot take {listed}: {_why(found['why'])}"


def missing_output(error: Exception) -> str | None:
    """Returns which output of an op was asked for and does not exist; None for another error.

    >>> missing_output(ValueError("Invalid return output 3 of node 'a', which has 1 output(s)"))
    "no tensor 'a:3': the op 'a' gives 'a:0' alone"
    """
    found = _OUTPUT.search(_one_line(error))
    if found is None:
        return None
    node, count = found["node"], int(found["count"])
    last = "alone" if count == 1 else f"to '{node}:{count - 1}'"
    gives = f"'{node}:0' {last}" if count else "no tensor"
    return f"no tensor '{node}:{found['number']}': the op '{node}' gives {gives}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _why(text: str) -> str:
    found = _RANK.search(text)
    if found is None:
        return text[:_LONGEST]
    axes = "axis" if found["wanted"] == "1" else "axes"
    return f"it needs {found['at'] or ''}{found['wanted']} {axes} and gets {found['has']}"

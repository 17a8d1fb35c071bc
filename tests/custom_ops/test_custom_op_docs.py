"""The examples of the guide run as they stand, and the two forms agree."""

import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfinspect import check_gradient, custom_op

GUIDE = Path(__file__).parents[2] / "docs" / "custom_ops.md"


def test_examples_of_the_guide_run_and_both_forms_agree():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S):
        exec(block, names)
    assert names["report"].ok
    x = np.linspace(-2, 2, 6)
    np.testing.assert_allclose(names["numpy_sigmoid"](x, 1.5), names["sigmoid"](x, 1.5), rtol=1e-14)


def test_report_of_a_wrong_sign_reads_as_the_guide_says():
    def gradient(op, upstream):
        x, k = op.inputs
        slope = upstream * op.outputs[0] * (1 - op.outputs[0])
        return -slope * k, slope * x

    def sigmoid(x, k):
        return 1 / (1 + np.exp(-k * x))

    op = custom_op(sigmoid, output=lambda x, k: x, gradient=gradient)
    report = check_gradient(op, [tf.linspace(-2.0, 2.0, 6), 1.5])
    first_line = str(report).splitlines()[0]
    assert first_line in GUIDE.read_text()

"""What breaks the rules of a custom op is named, in the words of the rule."""

import numpy as np
import pytest
import tensorflow as tf
from sigmoids import K, X, make, sigmoid_gradient

from tfinspect import custom_op
from tfinspect.errors import CustomOpError

CONSTANT = tf.constant(2.0, tf.float64)
VARIABLE = tf.Variable(2.0, dtype=tf.float64)


@pytest.mark.parametrize(
    ("forward", "how"),
    [
        (lambda x, k: tf.sigmoid(k * x), r"it made .*Sigmoid"),
        (lambda x, k: 0 * x + tf.exp(x).numpy(), "TensorFlow says: 'SymbolicTensor' object has no"),
        (lambda x, k: x * CONSTANT, "TensorFlow says: .*EagerTensor"),
        (lambda x, k: x * VARIABLE, "TensorFlow says: "),
        (lambda x, k: np.multiply(x, VARIABLE), r"TensorFlow says: numpy\(\) is only available"),
        (lambda x, k: CONSTANT, "it returned a tf.Tensor"),
    ],
)
def test_forward_that_uses_tensorflow_is_refused(forward, how):
    message = f"the forward of '.*' uses TensorFlow .*{how}.*calls np\\.\\* alone"
    op = make(forward=forward)
    with pytest.raises(CustomOpError, match=message):
        op(X, K)
    with pytest.raises(tf.errors.OpError, match=message):
        tf.function(op)(tf.constant(X), tf.constant(K))


@pytest.mark.parametrize(
    "gradient",
    [
        lambda op, u: (np.exp(op.inputs[0]), u),
        lambda op, u: (u * np.ones(3), np.sum(u)),
        lambda op, u: (u * op.inputs[0].numpy(), u),
        lambda op, u: (np.ones((2, 3)), u),
    ],
    ids=["np.exp", "np.sum", ".numpy()", "returns an array"],
)
def test_gradient_that_uses_numpy_is_refused(gradient):
    op = make(gradient=gradient)

    def run():
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = op(x, K)
        return tape.gradient(y, x)

    for way in (run, tf.function(run)):
        with pytest.raises(CustomOpError, match=r"the gradient of '.*' uses NumPy .*tf\.\* alone"):
            way()


def test_gradient_with_a_branch_on_values_works_eagerly():
    def gradient(op, upstream):
        factor = 2.0 if op.inputs[0] > 0 else 3.0
        return upstream * factor

    op = custom_op(lambda x: x * 2, output=lambda x: x, gradient=gradient)
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = op(x)
    assert tape.gradient(y, x).numpy() == 2.0


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.zeros((2, 4), np.float32), r"is float32 \[2, 4\], and float32 \[2, 3\] is declared"),
        (np.zeros((2, 3)), r"is float64 \[2, 3\], and float32 \[2, 3\] is declared"),
        (np.zeros((3, 3), np.float32), r"float32 \[3, 3\], and float32 \[2, 3\] is declared"),
        ("text", r"is a str|is <U4|str"),
        (None, "is a NoneType, and float32"),
        ((np.zeros(1), np.zeros(1)), "float64"),
    ],
)
def test_forward_that_breaks_its_declaration_is_told_both(returned, message):
    op = custom_op(lambda x: returned, output=lambda x: x, name="op")
    x = tf.zeros([2, 3])
    with pytest.raises(CustomOpError, match=message):
        op(x)
    specs = [tf.TensorSpec([None, 3], tf.float32)]
    with pytest.raises(tf.errors.OpError, match=message):
        tf.function(op, input_signature=specs)(x)


def test_number_of_outputs_is_checked():
    op = custom_op(lambda x: (x,), output=lambda x: (x, x), name="pair")
    with pytest.raises(
        CustomOpError, match=r"'pair' returned 1 values, and 2 outputs are declared"
    ):
        op(tf.zeros([2]))


@pytest.mark.parametrize("rule", [lambda x: x.shape, lambda x: (), 3, lambda x: [x, None]])
def test_declaration_that_is_none_is_refused(rule):
    with pytest.raises(
        CustomOpError, match=r"declaration of 'op' gave .*tf\.TensorSpec per output"
    ):
        custom_op(lambda x: x, output=rule, name="op")(tf.zeros([2]))


@pytest.mark.parametrize("way", [lambda f: f, tf.function], ids=["eagerly", "in a graph"])
def test_forwards_own_exception_keeps_its_message(way):
    def forward(x):
        raise ValueError("the table has no row for 7")

    op = custom_op(forward, output=lambda x: x)
    with pytest.raises((ValueError, tf.errors.OpError), match="the table has no row for 7"):
        way(op)(tf.zeros([2]))


@pytest.mark.parametrize("way", [lambda f: f, tf.function], ids=["eagerly", "in a graph"])
def test_inputs_cannot_be_overwritten(way):
    def forward(x):
        x += 1
        return x

    op = custom_op(forward, output=lambda x: x)
    with pytest.raises((ValueError, tf.errors.OpError), match="read-only"):
        way(op)(tf.zeros([2]))


def test_returned_buffer_may_be_used_again():
    buffer = np.zeros(3, np.float32)

    def forward(x):
        buffer[:] = x
        return buffer

    op = custom_op(forward, output=lambda x: x)
    first, second = op(tf.ones([3])), op(tf.zeros([3]))
    assert first.numpy().tolist() == [1, 1, 1]
    assert second.numpy().tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda op, u: u, "returned 1 values for 2 inputs; return one for each, None where"),
        (
            lambda op, u: (tf.cast(u, tf.float32), None),
            r"for input 'x' of 'sigmoid' is float32 \[2, 3\], and the input is float64 \[2, 3\]",
        ),
        (
            lambda op, u: (tf.reduce_sum(u), None),
            r"for input 'x' of 'sigmoid' is float64 \[\], and the input is float64 \[2, 3\]",
        ),
        (lambda op, u: (tf.transpose(u), None), r"is float64 \[3, 2\], and the input is float64"),
        (None, r"'sigmoid' has no gradient; declare one"),
    ],
)
def test_gradient_that_does_not_fit_is_refused(gradient, message):
    op = make(gradient=gradient, name="sigmoid")
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = op(x, K)
    with pytest.raises(CustomOpError, match=message):
        tape.gradient(y, x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda op: op(), r"'sigmoid\(x, k=1.0\)': missing a required argument: 'x'"),
        (lambda op: op(X, K, 3), "too many positional arguments"),
        (lambda op: op(X, q=3), "unexpected keyword argument 'q'"),
    ],
)
def test_call_that_does_not_fit_the_forward_is_refused(call, message):
    with pytest.raises(CustomOpError, match=message):
        call(make(name="sigmoid"))


def test_ufunc_takes_inputs_in_order_alone():
    op = custom_op(np.exp, output=lambda x: x, name="exp")
    with pytest.raises(CustomOpError, match=r"'exp' has no named inputs; give \['x'\] in order"):
        op(x=X)
    with pytest.raises(CustomOpError, match="'exp' was called without inputs"):
        op()


class Holder(tf.Module):
    def __init__(self, function):
        super().__init__()
        specs = [tf.TensorSpec([None, 3], tf.float64)]
        self.serve = tf.function(lambda x: function(x, K), input_signature=specs)


def test_saved_model_of_it_is_refused_with_the_reason(tmp_path):
    op = make(gradient=sigmoid_gradient, name="sigmoid")
    module = Holder(op)
    module.serve(X)
    with pytest.raises(
        CustomOpError, match="custom op 'sigmoid' runs Python code of this program, which no Saved"
    ):
        tf.saved_model.save(module, str(tmp_path / "saved"))

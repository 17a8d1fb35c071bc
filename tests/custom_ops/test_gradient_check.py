import numpy as np
import pytest
import tensorflow as tf
from sigmoids import K, X, composed_sigmoid, make, sigmoid_gradient

from tfinspect import check_gradient
from tfinspect.errors import CustomOpError


def wrong(change):
    """The sigmoid with a gradient that was changed."""
    return make(gradient=lambda op, upstream: change(*sigmoid_gradient(op, upstream)))


@pytest.mark.parametrize("function", [make(), composed_sigmoid], ids=["NumPy", "composed"])
def test_right_gradients_of_both_orders_pass_in_float64(function):
    report = check_gradient(function, [X.astype(np.float32), np.float32(K)])
    assert report.ok, str(report)
    assert report.dtype == "float64"
    assert [(one.input, one.order, one.checked) for one in report.checks] == [
        *(("x", 1, 6), ("k", 1, 1), ("x", 2, 6), ("k", 2, 1))
    ]
    assert max(report.max_errors.values()) < 1e-9


@pytest.mark.parametrize(
    ("change", "inputs"),
    [
        (lambda x, k: (-x, k), {"x"}),
        (lambda x, k: (x, -tf.reduce_sum(k)), {"k"}),
        (lambda x, k: (x * 1.001, k), {"x"}),
        (lambda x, k: (x + 1e-4, k), {"x"}),
        (lambda x, k: (k, x), {"x", "k"}),
        (lambda x, k: (None, k), {"x"}),
    ],
    ids=["sign", "sign of k", "scale", "offset", "order of inputs", "None"],
)
def test_wrong_gradient_is_caught_at_its_input(change, inputs):
    report = check_gradient(wrong(change), [X, K])
    assert not report.ok
    assert {check.input for check in report.checks if not check.ok} == inputs


def test_disagreement_says_input_index_value_and_expected_value():
    def change(x, k):
        return tf.tensor_scatter_nd_update(x, [[1, 2]], [5.0]), k

    report = check_gradient(wrong(change), [X, K])
    (check,) = [check for check in report.checks if not check.ok]
    (found,) = check.disagreements
    assert (found.input, found.index, found.value) == ("x", (1, 2), 5.0)
    slope = K * np.exp(-K * X[1, 2]) / (1 + np.exp(-K * X[1, 2])) ** 2
    # The factors by which outputs are added up scale both sides.
    assert 0.5 * slope <= abs(found.expected) <= 1.5 * slope
    assert str(check).startswith("x, order 1: 1 of 6 disagree, the worst at [1, 2]: 5, expected ")


def test_gradient_that_was_not_summed_is_caught():
    @tf.custom_gradient
    def sigmoid(x, k):
        y = composed_sigmoid(x, k)
        return y, lambda u: (u * y * (1 - y) * k, u * y * (1 - y) * x)

    report = check_gradient(lambda x, k: sigmoid(x, k), [X, K])
    assert not report.ok
    assert "k, order 1: the gradient has the shape [2, 3], the input []" in str(report)


def test_second_order_is_caught_where_the_first_is_right():
    @tf.custom_gradient
    def square(x):
        return x**2, lambda u: 2 * u * tf.stop_gradient(x)

    report = check_gradient(lambda x: square(x), [X])
    assert [check.ok for check in report.checks] == [True, False]
    assert check_gradient(lambda x: square(x), [X], orders=[1]).ok


def test_gradient_without_a_gradient_is_checked_to_the_first_order():
    # TensorFlow has no gradient for LRNGrad, and no float64 for either.
    report = check_gradient(tf.nn.local_response_normalization, [np.ones((1, 2, 2, 3), np.float32)])
    assert report.ok, str(report)
    assert report.dtype == "float32"
    assert [check.checked for check in report.checks] == [12, 0]
    assert "order 2: not checked: " in str(report)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_op_of_a_narrow_dtype_is_checked_in_it(dtype):
    def declared(x, k):
        return tf.TensorSpec(x.shape, dtype)

    inputs = [tf.cast(X, dtype), tf.cast(K, dtype)]
    report = check_gradient(make(output=declared), inputs)
    assert report.ok, str(report)
    assert report.dtype == dtype.name
    negated = make(
        output=declared, gradient=lambda op, u: [-one for one in sigmoid_gradient(op, u)]
    )
    assert not check_gradient(negated, inputs).ok


def test_large_inputs_are_sampled_and_two_checks_are_equal():
    large = np.random.default_rng(0).normal(size=(40, 50))
    reports = [check_gradient(make(), [large, K], elements=20) for _ in range(2)]
    assert reports[0] == reports[1]
    assert [(one.elements, one.checked) for one in reports[0].checks[:2]] == [(2000, 20), (1, 1)]


def test_several_outputs_and_integer_inputs():
    def function(x, n):
        return x * tf.cast(n, x.dtype), tf.reduce_sum(x**3), n

    report = check_gradient(function, [X, 3])
    assert report.ok, str(report)
    assert {check.input for check in report.checks} == {"x"}


@pytest.mark.parametrize(
    ("function", "inputs", "message"),
    [
        (lambda n: n, [3], "none of the inputs is a float"),
        (3.0, [3.0], "3.0 is no function; give the op itself"),
        (lambda x: tf.cast(x, tf.int32), [X], "the function has no float output"),
        (tf.math.log, [X], "the function is not finite at these inputs"),
    ],
)
def test_what_cannot_be_checked_is_an_error(function, inputs, message):
    with pytest.raises(CustomOpError, match=message):
        check_gradient(function, inputs)


def test_functions_own_error_is_passed_on():
    def function(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        check_gradient(function, [X])

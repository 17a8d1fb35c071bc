import warnings

import numpy as np
import tensorflow as tf

from tfinspect.nets.slim_compat import slim, track_tf1_style_variables, without_layer_warnings


class Normalized(tf.Module):
    @track_tf1_style_variables
    def __call__(self, inputs):
        return slim.batch_norm(inputs, is_training=True, scope="norm")


def test_slim_batch_norm_works_on_this_tensorflow():
    inputs = np.random.RandomState(0).standard_normal((64, 2, 2, 3)).astype(np.float32)
    module = Normalized()
    with without_layer_warnings():
        outputs = module(inputs)
    np.testing.assert_allclose(np.mean(outputs, axis=(0, 1, 2)), np.zeros(3), atol=1e-5)
    assert sorted(v.name for v in module.variables) == [
        "norm/beta:0",
        "norm/moving_mean:0",
        "norm/moving_variance:0",
    ]


def test_other_warnings_are_let_through():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with without_layer_warnings():
            warnings.warn("`layer.apply` is deprecated", stacklevel=1)
            warnings.warn("something else", stacklevel=1)
    assert [str(warning.message) for warning in seen] == ["something else"]

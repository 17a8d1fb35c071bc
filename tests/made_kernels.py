"""Keras weight files with any kernels, and kernels with known faults."""

import h5py
import numpy as np


def written(path, kernels):
    """Writes a legacy Keras weight file of `layer/variable` -> array; returns its path as text."""
    layers = {}
    for name, value in kernels.items():
        layers.setdefault(name.partition("/")[0], {})[name] = np.asarray(value, np.float32)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer, variables in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in variables]
            for name, value in variables.items():
                group[name.partition("/")[2]] = value
    return str(path)


def kernel(*shape, seed=7):
    """Returns float32 normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def faulty():
    """Returns `[3, 3, 3, 7]`: filter 2 dead, 5 equal to 1, one NaN in 4."""
    value = kernel(3, 3, 3, 7)
    value[..., 2] = 0
    value[..., 5] = value[..., 1]
    value[1, 1, 0, 4] = np.nan
    return value

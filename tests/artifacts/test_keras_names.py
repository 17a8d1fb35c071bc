import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from oracle_files import CKPT_V2

from tfinspect.artifacts import open_artifact
from tfinspect.probe.kernel_choice import KernelChoice, choose_kernels
from tfinspect.probe.kernel_values import read_kernel

LAYERS = {
    "dw": ("DepthwiseConv2D", {"kernel": (3, 3, 12, 2)}),
    "tr": ("Conv2DTranspose", {"kernel": (3, 3, 4, 8)}),
    "pr": ("PReLU", {"alpha": (1, 1, 6)}),
    "deconvolved": ("Conv2D", {"kernel": (3, 3, 2, 5)}),
}
CLASSES = {
    "dw/kernel": "depthwise_conv2d",
    "tr/kernel": "conv2d_transpose",
    "pr/alpha": "p_re_lu",
    "deconvolved/kernel": "conv2d",
}
GROUPS = {
    "dw": "depthwise_conv2d",
    "tr": "conv2d_transpose",
    "pr": "p_re_lu",
    "deconvolved": "conv2d",
}
CONFIG = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": kind, "config": {"name": name, "use_bias": False}}
            for name, (kind, _) in LAYERS.items()
        ]
    },
}


def values():
    """Yields layer, variable and value, whose numbers are all different."""
    for layer, (_, variables) in LAYERS.items():
        for name, shape in variables.items():
            yield layer, name, np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def saved(path):
    """Writes the model as Keras writes files of the path's ending; returns the path."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(CONFIG), "3.9.0"
            root = file.create_group("model_weights")
            root.attrs["layer_names"] = [layer.encode() for layer in LAYERS]
            for layer, name, value in values():
                root[f"{layer}/{layer}/{name}"] = value
                root[layer].attrs["weight_names"] = [f"{layer}/{name}".encode()]
        return path
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for layer, _, value in values():
            file[f"layers/{GROUPS[layer]}/vars/0"] = value
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(CONFIG))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.9.0"}))
        archive.writestr("model.weights.h5", weights.getvalue())
    return path


@pytest.fixture(params=["m.keras", "m.h5"])
def artifact(request, tmp_path):
    return open_artifact(saved(tmp_path / request.param))


def test_layers_of_variables_are_told_by_the_config(artifact):
    assert dict(artifact.layer_classes) == CLASSES


def test_format_that_knows_no_layers_tells_none():
    assert dict(open_artifact(CKPT_V2).layer_classes) == {}


def test_kernels_are_what_their_layers_are_and_slopes_are_none(artifact):
    found = choose_kernels(artifact, KernelChoice(every=True)).kernels
    assert [(kernel.name, kernel.kind, kernel.shape) for kernel in found] == [
        ("dw/kernel", "depthwise convolution", (3, 3, 1, 24)),
        ("tr/kernel", "transposed convolution", (3, 3, 8, 4)),
        ("deconvolved/kernel", "convolution", (3, 3, 2, 5)),
    ]


def test_filters_of_a_transposed_convolution_are_on_its_third_axis(artifact):
    (kernel,) = choose_kernels(artifact, KernelChoice(scopes=("tr",))).kernels
    stored = artifact.read("tr/kernel")
    np.testing.assert_array_equal(read_kernel(artifact, kernel)[..., 1], stored[:, :, 1, :])

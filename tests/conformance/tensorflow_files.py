"""Artifacts of every kind, small, written by TensorFlow and Keras themselves, with what they hold.

Each function writes into a directory and returns the path to open and name -> value.
"""

import functools
import importlib
import shutil
import warnings

import numpy as np
import tensorflow as tf
import tiny_run

v1 = tf.compat.v1
VALUES = {
    "net/conv/weights": np.random.RandomState(0).standard_normal((3, 2, 2, 4)).astype("f4"),
    "net/dense/weights": np.random.RandomState(1).standard_normal((4, 5)).astype("f4"),
    "net/scale": np.float64(np.pi),
    "net/steps": np.int64([2**60 + 1, -1]),
}
# How the old and the new format note that a tensor is rows 0 and 1, or 2 and 3, of four.
_UPPER, _LOWER = "4 5 0,2:0,5", "4 5 2,2:0,5"
_DENSE = VALUES["net/dense/weights"]


def v2(directory):
    """Every variable under its name, one of them in two slices."""
    _save_v2(f"{directory}/m", VALUES)
    return f"{directory}/m", VALUES


def v2_sharded(directory):
    """Two data files, and a partitioned variable with a part in each."""
    names = list(VALUES)
    _save_v2(f"{directory}/part0", names[:1], [_DENSE[:2]], _UPPER)
    _save_v2(f"{directory}/part1", names[2:], [_DENSE[2:]], _LOWER)
    parts = [f"{directory}/part0", f"{directory}/part1"]
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=parts, destination_prefix=f"{directory}/m", delete_old_dirs=False
    )
    return f"{directory}/m", VALUES


def v1_single(directory):
    _save_v1(f"{directory}/m", VALUES)
    return f"{directory}/m", VALUES


def v1_sharded(directory):
    """Two files, and a partitioned variable with a part in each."""
    names = list(VALUES)
    _save_v1(f"{directory}/m-00000-of-00002", names[:1], [_DENSE[:2]], _UPPER)
    _save_v1(f"{directory}/m-00001-of-00002", names[2:], [_DENSE[2:]], _LOWER)
    return f"{directory}/m", VALUES


def _save_v2(prefix, names, parts=(), bounds=""):
    names, slices, tensors = _listed(names, parts, bounds)
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=tensors)


def _save_v1(path, names, parts=(), bounds=""):
    names, slices, tensors = _listed(names, parts, bounds)
    tf.raw_ops.SaveSlices(filename=path, tensor_names=names, shapes_and_slices=slices, data=tensors)


def _listed(names, parts, bounds):
    tensors = [tf.constant(VALUES[name]) for name in names] + [tf.constant(one) for one in parts]
    names = [*names, *["net/dense/weights" for _ in parts]]
    return names, [""] * (len(names) - len(parts)) + [bounds] * len(parts), tensors


def object_based(directory):
    held = {name.replace("/", "_"): tf.Variable(value) for name, value in VALUES.items()}
    root = tf.train.Checkpoint(**held)
    return root.write(f"{directory}/m"), {name: held[name].numpy() for name in held}


def tf2_saved_model(directory):
    class _Scaled(tf.Module):
        def __init__(self):
            self.kernel = tf.Variable(_DENSE)

        @tf.function(input_signature=[tf.TensorSpec([None, 4])])
        def __call__(self, images):
            return tf.nn.relu(images @ self.kernel)

    tf.saved_model.save(_Scaled(), directory)
    return directory, {"kernel": _DENSE}


def _graph():
    """A graph with both kinds of variables, as TensorFlow 1 built them; fed and fetched."""
    with tf.Graph().as_default() as graph:
        images = v1.placeholder(tf.float32, [None, 8, 8, 2], "images")
        with v1.variable_scope("net"):
            weights = _variable("conv/weights", use_resource=False)
            net = tf.nn.relu(tf.nn.conv2d(images, weights, 1, "SAME"), name="conv/Relu")
            pooled = tf.reduce_mean(net, [1, 2])
            tf.matmul(pooled, _variable("dense/weights", use_resource=True), name="logits")
    return graph


def _variable(name, use_resource):
    return v1.get_variable(name, initializer=VALUES[f"net/{name}"], use_resource=use_resource)


_IN_GRAPH = {name: VALUES[name] for name in ("net/conv/weights", "net/dense/weights")}


def graph_def(directory, as_text=False):
    name = "graph.pbtxt" if as_text else "graph.pb"
    return tf.io.write_graph(_graph(), str(directory), name, as_text=as_text), {}


graph_text = functools.partial(graph_def, as_text=True)


def frozen(directory):
    graph = _graph()
    with v1.Session(graph=graph) as session:
        session.run(v1.variables_initializer(graph.get_collection("variables")))
        made = v1.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), ["net/logits"]
        )
    return tf.io.write_graph(made, str(directory), "frozen.pb", as_text=False), _IN_GRAPH


def meta_graph(directory):
    with _graph().as_default() as graph:
        v1.train.export_meta_graph(f"{directory}/m.meta", graph=graph)
    return f"{directory}/m.meta", {}


def tf1_saved_model(directory):
    graph = _graph()
    with v1.Session(graph=graph) as session:
        session.run(v1.variables_initializer(graph.get_collection("variables")))
        ends = [graph.get_tensor_by_name(name) for name in ("images:0", "net/logits:0")]
        v1.saved_model.simple_save(
            session, f"{directory}/export", {"images": ends[0]}, {"logits": ends[1]}
        )
    return f"{directory}/export", _IN_GRAPH


def run_directory(directory):
    path = tiny_run.copy_run(directory).path
    # Without its best weights a run is what its newest ones are.
    shutil.rmtree(f"{path}/checkpoints")
    reader = tf.train.load_checkpoint(f"{path}/best/model.ckpt-5")
    return path, {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def _keras(package):
    layers = package.layers
    model = package.Sequential(
        [
            package.Input((6, 6, 2)),
            layers.Conv2D(3, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(5, name="logits"),
        ]
    )
    return model, {
        f"{layer.name}/{weight.name.split('/')[-1].split(':')[0]}": weight.numpy()
        for layer in model.layers
        for weight in layer.weights
    }


def keras_file(directory, package, name, **options):
    """Writes a model, or its weights where the name says so."""
    model, values = _keras(importlib.import_module(package))
    path = f"{directory}/{name}"
    write = model.save_weights if ".weights." in name else model.save
    with warnings.catch_warnings():
        # HDF5 is called legacy.
        warnings.simplefilter("ignore", UserWarning)
        write(path, **options)
    return path, values

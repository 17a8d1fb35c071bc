"""Inception-ResNet-v2 at 299x299: inference and training steps against Keras 3's own network.

All sides live in one process and take turns in short rounds, so that a busy machine slows all of
them; every other round goes backwards, and a batch that is not timed begins each turn. Ratios are
medians of those within each round, with the least and the largest beside them. Inference: one batch
of 8 through a compiled function, for Keras faster than `predict`. A training step: forward,
cross-entropy, gradients of all weights, momentum, and the moving averages of the normalizations; no
weight decay on either side.
"""

import argparse
import json
import os
import statistics
import time

BATCH, SIZE, CLASSES = 8, 299, 1001
NETWORK = "inception_resnet_v2"
_ZERO_AT_FIRST = ("beta", "moving_mean", "bias", "biases")
# claim: (side, other side, least ratio)
TARGETS = {
    "inference over Keras": ("ours", "Keras", 1.0),
    "frozen and folded over Keras": ("frozen and folded", "Keras", 1.1),
    "bfloat16 over Keras": ("bfloat16", "Keras", 1.5),
    "training step over Keras": ("ours, training", "Keras, training", 1.0),
}


def shift_biases(variables):
    """Moves what is zero in a new network: TensorFlow leaves out the addition of a zero bias."""
    import numpy as np

    random = np.random.default_rng(0)
    for variable in variables:
        if variable.name.partition(":")[0].rpartition("/")[2] in _ZERO_AT_FIRST:
            variable.assign(random.normal(0, 0.1, variable.shape).astype(np.float32))


def keras_model():
    import keras

    # As ours has them: logits, and a background class.
    model = keras.applications.InceptionResNetV2(
        weights=None, classes=CLASSES, classifier_activation=None
    )
    shift_biases(model.variables)
    return model


def slim_model(compute_dtype="float32"):
    from tfinspect.nets.registry import get_spec
    from tfinspect.nets.slim_model import SlimModel

    model = SlimModel(get_spec(NETWORK), CLASSES, compute_dtype=compute_dtype)
    model.build_variables()
    shift_biases(model.variables)
    return model


def inference(model):
    from tfinspect.model import load_model

    traced = load_model(model).trace()
    return traced.wrapped.prune([traced.images], [traced.logits])


def frozen(model):
    import tensorflow as tf

    from tfinspect.extraction.fold import fold_batch_norm
    from tfinspect.extraction.frozen import frozen_graph
    from tfinspect.extraction.part import LOGITS, NetworkPart

    graph = NetworkPart(model).graph
    folded = fold_batch_norm(frozen_graph(graph), (graph.outputs[LOGITS],)).graph_def
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(folded, name=""), [])
    ends = (f"{graph.input}:0", graph.outputs[LOGITS])
    return wrapped.prune(*map(wrapped.graph.get_tensor_by_name, ends))


def training(model, optimizer):
    import tensorflow as tf

    labels = tf.constant(range(BATCH))

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        variables = model.trainable_variables
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    return step


def sides():
    import keras
    import tensorflow as tf
    import tf_keras

    theirs, ours = keras_model(), slim_model()
    call = tf.function(lambda images: theirs(images, training=False))
    return {
        "Keras": call,
        "ours": inference(ours),
        "frozen and folded": frozen(ours),
        "bfloat16": inference(slim_model("bfloat16")),
        "Keras, training": training(theirs, keras.optimizers.SGD(1e-4, 0.9)),
        "ours, training": training(ours, tf_keras.optimizers.SGD(1e-4, 0.9)),
    }


def rate(side, images, batches):
    """Returns images per second, after a batch that finds caches and memory as others left them."""
    import tensorflow as tf

    tf.nest.flatten(side(images))[0].numpy()
    started = time.perf_counter()
    for _ in range(batches):
        value = tf.nest.flatten(side(images))[0]
    value.numpy()
    return batches * BATCH / (time.perf_counter() - started)


def measure(rounds: int, batches: int) -> dict:
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    images = tf.constant(random.uniform(-1, 1, (BATCH, SIZE, SIZE, 3)).astype(np.float32))
    all_sides = sides()
    for side in all_sides.values():
        rate(side, images, 1)
    taken = []
    for number in range(rounds):
        order = sorted(all_sides, reverse=bool(number % 2))
        taken.append({name: rate(all_sides[name], images, batches) for name in order})
    ratios = {
        claim: [one[side] / one[other] for one in taken]
        for claim, (side, other, _) in TARGETS.items()
    }
    medians = {claim: statistics.median(values) for claim, values in ratios.items()}
    return {
        "claim": "Inception-ResNet-v2 at 299x299, batch 8, against Keras 3",
        "images_per_second": {
            name: round(statistics.median(one[name] for one in taken), 2) for name in all_sides
        },
        "ratios": {
            claim: {
                "target": TARGETS[claim][2],
                "ratio": round(medians[claim], 3),
                "rounds": [round(value, 3) for value in sorted(values)],
            }
            for claim, values in ratios.items()
        },
        "met": all(value >= TARGETS[claim][2] for claim, value in medians.items()),
        "rounds": rounds,
        "batches": batches,
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batches", type=int, default=2)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.rounds, arguments.batches), indent=2))

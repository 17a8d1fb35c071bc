"""Several trainings in one process of a cluster: TensorFlow's server is started only once.

    python -c "$PROGRAM" '[{"config": {…}, "output": "…", "frozen": true}, …]'

Prints, for each training, the losses of its steps. With `float64` all arithmetic is: then nothing
that TensorFlow computes in another order for half a batch is seen any more.
"""

PROGRAM = r"""
import json, sys
import tensorflow as tf
from tfinspect.cluster import rendezvous, tf_config
from tfinspect.nets import slim_layers, slim_model
from tfinspect.training import callbacks, cluster_run, config, run, team, trainer

slim_model.COMPUTE_DTYPES += ("float64",)
config.PRECISIONS += ("float64",)

def unfused(original):
    def batch_norm(inputs, *args, **kwargs):
        # The fused kernel has no float64.
        fused = inputs.dtype != tf.float64
        return original(inputs, *args, **({"fused": False} if not fused else {}), **kwargs)
    batch_norm._key_op = original._key_op
    return batch_norm

slim_layers.replace_layer("batch_norm", unfused)

usual, join, meet = callbacks.EpochMeans.update, team.join, rendezvous.meet
joined, losses = [], []

def update(self, logs):
    losses[-1].append(float(logs["loss"]))
    usual(self, logs)

def once(cluster):
    joined or joined.append(join(cluster))
    return joined[0]

callbacks.EpochMeans.update, team.join = update, once
rendezvous.meet = lambda meeting: None if joined else meet(meeting)
usual_end = run.export_and_measure, run.finish
for wanted in json.loads(sys.argv[1]):
    losses.append([])
    frozen = wanted["frozen"]
    trainer.TrainedModel.batch_norm_is_frozen = lambda self, scope: frozen
    if not wanted.get("ends"):
        run.export_and_measure = lambda *args: (None, None)
        run.finish = lambda *args: None
    settings = config.config_from(wanted["config"], "test")
    cluster = tf_config.from_environment()
    cluster_run.train(settings, cluster_run.Part(cluster, wanted["output"], 180.0, run.Observer()))
    run.export_and_measure, run.finish = usual_end
print(json.dumps(losses))
sys.stdout.flush()
team.leave(0)
"""

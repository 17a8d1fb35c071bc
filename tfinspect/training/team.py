"""The processes that train one network together, as this one sees them."""

import os
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.data import pipeline
from tfinspect.errors import ClusterError
from tfinspect.training.generated_files import remove_generated

# Who this process is in TensorFlow's own, process-wide state.
_joined: set[str] = set()


@dataclass(frozen=True)
class Team:
    """A cluster of TensorFlow's own, synchronous.

    Attributes:
      cluster: everybody's addresses, and which process this is.
      strategy: `tf.distribute.MultiWorkerMirroredStrategy`.
    """

    cluster: ClusterConfig
    strategy: Any

    def share(self, batches: pipeline.Batches) -> pipeline.Batches:
        """Returns this process's part of the batches of a training split."""
        return pipeline.shared(batches, self.cluster.number, self.cluster.workers)

    def distributed(self, dataset: Any) -> Any:
        """Returns this process's batches as the strategy takes them, without a share of its own."""
        return self.strategy.distribute_datasets_from_function(lambda _: dataset)

    def agree(self, *flags: bool) -> tuple[bool, ...]:
        """Tells of each flag whether any process has set it; all must call this at one time."""
        given = tf.constant([float(flag) for flag in flags])
        return tuple(bool(total > 0) for total in summed(self.strategy, [given])[0].numpy())

    def require_same_step(self, step: int) -> None:
        """Raises a ClusterError unless all processes start from one step; all must call this."""
        each = [0] * self.cluster.workers
        each[self.cluster.number] = step
        [total] = summed(self.strategy, [tf.constant(each, tf.int64)])
        steps = [int(one) for one in total.numpy()]
        if len(set(steps)) > 1:
            names = self.cluster.names[: self.cluster.workers]
            told = ", ".join(f"{name} {at}" for name, at in zip(names, steps, strict=True))
            raise ClusterError(
                f"the processes would start from different steps ({told}); all of them must be "
                "able to read the run directory: put it on shared storage."
            )

    def merge(self, model: Any) -> None:
        """Puts the processes' own moving statistics together, for all to go on with."""
        for variable in model.non_trainable_variables:
            variable.assign(variable.read_value())

    def give_up(self) -> None:
        """Ends the waiting for the others with an error, from any thread; all is over then."""
        from tensorflow.python.eager import context

        context.context().abort_collective_ops(
            tf.errors.UNAVAILABLE, "another process does not answer any more"
        )


@tf.function
def summed(strategy: Any, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the sums of what all processes have given; all must call this at one time."""

    def replica(values: list[tf.Tensor]) -> list[tf.Tensor]:
        # The copies lie on the replica's device; the arguments themselves on none.
        placed = [tf.identity(value) for value in values]
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, placed)

    return of_this_process(strategy, strategy.run(replica, args=(tensors,)))


def of_this_process(strategy: Any, values: list[Any]) -> list[tf.Tensor]:
    """Returns this process's part of each value of a strategy."""
    return [strategy.experimental_local_results(value)[0] for value in values]


def join(cluster: ClusterConfig) -> Team:
    """Starts TensorFlow's server of this process; call it before any other use of TensorFlow.

    Raises:
      ClusterError: the server cannot start.
    """
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({role: list(hosts) for role, hosts in cluster.addresses.items()}),
        task_type=cluster.role,
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    # A process that is gone is noticed by Python's own check of its peers, which raises an error;
    # TensorFlow's coordination service would end this process without a word.
    from tensorflow.python.eager import context

    context.context().configure_coordination_service(service_type="")
    _joined.add(cluster.name)
    try:
        return Team(cluster, tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver))
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ClusterError(
            f"{cluster.name} cannot start TensorFlow's server on '{cluster.own_address}': {reason}."
        ) from error


def note_joined(cluster: ClusterConfig) -> None:
    """Notes that this process starts, or connects to, servers that never end by themselves."""
    _joined.add(cluster.name)


def joined() -> bool:
    """Tells whether this process has started TensorFlow's server, which it cannot stop."""
    return bool(_joined)


def leave(status: int) -> None:
    """Ends the process at once: TensorFlow would wait for those who are gone."""
    remove_generated()
    os._exit(status)

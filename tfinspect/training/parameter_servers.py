"""TensorFlow's parameter servers, its workers, and the steps that a chief hands out to them.

The work is `tf.distribute.ParameterServerStrategy`'s and its `ClusterCoordinator`'s: every step
runs on the next worker that is free, with the variables as it finds them. A worker that is lost
gives its step back, and the coordinator hands it to another one.
"""

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfinspect.cluster.launch import free_ports
from tfinspect.cluster.members import Members
from tfinspect.cluster.rendezvous import split_address
from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ClusterError, ConfigError
from tfinspect.training import optimizers
from tfinspect.training.trainer import Trainer

_POLL_SECONDS = 0.1
# A step that takes longer while a worker is silent is taken for the silent one's.
STUCK_SECONDS = 60.0


class LostError(Exception):
    """A parameter server, or the last worker, is gone."""


def serve(cluster: ClusterConfig) -> Any:
    """Starts TensorFlow's server of a worker or parameter server, and returns it.

    Raises:
      ClusterError: it cannot start.
    """
    spec = tf.train.ClusterSpec(_served(cluster))
    # One thread would wait for ever for what it should do itself meanwhile: read the next batch.
    threads = max(int(os.environ.get("TF_NUM_INTEROP_THREADS") or 0), os.cpu_count() or 1, 4)
    try:
        return tf.distribute.Server(
            spec,
            job_name=cluster.role,
            task_index=cluster.index,
            protocol="grpc",
            config=tf.compat.v1.ConfigProto(inter_op_parallelism_threads=threads),
        )
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ClusterError(
            f"{cluster.name} cannot start TensorFlow's server on '{cluster.own_address}': {reason}."
        ) from error


def _served(cluster: ClusterConfig) -> dict[str, list[str]]:
    return {role: list(cluster.addresses[role]) for role in ("worker", "ps")}


class Fleet:
    """The workers and parameter servers, connected.

    Attributes:
      cluster: everybody's addresses.
      members: who is there.
      strategy: `tf.distribute.ParameterServerStrategy`.
      coordinator: TensorFlow's `ClusterCoordinator` of the strategy.
    """

    def __init__(
        self, cluster: ClusterConfig, members: Members, on_phase: Callable[[str], None]
    ) -> None:
        """Connects to all; call it before any other use of TensorFlow.

        Args:
          cluster: everybody's addresses; this process is the chief.
          members: who is there; all of them.
          on_phase: told of workers that are lost, or come back.

        Raises:
          ClusterError: the servers cannot be connected to.
          ConfigError: a worker has several GPUs.
        """
        self.cluster, self.members = cluster, members
        self._on_phase, self._lost = on_phase, set(members.lost())
        # The members' connections have the port of `TF_CONFIG`; nobody calls TensorFlow's own.
        host = split_address(cluster.address_of(cluster.leader))[0]
        chief = f"[{host}]" if ":" in host else host
        spec = _served(cluster) | {"chief": [f"{chief}:{free_ports(1)[0]}"]}
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(spec), task_type="chief", task_id=0, rpc_layer="grpc"
        )
        try:
            self.strategy = tf.distribute.ParameterServerStrategy(resolver)
        except (tf.errors.OpError, RuntimeError) as error:
            raise ClusterError(
                f"{cluster.name} cannot connect to TensorFlow's servers: "
                f"{str(error).splitlines()[0]}."
            ) from error
        self.coordinator = tf.distribute.coordinator.ClusterCoordinator(self.strategy)
        if self.strategy.num_replicas_in_sync > 1:
            raise ConfigError(
                "a worker has several GPUs, and with parameter servers each step takes one; start "
                "one worker per GPU, each with its own CUDA_VISIBLE_DEVICES."
            )

    def check(self, waited: float) -> None:
        """Looks who is still there.

        Args:
          waited: seconds for which one step has been waited for.

        Raises:
          LostError: a parameter server, or the last worker, is gone; or a worker is silent, and the
            step that it had is handed to nobody else, since its connection does not break.
        """
        lost = set(self.members.lost())
        for name in sorted(lost - self._lost):
            if name.startswith("worker"):
                self._on_phase(f"{name} was lost; the others compute its steps")
        for name in sorted(self._lost - lost):
            self._on_phase(f"{name} is back")
        self._lost = lost
        workers = [name for name in self.cluster.names if name.startswith("worker")]
        if lost.issuperset(workers) or any(name.startswith("ps") for name in lost):
            raise LostError
        # Of a worker whose connection broke TensorFlow knows, and its step is another's by now.
        if waited > STUCK_SECONDS and self.members.silent():
            raise LostError


class Flight:
    """Steps that were handed out and whose results have not been taken yet."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # The coordinator's own waiting knows no time limit, and would keep signals waiting.
        threading.Thread(target=self._fetch, daemon=True).start()

    def add(self, value: Any) -> None:
        """Takes what the coordinator's `schedule` returned."""
        self.count += 1
        self._waiting.put(value)

    def take(self, check: Callable[[float], None]) -> Any:
        """Returns the result of the oldest step.

        Args:
          check: called now and then with the seconds of waiting; what it raises ends that.

        Raises:
          tf.errors.OpError: the step failed.
        """
        began = time.monotonic()
        while True:
            check(time.monotonic() - began)
            try:
                outcome = self._arrived.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            self.count -= 1
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    def _fetch(self) -> None:
        while True:
            try:
                self._arrived.put(self._waiting.get().fetch())
            except Exception as error:
                self._arrived.put(error)


def step_function(trainer: Trainer, batch: Callable[..., tuple[Any, Any]]) -> Any:
    """Returns one optimizer step, as a worker runs it.

    Args:
      trainer: model and optimizer on the parameter servers.
      batch: called on the worker with its iterator and what names the step's examples; returns
        images as the network takes them, and labels.

    Returns:
      A `tf.function` of learning rate, iterator and what names the examples; it returns the loss
      (L2 terms included), how many examples are right, and how many there are.
    """
    model, optimizer = trainer.model, trainer.optimizer

    @tf.function(autograph=False)
    def step(rate: Any, iterator: Any, *named: Any) -> tuple[Any, Any, Any]:
        def replica(images: Any, labels: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                logits = model(images, training=True)
                loss = model.compute_loss(images, labels, logits)
            with optimizers.learning_rate(optimizer, rate):
                optimizer.minimize(loss, model.trainable_variables, tape=tape)
            right = tf.equal(tf.argmax(logits, 1, labels.dtype), labels)
            return loss, tf.reduce_sum(tf.cast(right, tf.int64))

        images, labels = batch(iterator, *named)
        loss, right = trainer.strategy.run(replica, args=(images, labels))
        return loss, right, tf.shape(labels, tf.int64)[0]

    return step


def copy_values(source: Trainer, target: Trainer) -> None:
    """Copies variables, slots and `global_step` from one trainer to another of equal settings."""
    values = source.values()
    for name, variable in target.values().items():
        variable.assign(values[name].numpy())

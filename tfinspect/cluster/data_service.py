"""A tf.data service: TensorFlow's own dispatcher and data workers, each a process."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from tfinspect.cluster.launch import OnLine, Process, free_ports, run_together, thread_settings
from tfinspect.data.service_address import data_workers, host_and_port, is_loopback
from tfinspect.errors import ClusterError, ConfigError

_DISPATCHER = "dispatcher"
_COMMAND = ("tfinspect", "cluster", "data-service")
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Service:
    """What this machine gives to a service.

    Attributes:
      workers: data workers on this machine.
      port: of the dispatcher; None takes a free one.
      host: name under which this machine is reached by the others and by whoever trains.
      dispatcher: `host:port` of another machine's, whose service is joined; None starts one here.
      timeout: seconds to wait for that dispatcher.
    """

    workers: int = 1
    port: int | None = None
    host: str = "localhost"
    dispatcher: str | None = None
    timeout: float = 60.0

    def __post_init__(self) -> None:
        """Validates the numbers."""
        if self.dispatcher is not None:
            there = host_and_port(self.address).rpartition(":")[0]
            if is_loopback(self.host) and not is_loopback(there):
                raise ConfigError(
                    f"a data worker under the name '{self.host}' cannot be reached from the other "
                    f"machines of the service at '{self.dispatcher}'; give the name under which "
                    "they know this one, with --host."
                )
            if self.port is not None:
                raise ConfigError(
                    f"port {self.port} is that of a new dispatcher, and the service of "
                    f"'{self.dispatcher}' is to be joined; leave one of them out."
                )
            if not self.workers:
                raise ConfigError(
                    "a service is to be joined with no data worker; give 1 or more of them."
                )

    @property
    def address(self) -> str:
        """What `--data-service` takes."""
        return f"grpc://{self.dispatcher or f'{self.host}:{self.port}'}"

    @property
    def is_one_process(self) -> bool:
        """Whether the dispatcher alone, or one data worker alone, is asked for."""
        return self.workers == (0 if self.dispatcher is None else 1)


def run(service: Service, on_ready: Callable[[str], None], on_line: OnLine) -> int:
    """Runs this machine's part of a service until a signal ends it.

    When a data worker fails, the others go on; when none is left, or the dispatcher fails, all end.

    Args:
      service: what is started.
      on_ready: called with the service's address once all of it is there.
      on_line: told what the processes write, and which of them have ended, if there are several.

    Returns:
      The exit status, as of `run_together`.

    Raises:
      ClusterError: the dispatcher that is to be joined never came, or a port cannot be had.
    """
    if service.port is None and service.dispatcher is None:
        service = dataclasses.replace(service, port=free_ports(1)[0])
    if service.is_one_process:
        _serve_for_ever(service, on_ready)
    processes = _processes(service)
    ready = _Ready(processes, lambda: on_ready(service.address))

    def heard(name: str, standard: bool, line: str) -> None:
        if standard:
            ready.add(name)
        else:
            on_line(name, standard, line)

    def ended(name: str, status: int) -> None:
        too_soon = " before it was ready" if ready.give_up(name) else ""
        how = f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"
        on_line(name, False, f"{how}{too_soon}")

    vital = [name for name in processes if name == _DISPATCHER]
    return run_together(processes, heard, vital, ended)


class _Ready:
    """Which processes are ready, as several threads tell."""

    def __init__(self, names: Iterable[str], on_ready: Callable[[], None]) -> None:
        """Calls `on_ready` once: when all that have not ended are ready, a data worker among them.

        Args:
          names: of the processes.
          on_ready: what is called.
        """
        self._waiting, self._ready = set(names), set[str]()
        self._on_ready = on_ready
        self._lock = threading.Lock()

    def add(self, name: str) -> None:
        """Takes a process for ready."""
        with self._lock:
            if name in self._waiting:
                self._ready.add(name)
                self._leave(name)

    def give_up(self, name: str) -> bool:
        """Waits for a process no more; returns whether it was waited for."""
        with self._lock:
            waited = name in self._waiting
            if waited:
                self._leave(name)
            return waited

    def _leave(self, name: str) -> None:
        self._waiting.remove(name)
        if not self._waiting and self._ready - {_DISPATCHER}:
            self._on_ready()


def _processes(service: Service) -> dict[str, Process]:
    dispatcher = service.dispatcher
    commands: dict[str, tuple[str, ...]] = {}
    if dispatcher is None:
        dispatcher = f"{service.host}:{service.port}"
        alone = ("--workers", "0", "--port", str(service.port), "--host", service.host)
        commands[_DISPATCHER] = (*_COMMAND, *alone)
    joining = ("--workers", "1", "--dispatcher", dispatcher, "--host", service.host)
    timeout = ("--cluster-timeout", str(service.timeout))
    for number in range(service.workers):
        commands[f"data worker {number}"] = (*_COMMAND, *joining, *timeout)
    threads = thread_settings(max(service.workers, 1))
    return {name: Process(command, threads) for name, command in commands.items()}


def _serve_for_ever(service: Service, on_ready: Callable[[str], None]) -> NoReturn:
    """Serves in this process until a signal ends it."""
    # It serves for as long as something refers to it.
    _kept = _serve(service)
    on_ready(service.address)
    while True:
        time.sleep(60)


def _serve(service: Service) -> Any:
    """Starts one server in this process; it serves for as long as it is kept."""
    if service.dispatcher is not None:
        # TensorFlow would wait for ever, without a word.
        _wait_for(service)
    import tensorflow as tf

    one = tf.data.experimental.service
    try:
        if service.dispatcher is None:
            return one.DispatchServer(one.DispatcherConfig(port=service.port))
        [port] = free_ports(1)
        return one.WorkerServer(
            one.WorkerConfig(
                dispatcher_address=service.dispatcher,
                worker_address=f"{service.host}:{port}",
                port=port,
            )
        )
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ClusterError(
            f"the tf.data service at '{service.address}' cannot be started: {reason}; give another "
            "--port, or the address of a dispatcher of this version."
        ) from error


def _wait_for(service: Service) -> None:
    deadline = time.monotonic() + service.timeout
    while True:
        try:
            data_workers(service.address)
        except ClusterError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return

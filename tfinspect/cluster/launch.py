"""Several processes of one cluster on this machine, over loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO

from tfinspect import cores
from tfinspect.cluster.tf_config import VARIABLE
from tfinspect.cluster.with_parent import ending_with_parent
from tfinspect.errors import ConfigError

# The others have so long to write their checkpoint when one has failed.
GRACE_SECONDS = 15.0
_POLL_SECONDS = 0.05
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class Launch:
    """What is started.

    Attributes:
      command: of every process.
      workers: how many compute gradients; the first one writes.
      parameter_servers: how many hold variables; with them comes a chief.
      threads: of each process; None shares this process's cores equally.
      evaluator: whether one more process evaluates the checkpoints.
    """

    command: Sequence[str]
    workers: int
    parameter_servers: int = 0
    threads: int | None = None
    evaluator: bool = False

    def __post_init__(self) -> None:
        """Validates the numbers."""
        if not self.command:
            raise ConfigError("no command to launch; write it after --, such as -- tfinspect train")
        for name, given, least in (
            ("workers", self.workers, 1),
            ("parameter_servers", self.parameter_servers, 0),
        ):
            if given < least:
                raise ConfigError(f"{name} {given} is too small; give {least} or more.")

    def configurations(self) -> dict[str, str]:
        """Returns process name -> its `TF_CONFIG`, with ports that are free now."""
        counts = {"worker": self.workers}
        if self.parameter_servers:
            counts = {"chief": 1, **counts, "ps": self.parameter_servers}
        ports = iter(free_ports(sum(counts.values())))
        cluster = {
            role: [f"localhost:{next(ports)}" for _ in range(count)]
            for role, count in counts.items()
        }
        tasks = [(role, index) for role, hosts in cluster.items() for index in range(len(hosts))]
        # TensorFlow does not count the evaluator among the cluster's processes.
        tasks += [("evaluator", 0)] * self.evaluator
        return {
            f"{role} {index}": json.dumps(
                {"cluster": cluster, "task": {"type": role, "index": index}}
            )
            for role, index in tasks
        }


def free_ports(count: int) -> list[int]:
    """Returns ports of the loopback address that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@dataclass(frozen=True)
class Process:
    """One of several processes.

    Attributes:
      command: `tfinspect` first is this installation's.
      environment: beside this process's own.
    """

    command: Sequence[str]
    environment: Mapping[str, str]


# Called with process name, whether it is standard output, and a line of it.
OnLine = Callable[[str, bool, str], None]
# Called with process name and exit status, once for each that has ended; a signal's is negative.
OnEnd = Callable[[str, int], None]


def launch(request: Launch, on_line: OnLine) -> int:
    """Runs all processes of a cluster to their end; when one fails, the others are ended too.

    Returns, raises:
      As `run_together`.
    """
    texts = request.configurations()
    threads = thread_settings(len(texts), request.threads)
    command = request.command
    processes = {n: Process(command, {VARIABLE: text} | threads) for n, text in texts.items()}
    return run_together(processes, on_line)


def thread_settings(processes: int, threads: int | None = None) -> dict[str, str]:
    """Returns environment variables for the threads of each process; None shares the cores."""
    each = threads or max(1, cores.usable() // processes)
    return dict.fromkeys(_THREAD_VARIABLES, str(each))


def run_together(
    processes: Mapping[str, Process],
    on_line: OnLine,
    vital: Collection[str] | None = None,
    on_end: OnEnd | None = None,
) -> int:
    """Runs processes to their end.

    SIGINT and SIGTERM are passed on. On Linux they are killed if this process is killed.

    Args:
      processes: name -> what is started.
      on_line: told what they write.
      vital: those whose failure ends all; None means each. When all others have ended and one of
        them failed, that ends all, too.
      on_end: told of each that has ended, but not of those that are ended here.

    Returns:
      0, or the exit status of the first process whose failure ended all; 128 and the signal's
      number for one that a signal ended.

    Raises:
      ConfigError: a command cannot be started.
    """
    running: dict[str, subprocess.Popen] = {}
    try:
        with _passing_signals(running):
            for name, process in processes.items():
                running[name] = _start(process)
            readers = [
                _reader(name, stream is one.stdout, stream, on_line)
                for name, one in running.items()
                for stream in (one.stdout, one.stderr)
                if stream is not None
            ]
            status = _wait(running, running if vital is None else vital, on_end)
            for reader in readers:
                reader.join(timeout=GRACE_SECONDS)
            return status
    finally:
        _end(running.values(), signal.SIGKILL)


def _start(process: Process) -> subprocess.Popen:
    command = process.command
    try:
        # In a session of its own: Ctrl-C reaches it once, from here.
        return subprocess.Popen(
            _resolved(command),
            env=os.environ | process.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=ending_with_parent(),
        )
    except OSError as error:
        raise ConfigError(
            f"cannot start '{command[0]}': {error.strerror}; give a program that can be found."
        ) from error


def _resolved(command: Sequence[str]) -> list[str]:
    # The same installation, whatever the search path says.
    first = command[0]
    return [sys.executable, "-m", "tfinspect_cli"] * (first == "tfinspect") + [
        *command[first == "tfinspect" :]
    ]


def _reader(name: str, standard: bool, stream: IO[bytes], on_line: OnLine) -> threading.Thread:
    def read() -> None:
        with stream:
            for line in stream:
                on_line(name, standard, line.decode(errors="replace").rstrip("\r\n"))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _wait(
    running: Mapping[str, subprocess.Popen], vital: Collection[str], on_end: OnEnd | None
) -> int:
    """Waits for all processes, or for a failure that ends all; returns the exit status."""
    told: set[str] = set()
    others = [name for name in running if name not in vital]
    while True:
        codes = {name: process.poll() for name, process in running.items()}
        for name, code in codes.items():
            if on_end is not None and code is not None and name not in told:
                told.add(name)
                on_end(name, code)
        failed = [code for name, code in codes.items() if code and name in vital]
        if not failed and all(codes[name] is not None for name in others):
            failed = [code for name in others if (code := codes[name])]
        if failed:
            _end_gently(running)
            return failed[0] if failed[0] > 0 else 128 - failed[0]
        if None not in codes.values():
            return 0
        time.sleep(_POLL_SECONDS)


def _end_gently(running: Mapping[str, subprocess.Popen]) -> None:
    # Those that notice by themselves say who was lost; the others get a signal, then another.
    for number in (None, signal.SIGTERM):
        if number is not None:
            _end(running.values(), number)
        deadline = time.monotonic() + GRACE_SECONDS / 2
        while time.monotonic() < deadline:
            if all(process.poll() is not None for process in running.values()):
                return
            time.sleep(_POLL_SECONDS)


def _end(processes: Iterable[subprocess.Popen], number: int) -> None:
    for process in list(processes):
        if process.poll() is None:
            process.send_signal(number)
            if number == signal.SIGKILL:
                process.wait()


@contextmanager
def _passing_signals(running: Mapping[str, subprocess.Popen]) -> Iterator[None]:
    def forward(number: int, frame: FrameType | None) -> None:
        del frame
        _end(list(running.values()), number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, forward) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)

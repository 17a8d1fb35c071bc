"""Real processes of one cluster on this machine."""

import contextlib
import json
import os
import subprocess
import sys
import time

import pytest

from tfinspect.cluster.launch import Launch, free_ports

# Far more than anything here takes, on a busy machine too: it bounds what would never end.
SECONDS = 300
# Several waits of a test may each take so long.
MARKS = [pytest.mark.slow, pytest.mark.timeout(4 * SECONDS)]
_started: list[subprocess.Popen] = []


def configurations(count):
    """Returns the `TF_CONFIG` of each of several workers."""
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(count)]}
    tasks = [{"type": "worker", "index": index} for index in range(count)]
    return [json.dumps({"cluster": cluster, "task": task}) for task in tasks]


def roles(workers, parameter_servers=0, evaluator=False):
    """Returns process name -> its `TF_CONFIG`."""
    return Launch(["x"], workers, parameter_servers, evaluator=evaluator).configurations()


def start(text, *arguments, program=("-m", "tfinspect_cli"), errors=subprocess.STDOUT):
    """Starts one process; what it writes is kept. It ends with the test, or the module."""
    environment = os.environ | {"TF_CONFIG": text, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *program, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": errors, "text": True}
    process = subprocess.Popen(command, env=environment, **pipes)
    _started.append(process)
    return process


@contextlib.contextmanager
def ending_processes():
    """Kills and reaps, at the end of the block, what `start` has started inside."""
    before = len(_started)
    try:
        yield
    finally:
        own = _started[before:]
        del _started[before:]
        for process in own:
            process.kill()
        for process in own:
            process.wait()
            process.stdout.close()


def wait_until(reached, processes=(), seconds=SECONDS):
    """Waits until a condition holds, which must be before one of the processes ends.

    Otherwise they are killed, and the test fails with what they wrote.
    """
    deadline = time.monotonic() + seconds
    while True:
        ended = [process for process in processes if process.poll() is not None]
        if reached():
            return
        if ended or time.monotonic() > deadline:
            for process in processes:
                process.kill()
            wrote = [process.communicate()[0] for process in processes]
            why = "a process has ended" if ended else f"not reached in {seconds} s"
            pytest.fail("\n".join([why, *wrote]))
        time.sleep(0.02)


def said_by(processes, *statuses):
    """Waits for the end of all; returns what each wrote.

    Args:
      processes: what was started.
      statuses: what each must end with; one stands for all, none is not looked at.
    """
    said = [process.communicate(timeout=SECONDS)[0] for process in processes]
    expected = list(statuses) * len(said) if len(statuses) == 1 else list(statuses)
    if expected:
        assert [process.returncode for process in processes] == expected, "\n".join(said)
    return said

"""What `run_together` has started ends when the process that called it is killed."""

import os
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from processes import SECONDS, wait_until

from tfinspect.cluster import with_parent

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="another system has no signal of a parent's death"
)
# Both `cluster launch` and `cluster data-service` start their processes so.
STARTS = """
import sys
from tfinspect.cluster.launch import Process, run_together
code = "import os, time; print(os.getpid(), flush=True); time.sleep(3600)"
one = Process([sys.executable, "-c", code], {})
run_together({"a": one, "b": one}, lambda name, standard, line: print(line, flush=True))
"""


def runs(process):
    """Tells whether a process is there and no zombie, which nobody may collect here."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_end_when_the_one_that_started_them_is_killed():
    starter = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        started = [int(starter.stdout.readline()) for _ in "ab"]
        try:
            assert all(runs(process) for process in started)
            starter.kill()
            wait_until(lambda: not any(runs(process) for process in started))
        finally:
            for process in filter(runs, started):
                os.kill(process, signal.SIGKILL)


def test_process_whose_parent_died_before_ends_at_once(monkeypatch):
    monkeypatch.setattr(with_parent.os, "getpid", lambda: -1)
    before_program = with_parent.ending_with_parent()
    with subprocess.Popen([sys.executable, "-c", "pass"], preexec_fn=before_program) as process:
        assert process.wait(timeout=SECONDS) == 128 + signal.SIGKILL

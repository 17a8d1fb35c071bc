"""What the tests of real processes rely on."""

import os
import re
import subprocess
import sys

import pytest
from processes import SECONDS, ending_processes, said_by, start, wait_until

STAYS = ("-c", "import time; print('up', flush=True); time.sleep(3600)")
FAILS = ("-c", "import sys; print('broken'); sys.exit(3)")


def test_what_a_failed_test_started_ends_and_what_its_module_started_goes_on():
    outer, inner = start("", program=STAYS), []

    def fails():
        with ending_processes():
            inner.append(start("", program=STAYS))
            assert inner[0].stdout.readline() == "down\n"

    with pytest.raises(AssertionError, match="down"):
        fails()
    assert inner[0].returncode == -9
    assert outer.poll() is None


FAILING = """
from processes import start
def test_that_fails():
    one = start("", program=("-c", "import time; time.sleep(3600)"))
    assert one.pid < 0
"""


def test_no_process_outlives_a_test_that_fails(tmp_path):
    (tmp_path / "test_failing.py").write_text(FAILING)
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    command = [sys.executable, "-m", "pytest", "-p", "conftest", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 1, done.stderr
    started = re.search(r"assert (\d+) < 0", done.stdout)
    assert started, done.stdout
    with pytest.raises(ProcessLookupError):
        os.kill(int(started[1]), 9)


def test_waiting_ends_with_what_they_wrote_when_one_has_ended():
    processes = [start("", program=program) for program in (STAYS, FAILS)]
    with pytest.raises(pytest.fail.Exception, match=r"(?s)a process has ended.*broken"):
        wait_until(lambda: False, processes)
    assert processes[0].returncode == -9


def test_waiting_ends_when_it_takes_too_long():
    with pytest.raises(pytest.fail.Exception, match=r"not reached in 0\.1 s"):
        wait_until(lambda: False, seconds=0.1)


def test_other_status_than_expected_shows_what_was_written():
    processes = [start("", program=FAILS), start("", program=("-c", ""))]
    with pytest.raises(AssertionError, match="broken"):
        said_by(processes, 0)
    assert said_by([start("", program=FAILS)], 3) == ["broken\n"]

"""Several processes on this machine, with Python's own one-liners in the place of training."""

import json
import os
import signal
import sys
import threading

import pytest

from tfinspect.cluster import launch, tf_config
from tfinspect.errors import ConfigError

TELL = "import os, sys; print(os.environ['TF_CONFIG']); print('bad', file=sys.stderr)"


def run(code, workers=2, **more):
    lines = []

    def on_line(name, standard, line):
        lines.append((name, standard, line))

    request = launch.Launch([sys.executable, "-c", code], workers, **more)
    return launch.launch(request, on_line), lines


def test_each_process_has_its_own_task_and_its_lines_carry_its_name():
    status, lines = run(TELL)
    assert status == 0
    configs = {name: tf_config.parse(line) for name, standard, line in lines if standard}
    assert {name: config.name for name, config in configs.items()} == {
        "worker 0": "worker 0",
        "worker 1": "worker 1",
    }
    assert {(name, line) for name, standard, line in lines if not standard} == {
        ("worker 0", "bad"),
        ("worker 1", "bad"),
    }


def test_parameter_servers_bring_a_chief():
    request = launch.Launch(["x"], 2, parameter_servers=1)
    parsed = [tf_config.parse(text) for text in request.configurations().values()]
    assert [one.name for one in parsed] == ["chief 0", "worker 0", "worker 1", "ps 0"]


def test_evaluator_is_one_more_process_of_a_cluster_that_does_not_count_it():
    for servers, leader in ((0, "worker 0"), (1, "chief 0")):
        texts = launch.Launch(["x"], 1, servers, evaluator=True).configurations()
        last = tf_config.parse(texts["evaluator 0"])
        assert list(texts) == [*last.names, "evaluator 0"]
        assert (last.role, last.own_address, last.leader) == ("evaluator", None, leader)


def test_failing_process_ends_all_with_its_status(monkeypatch):
    monkeypatch.setattr(launch, "GRACE_SECONDS", 0.2)
    code = (
        "import os, sys, time; 'index\": 1' in os.environ['TF_CONFIG'] and sys.exit(7); "
        "time.sleep(60)"
    )
    assert run(code)[0] == 7


def test_process_ended_by_a_signal_gives_128_and_its_number(monkeypatch):
    monkeypatch.setattr(launch, "GRACE_SECONDS", 0.2)
    assert run("import os; os.kill(os.getpid(), 9)", workers=1)[0] == 137


def test_signals_are_passed_on():
    code = "import sys, time; print('up', flush=True); time.sleep(60)"
    up = []

    def on_line(name, standard, line):
        up.append(line)
        if up.count("up") == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    request = launch.Launch([sys.executable, "-c", code], 2)
    assert threading.current_thread() is threading.main_thread()
    assert launch.launch(request, on_line) == 128 + signal.SIGTERM


def test_cores_are_shared_fairly():
    _, lines = run("import os; print(os.environ['OMP_NUM_THREADS'])")
    each = max(1, len(os.sched_getaffinity(0)) // 2)
    assert [line for _, _, line in lines] == [str(each)] * 2


def test_cores_are_counted_where_the_system_does_not_say_which_are_open(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert set(launch.thread_settings(2).values()) == {"3"}


def run_codes(codes, vital, on_end):
    processes = {n: launch.Process([sys.executable, "-c", code], {}) for n, code in codes.items()}
    return launch.run_together(processes, lambda *line: None, vital, on_end)


def test_each_end_is_told_once_while_others_go_on(tmp_path):
    told_of_first = tmp_path / "told"
    waits = f"import os, time\nwhile not os.path.exists({str(told_of_first)!r}): time.sleep(0.01)"
    told = []

    def on_end(name, code):
        told.append((name, code))
        if name == "first":
            told_of_first.touch()

    assert run_codes({"first": "import sys; sys.exit(3)", "last": waits}, (), on_end) == 3
    assert told == [("first", 3), ("last", 0)]


def test_all_end_when_the_last_one_that_may_fail_has(monkeypatch):
    monkeypatch.setattr(launch, "GRACE_SECONDS", 0.2)
    codes = {"dispatcher": "import time; time.sleep(3600)"}
    codes |= {"one": "import sys; sys.exit(3)", "other": ""}
    told = {}
    assert run_codes(codes, ("dispatcher",), told.__setitem__) == 3
    assert told == {"one": 3, "other": 0}


def test_vital_process_goes_on_when_all_others_have_done_their_work(tmp_path):
    told_of_other = tmp_path / "told"
    waits = f"import os, time\nwhile not os.path.exists({str(told_of_other)!r}): time.sleep(0.01)"
    codes = {"dispatcher": waits, "other": ""}
    assert run_codes(codes, ("dispatcher",), lambda name, code: told_of_other.touch()) == 0


def test_command_that_does_not_exist_is_an_error():
    with pytest.raises(ConfigError, match="cannot start 'no-such-program': No such file"):
        launch.launch(launch.Launch(["no-such-program"], 1), lambda *line: None)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (lambda: launch.Launch([], 2), "no command to launch"),
        (lambda: launch.Launch(["x"], 0), "workers 0 is too small; give 1 or more"),
        (lambda: launch.Launch(["x"], 1, -1), "parameter_servers -1 is too small"),
    ],
)
def test_impossible_launches_are_refused(request_, words):
    with pytest.raises(ConfigError, match=words):
        request_()


def test_configurations_are_json_with_different_ports():
    texts = launch.Launch(["x"], 3).configurations()
    hosts = json.loads(texts["worker 0"])["cluster"]["worker"]
    assert len(set(hosts)) == 3

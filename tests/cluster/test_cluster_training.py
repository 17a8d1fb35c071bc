"""Several real processes train one network over loopback."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tiny_data import numbered_data

sys.path.insert(0, os.path.dirname(__file__))
from lost_runs import PROGRAM, noted, repeated
from processes import MARKS, configurations, said_by, start, wait_until

pytestmark = MARKS
EXAMPLES, BATCH, PER_EPOCH, EPOCHS = 141, 24, 6, 60
SETTINGS = ("--depth", "8", "--width", "0.25", "--batch-size", str(BATCH), "--augment", "none")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return numbered_data(str(tmp_path_factory.mktemp("records")), EXAMPLES)


def test_killed_worker_ends_the_job_with_its_name_and_the_job_goes_on_from_the_backup(
    data, tmp_path
):
    output = tmp_path / "run"
    arguments = ("train", *SETTINGS, "--data", data, "--output", str(output), "--epochs", "4000")
    processes = [start(text, *arguments) for text in configurations(2)]
    state = output / "backup" / "state.json"
    wait_until(state.exists, processes)
    processes[1].kill()
    said, _ = said_by(processes, 2, -signal.SIGKILL)
    assert "worker 1 was lost after step" in said
    assert f"`tfinspect train --resume --output {output}`" in said
    backup = json.loads(Path(state).read_text())
    # A backup after every epoch: of six steps at most is anything computed again.
    assert backup["step"] % 6 == 0

    again = [start(t, "train", "--resume", "--output", str(output)) for t in configurations(2)]
    _, before = backup["step"], len(backup["records"])
    wait_until(lambda: _epochs_of(state) >= before + 2, again)
    again[1].terminate()
    told = said_by(again, 130)
    records = json.loads(state.read_text())["records"]
    assert [record["step"] for record in records] == [6 * (n + 1) for n in range(len(records))]
    assert "stopped after step" in told[0]


def _epochs_of(state):
    return len(json.loads(state.read_text())["records"])


def test_survivors_wait_for_a_killed_process_and_no_example_is_lost_or_repeated(
    data, tmp_path, monkeypatch
):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    output = tmp_path / "run"
    state = output / "backup" / "state.json"
    waiting = ("--on-lost", "wait", "--cluster-timeout", "180", "--output", str(output))
    command = ("train", *SETTINGS, "--data", data, "--epochs", str(EPOCHS), *waiting)
    texts = configurations(2)
    processes = [start(text, *command, program=("-c", PROGRAM)) for text in texts]
    # First one that computes is lost, then the one that writes.
    for number, again in ((1, command), (0, ("train", "--resume", *waiting))):
        before = _epochs_of(state) if state.exists() else 0
        wait_until(lambda: state.exists() and _epochs_of(state) > before, processes)  # noqa: B023
        processes[number].kill()
        processes[number].communicate()
        processes[number] = start(texts[number], *again, program=("-c", PROGRAM))
    said = said_by(processes, 0)
    assert "worker 0 was lost after step" in said[1]
    assert "begins again now, and waits for it" in said[1]

    lines = [noted(tmp_path / f"notes-worker-{number}") for number in (0, 1)]
    for each in lines:
        assert len(repeated(each)) <= 2
        for began_after, computed_twice in repeated(each):
            # A backup follows every epoch: less than one is computed twice.
            assert began_after % PER_EPOCH == 0
            assert 0 <= computed_twice <= PER_EPOCH
    # Of a step that was computed twice the last time counts.
    last = [dict(each) for each in lines]
    for epoch in range(EPOCHS):
        steps = range(epoch * PER_EPOCH + 1, (epoch + 1) * PER_EPOCH + 1)
        examples = [number for own in last for step in steps for number in own[step]]
        assert sorted(examples) == list(range(EXAMPLES)), epoch


@pytest.mark.parametrize("lost", [0, 1])
def test_process_lost_before_the_first_backup_is_waited_for(data, tmp_path, monkeypatch, lost):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("HOLD", f"worker-{lost}")
    output = tmp_path / "run"
    command = ("train", *SETTINGS, "--data", data, "--epochs", "2", "--on-lost", "wait")
    command += ("--cluster-timeout", "180", "--output", str(output))
    texts = configurations(2)
    processes = [start(text, *command, program=("-c", PROGRAM)) for text in texts]
    notes = [tmp_path / f"notes-worker-{number}" for number in (0, 1)]
    wait_until(lambda: notes[lost].exists() and len(noted(notes[lost])) >= 2, processes)
    assert not (output / "backup" / "state.json").exists()
    processes[lost].kill()
    processes[lost].communicate()
    monkeypatch.delenv("HOLD")
    processes[lost] = start(texts[lost], *command, program=("-c", PROGRAM))
    said = said_by(processes, 0)
    assert f"worker {lost} was lost after step" in said[1 - lost], said[1 - lost]
    assert "No backup is known. Start it again with its own command" in said[1 - lost]
    for each in map(noted, notes):
        # They began again with the first step.
        assert [step for step, _ in each][-2 * PER_EPOCH :] == list(range(1, 2 * PER_EPOCH + 1))
        assert len(each) > 2 * PER_EPOCH
    last = [dict(noted(path)) for path in notes]
    for epoch in range(2):
        steps = range(epoch * PER_EPOCH + 1, (epoch + 1) * PER_EPOCH + 1)
        examples = [number for own in last for step in steps for number in own[step]]
        assert sorted(examples) == list(range(EXAMPLES)), epoch


def test_command_that_goes_on_refuses_other_settings(data, tmp_path):
    output = str(tmp_path / "run")
    one = ("train", *SETTINGS, "--data", data, "--on-lost", "wait", "--output", output)
    [text] = configurations(1)
    said_by([start(text, *one, "--epochs", "1", "--seed", "1")], 0)
    [said] = said_by([start(text, *one, "--epochs", "2", "--seed", "1")])
    assert f"the run in '{output}' is finished" in said
    state = tmp_path / "run" / "backup" / "state.json"
    state.write_text(state.read_text().replace('"finished": true', '"finished": false'))
    [said] = said_by([start(text, *one, "--epochs", "2", "--seed", "1")], 2)
    assert f"the run in '{output}' was begun with epochs 1, and this command says 2" in said

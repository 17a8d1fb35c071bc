"""A disk that is full or read-only: whatever write fails, the last good checkpoint stands."""

import contextlib
import errno
import json
import os
import shutil
import subprocess

import pytest
from failing_backups import fail_each
from fault_processes import (
    Fault,
    assert_same_weights,
    finish,
    resume_arguments,
    start,
    start_function,
    temporary_names,
    train_arguments,
    weights,
)

from tfinspect.training import checkpoints

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FAILURES = [errno.ENOSPC, errno.EROFS]
NAMES = [errno.errorcode[number] for number in FAILURES]


@pytest.mark.parametrize("error", FAILURES, ids=NAMES)
def test_whichever_write_of_a_backup_fails_a_whole_checkpoint_is_named(tmp_path, error):
    log = tmp_path / "log"
    process = start_function(fail_each, str(tmp_path), error, log=log)
    assert finish(process) == 0, log.read_text()[-2000:]
    told = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    # Three backups change some twenty files and directories each.
    assert len(told) > 40
    for one in told:
        assert os.strerror(error) in one["message"]
        if "/best/" not in one["message"].split(":")[0]:
            good = f"the last good checkpoint is '{one['run']}/checkpoints/model.ckpt-"
            expected = f"{good}{one['newest']}'" if one["newest"] else "no earlier checkpoint"
            assert expected in one["message"]
        if one["named"]:
            read = checkpoints.read(os.path.join(one["run"], one["named"]))
            assert int(read["global_step"]) in (one["newest"], one["newest"] - 1)
            assert set(read["conv1/weights"]) == {float(read["global_step"])}


@pytest.mark.parametrize("number", [20, 34, 62, 80])
def test_training_that_cannot_write_ends_in_one_line_and_goes_on_when_it_can(
    uninterrupted, tmp_path, number
):
    output, log = str(tmp_path / "run"), tmp_path / "log"
    fault = Fault(output, number, errno.ENOSPC)
    assert finish(start(train_arguments(output), log, fault)) == 2
    errors = [line for line in log.read_text().splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert "No space left on device" in errors[0]
    assert "Traceback" not in log.read_text()
    assert "not foreseen" not in errors[0]
    assert temporary_names(output) == []
    again = resume_arguments(output) if os.path.exists(output) else train_arguments(output)
    assert finish(start(again, log)) == 0, log.read_text()[-2000:]
    assert_same_weights(weights(output), uninterrupted.weights)


@pytest.fixture
def small_disk(tmp_path):
    """Yields a function that makes a file system of so many bytes; some machines forbid it."""
    with contextlib.ExitStack() as mounted:

        def make(size):
            place = tmp_path / f"disk{size}"
            place.mkdir()
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
            if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
                pytest.skip("this user may not mount a file system")
            mounted.callback(subprocess.run, ["umount", str(place)], check=True)
            return place

        yield make


@pytest.mark.parametrize("kilobytes", [96, 160, 256])
def test_disk_that_fills_up_keeps_the_last_good_checkpoint(uninterrupted, small_disk, kilobytes):
    place = small_disk(kilobytes * 1024)
    output, log = str(place / "run"), place.with_suffix(".log")
    assert finish(start(train_arguments(output), log)) == 2
    errors = [line for line in log.read_text().splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, log.read_text()
    assert "not foreseen" not in errors[0]
    assert temporary_names(output) == []
    kept = [checkpoints.stored(os.path.join(output, part)) for part in ("checkpoints", "best")]
    for prefix in [*kept[0], *kept[1]]:
        assert checkpoints.read(prefix)
    newest = [prefixes[-1] for prefixes in kept if prefixes]
    assert any(prefix in errors[0] for prefix in newest) or not newest

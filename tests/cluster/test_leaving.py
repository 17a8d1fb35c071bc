"""What a process leaves behind that ends at once, or begins anew, in a process of its own."""

import os
import subprocess
import sys

import pytest

import tfinspect

PROGRAM = """
import os, sys, tempfile
import tensorflow as tf
from tfinspect.training import team
from tfinspect_cli import restart

if os.environ.get("AGAIN"):
    team.leave(3)

@tf.function
def step(x):
    while x < 10:
        x += 1
    return x

assert step(tf.constant(0)) == 10
mine = [n for n in os.listdir(tempfile.gettempdir()) if n.startswith("__autograph_")]
assert mine, "TensorFlow writes no such files any more"
# Of another process.
open(os.path.join(tempfile.gettempdir(), "__autograph_generated_file_other.py"), "w").close()
if sys.argv[1] == "leave":
    team.leave(3)
os.environ["AGAIN"] = "1"
restart.restart()
"""


@pytest.mark.parametrize("how", ["leave", "restart"])
def test_files_that_tensorflow_has_made_are_removed_and_no_others(tmp_path, how):
    place = tmp_path / "tmp"
    place.mkdir()
    # TensorFlow reads the source of what it converts.
    source = tmp_path / "program.py"
    source.write_text(PROGRAM)
    here = os.path.dirname(os.path.dirname(tfinspect.__file__))
    environment = os.environ | {"TMPDIR": str(place), "PYTHONPATH": here}
    # What Python compiles lies beside it.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ended = subprocess.run(
        [sys.executable, str(source), how], env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 3, ended.stderr
    left = [name for _, _, names in os.walk(place) for name in names]
    assert left == ["__autograph_generated_file_other.py"]

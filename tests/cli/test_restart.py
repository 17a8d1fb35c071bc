import os
import subprocess
import sys

PROGRAM = """
import os, sys
from tfinspect_cli import quiet
from tfinspect_cli.restart import restart
quiet.set_up(verbose=False, debug=False)
print("run", os.environ.get("AGAIN", "0"), file=sys.stderr)
os.write(2, b"chatter")
if "AGAIN" not in os.environ:
    os.environ["AGAIN"] = "1"
    restart()
print("the end", file=sys.stderr)
"""


def test_messages_are_seen_after_a_restart():
    environment = {name: value for name, value in os.environ.items() if name != "AGAIN"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, env=environment, timeout=60
    )
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == ["run 0", "run 1", "the end"]

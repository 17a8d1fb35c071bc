"""Real processes of one cluster on this machine."""

import json
import os
import subprocess
import sys

from tfinspect.cluster.launch import Launch, free_ports


def configurations(count):
    """Returns the `TF_CONFIG` of each of several workers."""
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(count)]}
    tasks = [{"type": "worker", "index": index} for index in range(count)]
    return [json.dumps({"cluster": cluster, "task": task}) for task in tasks]


def roles(workers, parameter_servers=0, evaluator=False):
    """Returns process name -> its `TF_CONFIG`."""
    return Launch(["x"], workers, parameter_servers, evaluator=evaluator).configurations()


def start(text, *arguments, program=("-m", "tfinspect_cli"), errors=subprocess.STDOUT):
    """Starts one process; what it writes is kept."""
    environment = os.environ | {"TF_CONFIG": text, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *program, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": errors, "text": True}
    return subprocess.Popen(command, env=environment, **pipes)

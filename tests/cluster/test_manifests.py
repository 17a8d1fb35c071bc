"""The documented manifests have no syntax errors, and make a `TF_CONFIG` that is accepted."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tfinspect.cluster import tf_config

MANIFESTS = Path(__file__).parents[2] / "docs" / "cluster"


def test_kubernetes_manifest_makes_a_configuration_for_each_pod():
    documents = list(yaml.safe_load_all((MANIFESTS / "kubernetes.yaml").read_text()))
    assert [document["kind"] for document in documents] == ["Service", "Job"]
    job = documents[1]["spec"]
    [container] = job["template"]["spec"]["containers"]
    script = container["args"][0].replace("exec tfinspect", "printenv TF_CONFIG; exit #")
    for index in range(job["completions"]):
        environment = os.environ | {"JOB_COMPLETION_INDEX": str(index)}
        command = ["bash", "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert tf_config.parse(done.stdout).name == f"worker {index}"


def test_slurm_script_makes_a_configuration_for_each_task(tmp_path):
    # Slurm's own commands, as far as the script needs them.
    for name, body in (("scontrol", "echo node1; echo node2"), ("srun", 'exec "$@"')):
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "tfinspect").write_text("#!/bin/bash\nprintenv TF_CONFIG\n")
    (tmp_path / "tfinspect").chmod(0o755)
    slurm = {"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_PROCID": "1"}
    environment = os.environ | slurm | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = ["bash", str(MANIFESTS / "slurm.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    parsed = tf_config.parse(done.stdout)
    assert (parsed.name, parsed.own_address) == ("worker 1", "node2:2222")


@pytest.mark.parametrize("name", ["slurm.sh"])
def test_scripts_have_no_syntax_errors(name):
    done = subprocess.run(["bash", "-n", str(MANIFESTS / name)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr

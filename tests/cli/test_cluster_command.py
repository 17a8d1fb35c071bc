import json
import socket
import sys

import pytest
from click.testing import CliRunner

from tfinspect.cluster import listening
from tfinspect.cluster.launch import free_ports
from tfinspect_cli.main import cli


def invoke(*arguments, tf_config=None):
    return CliRunner().invoke(cli, ["cluster", *arguments], env={"TF_CONFIG": tf_config or ""})


def configuration(*hosts, index=0, role="worker"):
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {role: hosts}, "task": task})


def test_check_of_one_process_says_who_it_is():
    result = invoke("check", tf_config=configuration(f"localhost:{free_ports(1)[0]}"))
    assert result.exit_code == 0, result.output
    assert result.stdout == "worker 0: 1 process, 1 that trains\n"


def test_check_alone_waits_for_nobody():
    hosts = [f"localhost:{port}" for port in free_ports(2)]
    result = invoke("check", "--alone", tf_config=configuration(*hosts))
    assert result.stdout == "worker 0: 2 processes, 2 that train\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "TF_CONFIG is not set"),
        ("{", "no valid JSON"),
        (configuration("localhost:1", "localhost:1"), "'localhost:1' in TF_CONFIG is given to"),
        (configuration("localhost:1", index=3), "index in TF_CONFIG is 3"),
        (configuration("nowhere.invalid:1", "localhost:2"), "'nowhere.invalid', is not known here"),
    ],
)
def test_broken_configuration_is_one_sentence_and_exit_2(text, words):
    result = invoke("check", "--cluster-timeout", "1", tf_config=text)
    assert result.exit_code == 2
    assert result.stderr.count("Error: ") == 1
    assert words in result.stderr


def test_check_names_who_is_missing_and_then_who_never_came():
    first, second = free_ports(2)
    text = configuration(f"localhost:{first}", f"localhost:{second}")
    result = invoke("check", "--cluster-timeout", "0.3", tf_config=text)
    assert result.exit_code == 2
    assert "waiting for worker 1\n" in result.stderr
    assert f"Error: worker 1 (localhost:{second}) never came within 0.3 s" in result.stderr


def test_launch_prefixes_the_output_and_returns_the_status():
    code = "import sys; print('hello'); sys.exit(3)"
    result = invoke("launch", "--workers", "1", "--", sys.executable, "-c", code)
    assert result.exit_code == 3
    assert result.stdout == "[worker 0] hello\n"


def test_batch_size_is_given_in_one_way():
    result = CliRunner().invoke(
        cli, ["train", "--batch-size", "8", "--batch-size-per-replica", "4"]
    )
    assert result.exit_code == 2
    assert "give --batch-size or --batch-size-per-replica, not both" in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (configuration("localhost:1", "localhost:2", index=1), "worker 1 of 2"),
        (
            '{"cluster": {"worker": ["localhost:1"]}, "task": {"type": "evaluator"}}',
            "evaluator 0 of 2",
        ),
    ],
)
def test_search_for_a_rate_is_refused_in_one_of_several_processes(tmp_path, text, words):
    output = str(tmp_path / "run")
    arguments = ["train", "--find-lr", "--data", str(tmp_path / "absent"), "--output", output]
    result = CliRunner().invoke(cli, arguments, env={"TF_CONFIG": text})
    assert result.exit_code == 2
    assert f"TF_CONFIG makes this {words}; unset TF_CONFIG for it" in result.stderr


def test_check_alone_finds_that_the_port_is_taken():
    with socket.create_server(("localhost", 0)) as other:
        own = f"localhost:{other.getsockname()[1]}"
        result = invoke("check", "--alone", tf_config=configuration(own, "localhost:1"))
    assert result.exit_code == 2
    assert f"worker 0 cannot listen on '{own}', its address in TF_CONFIG" in result.stderr


def test_check_alone_finds_an_own_address_of_another_machine(monkeypatch):
    [port] = free_ports(1)
    # 192.0.2.0/24 is reserved for documentation (RFC 5737): it is nobody's.
    own = f"192.0.2.7:{port}"
    monkeypatch.setattr(listening, "CALL_SECONDS", 0.5)
    result = invoke("check", "--alone", tf_config=configuration(own, "localhost:1"))
    assert result.exit_code == 2
    assert f"this is worker 0, and its address '{own}' in TF_CONFIG does not lead here" in (
        result.stderr
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("depht: 20\n", "no setting 'depht'"),
        ("depth: many\n", "depth 'many' (in "),
        ("net: inception_v4\nviews: many\n", "views 'many' (in "),
    ],
)
def test_check_refuses_settings_that_no_training_takes(tmp_path, text, words):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    alone = configuration(f"localhost:{free_ports(1)[0]}")
    result = invoke("check", "--alone", "--config", str(file), tf_config=alone)
    assert result.exit_code == 2
    assert words in result.stderr


def test_unknown_command_names_the_nearest():
    result = CliRunner().invoke(cli, ["cluster", "lunch"])
    assert result.exit_code == 2
    assert "no command 'lunch'; nearest: 'launch'" in result.stderr


def test_commands_are_described_whole():
    told = CliRunner().invoke(cli, ["cluster", "--help"]).stdout
    assert "..." not in told.replace("[ARGS]...", "")
    assert "as a cluster over loopback." in " ".join(told.split())


def test_check_takes_the_settings_of_a_fine_tuning(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("net: inception_v4\nviews: 2\n")
    alone = configuration(f"localhost:{free_ports(1)[0]}")
    assert invoke("check", "--config", str(file), tf_config=alone).exit_code == 0

"""`tfinspect cluster check` as processes: what is wrong is said in a sentence of its own."""

import json
import os
import socket
import subprocess
import sys
import threading

import pytest
import tiny_data

sys.path.insert(0, os.path.dirname(__file__))
from processes import SECONDS, configurations, roles, said_by, start
from test_tf_config import BROKEN
from together import in_threads

from tfinspect.cluster import check, rendezvous, wire
from tfinspect.cluster.launch import free_ports
from tfinspect.cluster.tf_config import ClusterConfig
from tfinspect.errors import ClusterError

CHECK = ("cluster", "check")
LONG = "180"
# Says, after the check, which of the large packages were imported.
WATCHED = """
import sys
from tfinspect_cli.main import cli
status = cli(["cluster", "check", *sys.argv[1:]], standalone_mode=False)
print(status, [name for name in ("tensorflow", "tf_keras", "matplotlib") if name in sys.modules])
"""


def checked(text, *arguments):
    """Returns exit status and standard error of one check."""
    environment = os.environ | {"TF_CONFIG": text}
    command = [sys.executable, "-m", "tfinspect_cli", *CHECK, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
    return done.returncode, done.stderr


def together(first, second):
    """Runs the check in two processes; returns exit status and output of each."""
    started = [
        start(text, *CHECK, "--cluster-timeout", LONG, *own)
        for text, own in zip(configurations(2), (first, second), strict=True)
    ]
    said = said_by(started)
    return [(process.returncode, text) for process, text in zip(started, said, strict=True)]


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_configuration_ends_with_its_own_sentence(name):
    text, words = BROKEN[name]
    status, said = checked(text, "--alone")
    assert status == 2
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    with pytest.raises(Exception, match=words):
        raise RuntimeError(said)


def test_variable_that_is_not_set_is_an_error():
    status, said = checked("", "--alone")
    assert (status, said.split(";")[0]) == (2, "Error: TF_CONFIG is not set")


def test_unknown_host_is_named():
    # The top-level domain `invalid` is reserved: no name service knows it.
    cluster = {"worker": ["localhost:2222", "nobody.invalid:2222"]}
    text = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}})
    status, said = checked(text, "--alone")
    assert status == 2
    assert "the host of worker 1, 'nobody.invalid', is not known here" in said


def test_host_that_never_comes_is_named():
    text = configurations(2)[0]
    status, said = checked(text, "--cluster-timeout", "0.5")
    assert status == 2
    address = json.loads(text)["cluster"]["worker"][1]
    assert f"Error: worker 1 ({address}) never came within 0.5 s" in said


def test_hosts_that_agree_say_so_and_import_no_tensorflow(tmp_path):
    data = str(tmp_path / "records")
    tiny_data.write_data(data, {"train": tiny_data.raw_records(*tiny_data.images(4))})
    settings = tmp_path / "settings.yaml"
    settings.write_text("depth: 20\n")
    arguments = ("--data", data, "--config", str(settings), "--cluster-timeout", LONG)
    started = [start(t, *arguments, program=("-c", WATCHED)) for t in configurations(2)]
    for number, text in enumerate(said_by(started)):
        assert f"worker {number}: 2 processes, 2 that train" in text
        assert text.splitlines()[-1] == "None []"


def test_all_roles_check_a_cluster_with_parameter_servers_and_an_evaluator():
    started = {
        name: start(text, *CHECK, "--cluster-timeout", LONG)
        for name, text in roles(2, parameter_servers=1, evaluator=True).items()
    }
    for name, text in zip(started, said_by(started.values(), 0), strict=True):
        assert text.splitlines()[-1] == f"{name}: 4 processes, 2 that train"


def test_missing_parameter_server_is_named_to_all_and_the_evaluator_waits_for_nobody():
    configured = roles(1, parameter_servers=2, evaluator=True)
    missing = json.loads(configured.pop("ps 1"))["cluster"]["ps"][1]
    started = {
        # The others must have come in this time.
        name: start(text, *CHECK, "--cluster-timeout", "12")
        for name, text in configured.items()
    }
    said = dict(zip(started, said_by(started.values()), strict=True))
    assert started.pop("evaluator 0").returncode == 0
    for name, process in started.items():
        assert process.returncode == 2
        assert f"Error: ps 1 ({missing}) never came within 12 s" in said[name]


def test_differing_data_are_named(tmp_path):
    paths = []
    for seed in (0, 1):
        paths.append(str(tmp_path / f"{seed}"))
        records = tiny_data.raw_records(*tiny_data.images(4, seed))
        tiny_data.write_data(paths[-1], {"train": records})
    for status, said in together(*[("--data", path) for path in paths]):
        assert status == 2
        assert "Error: worker 1 has the hash of the data '" in said
        assert "make them the same on all hosts" in said


def test_differing_configuration_names_the_setting(tmp_path):
    files = []
    for depth in (20, 32):
        files.append(tmp_path / f"{depth}.yaml")
        files[-1].write_text(f"depth: {depth}\nseed: 3\n")
    for status, said in together(*[("--config", str(file)) for file in files]):
        assert status == 2
        assert "Error: worker 1 has the setting depth '32' and worker 0 has '20'" in said


def test_setting_that_only_one_host_has_is_named(tmp_path):
    files = []
    for text in ("depth: 20\nseed: 3\n", "depth: 20\n"):
        files.append(tmp_path / f"{len(text)}.yaml")
        files[-1].write_text(text)
    for status, said in together(*[("--config", str(file)) for file in files]):
        assert status == 2
        assert "worker 1 has no setting seed and worker 0 has '3'" in said


def test_mismatching_versions_are_named(monkeypatch):
    clusters = [json.loads(text) for text in configurations(2)]
    wanted = check.Check(None, None, 180.0, lambda names: None)
    versions = threading.local()
    usual = check.facts.metadata.version

    def version(name):
        return getattr(versions, "tensorflow", usual(name)) if name == "tensorflow" else usual(name)

    def own_cluster():
        return versions.cluster

    monkeypatch.setattr(check.facts.metadata, "version", version)
    monkeypatch.setattr(check, "from_environment", own_cluster)

    def host(number, tensorflow):
        def run():
            hosts = tuple(clusters[0]["cluster"]["worker"])
            versions.cluster = ClusterConfig({"worker": hosts}, "worker", number)
            versions.tensorflow = tensorflow
            check.check(wanted)

        return run

    for said in in_threads(host(0, "2.21.0"), host(1, "2.20.0")):
        assert "worker 1 has the version of tensorflow '2.20.0' and worker 0 has '2.21.0'" in said


class Answering:
    """A program that listens on a free port and answers everybody with the same bytes."""

    def __init__(self, answer):
        self.answer = answer
        self.socket = socket.create_server(("localhost", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self._answer)
        self.thread.start()
        return self

    def _answer(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self.answer)

    def __exit__(self, *error):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        (json.dumps({"name": "worker 7"}).encode() + b"\n", "leads to 'worker 7'"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not lead to it"),
    ],
    ids=["another worker", "another program"],
)
def test_address_that_leads_elsewhere_is_found_by_calling_back(answer, met):
    [port] = free_ports(1)
    with Answering(answer) as wrong:
        hosts = (f"localhost:{port}", f"localhost:{wrong.port}")
        leader = ClusterConfig({"worker": hosts}, "worker", 0)

        def caller():
            # Worker 1 reaches worker 0, and its own address is another program's.
            for _ in range(2000):
                try:
                    connection = socket.create_connection(("localhost", port), 1)
                except OSError:
                    continue
                with connection:
                    wire.send(connection, {"name": "worker 1", "facts": {}})
                    said = wire.Reader(connection).next()
                raise ClusterError(said["error"])

        ended = in_threads(lambda: rendezvous.meet(rendezvous.Meeting(leader, {}, 180.0)), caller)
    for said in ended:
        assert f"worker 1 is there, but its address '{hosts[1]}' in TF_CONFIG {met}" in said

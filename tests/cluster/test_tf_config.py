import json

import pytest

from tfinspect.cluster import tf_config
from tfinspect.errors import ConfigError

TWO = ["a:1", "b:1"]


def _text(cluster, task=("worker", 0), **more):
    value = {"cluster": cluster, "task": {"type": task[0], "index": task[1]}} | more
    return json.dumps(value)


def test_worker_0_writes_where_there_is_no_chief():
    first, second = (tf_config.parse(_text({"worker": TWO}, ("worker", n))) for n in (0, 1))
    assert (first.is_chief, second.is_chief) == (True, False)
    assert (first.workers, second.own_address, second.name) == (2, "b:1", "worker 1")


def test_chief_alone_writes_where_there_is_one():
    cluster = {"chief": ["c:1"], "worker": TWO, "ps": ["p:1"]}
    roles = [("chief", 0), ("worker", 0), ("worker", 1), ("ps", 0), ("evaluator", 0)]
    parsed = [tf_config.parse(_text(cluster, task)) for task in roles]
    assert [one.is_chief for one in parsed] == [True, False, False, False, False]
    # With parameter servers the chief directs and computes nothing.
    assert {(one.workers, one.workers_per_step) for one in parsed} == {(2, 1)}
    assert all(one.is_asynchronous for one in parsed)
    assert parsed[-1].own_address is None


def test_chief_computes_with_the_workers_where_there_are_no_parameter_servers():
    parsed = tf_config.parse(_text({"chief": ["c:1"], "worker": TWO}))
    assert (parsed.workers, parsed.workers_per_step, parsed.is_asynchronous) == (3, 3, False)


def test_index_may_be_written_as_a_text_and_addresses_may_be_ipv6():
    parsed = tf_config.parse(_text({"worker": ["[::1]:2222", "10.0.0.2:2222"]}, ("worker", "1")))
    assert parsed.index == 1


def test_unset_variable_means_one_machine(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert tf_config.from_environment() is None
    monkeypatch.setenv("TF_CONFIG", _text({"worker": TWO}))
    assert tf_config.from_environment().workers == 2


BROKEN = {
    "no JSON": ("{", "no valid JSON"),
    "no object": ("[]", "the whole in TF_CONFIG is \\[\\]"),
    "no cluster": ('{"task": {"type": "worker", "index": 0}}', "'cluster' in TF_CONFIG is missing"),
    "empty cluster": (_text({}), "'cluster' in TF_CONFIG is {}"),
    "no task": (json.dumps({"cluster": {"worker": TWO}}), "'task' in TF_CONFIG is missing"),
    "unknown role": (_text({"workers": TWO}), "no role 'workers'.*'worker'"),
    "old role": (_text({"master": ["a:1"]}), "'master'.*call it 'chief'"),
    "evaluator in the cluster": (_text({"worker": TWO, "evaluator": ["e:1"]}), "in 'task' alone"),
    "one text for a list": (_text({"worker": "a:1"}), 'the addresses of .worker. .* are "a:1"'),
    "one port of the loopback": (
        _text({"worker": ["localhost:1", "127.0.0.1:1"]}),
        "'localhost:1' alias '127.0.0.1:1' in TF_CONFIG is given to worker 0 and worker 1",
    ),
    "one port of all of the loopback": (
        _text({"worker": ["127.0.0.2:1", "[::1]:1"]}),
        "'127.0.0.2:1' alias '\\[::1\\]:1' in TF_CONFIG is given to worker 0 and worker 1",
    ),
    "one port of a host": (
        _text({"worker": ["A:1"], "ps": ["a:01"], "chief": ["c:1"]}),
        "given to",
    ),
    "no address": (_text({"worker": []}), "the addresses of 'worker' .* are \\[\\]"),
    "no port": (_text({"worker": ["a"]}), '"a", an address of .worker.* is not host:port'),
    "a URL": (_text({"worker": ["http://a:1"]}), "without http://"),
    "a number": (_text({"worker": [7]}), "7, an address of 'worker'"),
    "port 0": (_text({"worker": ["a:0"]}), "port of 'a:0'.*from 1 to 65535"),
    "port 70000": (_text({"worker": ["a:70000"]}), "port of 'a:70000'"),
    "two chiefs": (_text({"chief": TWO}, ("chief", 0)), "there are 2 chiefs"),
    "address twice": (
        _text({"worker": ["a:1", "b:1"], "ps": ["b:1"], "chief": ["c:1"]}),
        "'b:1' .* worker 1 and ps 0",
    ),
    "nobody trains": (_text({"ps": ["p:1"]}, ("ps", 0)), "no chief and no worker"),
    "nobody leads": (_text({"ps": ["p:1"], "worker": TWO}), "no chief to give them work"),
    "nobody computes": (
        _text({"ps": ["p:1"], "chief": ["c:1"]}, ("ps", 0)),
        "no worker to compute for them",
    ),
    "role of nobody": (_text({"worker": TWO}, ("chief", 0)), 'type in TF_CONFIG is "chief"'),
    "index too large": (_text({"worker": TWO}, ("worker", 2)), "index .* is 2, but there are 2"),
    "index below 0": (_text({"worker": TWO}, ("worker", -1)), "index in TF_CONFIG is -1"),
    "index no number": (_text({"worker": TWO}, ("worker", "one")), 'index in TF_CONFIG is "one"'),
    "index true": (_text({"worker": TWO}, ("worker", True)), "index in TF_CONFIG is true"),
    "deep nesting": ("[" * 100_000, "no valid JSON"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_configuration_has_its_own_sentence(name):
    text, words = BROKEN[name]
    with pytest.raises(ConfigError, match=words):
        tf_config.parse(text)


def test_no_two_sentences_are_the_same():
    said = set()
    for text, _ in BROKEN.values():
        with pytest.raises(ConfigError) as caught:
            tf_config.parse(text)
        said.add(str(caught.value))
    assert len(said) >= len(BROKEN) - 1

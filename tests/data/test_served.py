"""What a tf.data service makes is what one process would make: its own pipeline is the oracle."""

import dataclasses
import re
import socket
import threading

import numpy as np
import pytest
import tensorflow as tf
import tiny_data

from tfinspect.data import pipeline, record_places, served, service_address
from tfinspect.data.load import reading
from tfinspect.data.manifest import read_manifest
from tfinspect.errors import ClusterError, ConfigError, DataError
from tfinspect.nets.registry import get_spec

EXAMPLES, BATCH, EPOCHS, SIZE = 37, 8, 3, 75


class AsStored:
    """Images as they are."""

    def apply(self, images):
        return images


@pytest.fixture(scope="module")
def service():
    """A dispatcher and two data workers in this process."""
    one = tf.data.experimental.service
    dispatcher = one.DispatchServer(one.DispatcherConfig(port=0))
    address = dispatcher.target.split("://")[1]
    workers = [one.WorkerServer(one.WorkerConfig(dispatcher_address=address)) for _ in range(2)]
    yield dispatcher.target
    del workers, dispatcher


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("small"))
    tiny_data.write_data(directory, {"train": tiny_data.raw_records(*tiny_data.images(EXAMPLES))})
    manifest = read_manifest(directory)
    return pipeline.Batches(directory, manifest, "train", BATCH, (32, 32, 3), AsStored())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("photographs"))
    random = np.random.RandomState(0)
    sizes = random.randint(60, 120, (EXAMPLES, 2))
    files = [
        tf.io.encode_jpeg(random.randint(0, 256, (*size, 3), np.uint8)).numpy() for size in sizes
    ]
    records = tiny_data.encoded_records(files, np.arange(EXAMPLES) % 10)
    tiny_data.write_data(directory, {"train": records}, schema="encoded", image_shape=None)
    spec = get_spec("inception_v3")
    manifest = read_manifest(directory)
    return pipeline.Batches(
        directory, manifest, "train", BATCH, (SIZE, SIZE, 3), spec.preprocessing
    )


def require_equal(found, expected):
    pairs = list(zip(found, expected, strict=True))
    assert len(pairs) > 0
    for (images, labels), (wanted, wanted_labels) in pairs:
        np.testing.assert_array_equal(images, wanted)
        np.testing.assert_array_equal(labels, wanted_labels)


@pytest.mark.parametrize("kind", ["small", "photographs"])
@pytest.mark.parametrize("keep_last", [False, True])
@pytest.mark.parametrize("augment", [False, True])
def test_batches_and_their_order_are_those_of_one_process(
    service, kind, keep_last, augment, request
):
    batches = dataclasses.replace(request.getfixturevalue(kind), keep_last=keep_last)
    # In the midst of the second epoch.
    wanted = {"seed": 3, "epochs": EPOCHS, "start_step": 7, "augment": augment}
    expected = pipeline.training_dataset(batches, **wanted)
    found = pipeline.training_dataset(dataclasses.replace(batches, service=service), **wanted)
    assert found.element_spec == expected.element_spec
    assert int(found.cardinality()) == int(expected.cardinality())
    require_equal(found, expected)


def test_processes_that_share_each_batch_have_their_parts(service, small):
    whole = dataclasses.replace(small, keep_last=True, cache_bytes=1)
    for index in range(2):
        own = pipeline.shared(dataclasses.replace(whole, service=service), index, 2)
        # Also of a split that would be streamed, and shared by file.
        assert own.share.files is None
        expected = dataclasses.replace(own, service=None, cache_bytes=small.cache_bytes)
        wanted = {"seed": 3, "epochs": 2, "start_step": 2}
        require_equal(
            pipeline.training_dataset(own, **wanted), pipeline.training_dataset(expected, **wanted)
        )


@pytest.mark.parametrize("kind", ["small", "photographs"])
def test_steps_that_nobody_sends_are_the_same_and_each_epoch_is_drawn_and_traced_once(
    service, kind, request, monkeypatch
):
    batches = dataclasses.replace(request.getfixturevalue(kind), keep_last=True)
    batches = pipeline.shared(batches, 0, 2)
    usual, drawn, traced = pipeline._making, [], []

    def making(*given, **more):
        made = usual(*given, **more)

        def draw(key, count):
            if count:
                noted = tf.numpy_function(lambda: drawn.append(count) or np.int64(0), [], tf.int64)
                key += noted
            return made.draw(key, count)

        def make(*given):
            traced.append(given)
            return made.make(*given)

        return dataclasses.replace(made, draw=draw, make=make)

    monkeypatch.setattr(pipeline, "_making", making)
    monkeypatch.setattr(served, "_arrivals", lambda job, steps: iter(()))
    wanted = {"seed": 3, "epochs": EPOCHS, "start_step": 2}
    expected = pipeline.training_dataset(batches, **wanted)
    found = pipeline.training_dataset(dataclasses.replace(batches, service=service), **wanted)
    require_equal(found, expected)
    assert drawn == [EXAMPLES] * EPOCHS
    # Once before anything is drawn, and once after.
    assert len(traced) <= 2


def test_split_is_read_through_once_and_anew_when_its_contents_are_others(tmp_path, monkeypatch):
    read, usual = [], record_places.read_records

    def read_records(path):
        read.append(path)
        return usual(path)

    monkeypatch.setattr(record_places, "read_records", read_records)
    for examples in (16, 8):
        records = tiny_data.raw_records(*tiny_data.images(examples))
        tiny_data.write_data(str(tmp_path), {"train": records})
        places = []
        for _ in range(3):
            manifest = read_manifest(str(tmp_path))
            given = (str(tmp_path), manifest, "train", 4, (32, 32, 3), AsStored())
            places.append(record_places.Places(pipeline.Batches(*given)).of(np.arange(examples)))
        assert len(read) == len(manifest.paths(str(tmp_path), "train"))
        read.clear()
        for one in places:
            np.testing.assert_array_equal(one, places[0])
            assert len(set(zip(*one, strict=True))) == examples


def test_broken_record_is_an_error_of_the_data(service, tmp_path):
    pixels, labels = tiny_data.images(16)
    labels[9] = 77
    tiny_data.write_data(str(tmp_path), {"train": tiny_data.raw_records(pixels, labels)})
    manifest = read_manifest(str(tmp_path))
    batches = pipeline.Batches(
        str(tmp_path), manifest, "train", 4, (32, 32, 3), AsStored(), service=service
    )
    with pytest.raises(DataError, match="cannot be read: there are labels from 6 to 77 w"):
        with reading(str(tmp_path)):
            list(pipeline.training_dataset(batches, seed=0, epochs=1))


def test_data_that_the_workers_do_not_find_are_named(service, small, monkeypatch):
    elsewhere = ["/elsewhere/a.tfrecord"] * len(small.paths)
    monkeypatch.setattr(record_places, "reachable_paths", lambda batches: elsewhere)
    served = dataclasses.replace(small, service=service)
    with pytest.raises(ClusterError, match=re.escape(elsewhere[0])) as caught:
        with reading(small.directory):
            list(pipeline.training_dataset(served, seed=0, epochs=1))
    assert f"the tf.data service at '{service}' cannot go on" in str(caught.value)
    assert "find the data under the same path" in str(caught.value)


def test_service_that_refuses_the_job_is_told_with_its_reason(service, small, monkeypatch):
    def refuse(*given, **more):
        raise tf.errors.FailedPreconditionError(None, None, "another version speaks here")

    monkeypatch.setattr(tf.data.experimental.service, "distribute", refuse)
    served = dataclasses.replace(small, service=service)
    with pytest.raises(ClusterError, match="cannot go on: another version speaks here"):
        with reading(small.directory):
            list(pipeline.training_dataset(served, seed=0, epochs=1))


@pytest.mark.parametrize(
    "address",
    ["", "localhost:5", "http://a:5", "grpc://a", "grpc://a:0", "grpc://a:65536", "grpc://a:5/b"],
)
def test_address_that_is_none_is_refused(address):
    with pytest.raises(ConfigError, match="; write grpc://HOST:PORT, with"):
        service_address.host_and_port(address)


@pytest.mark.parametrize("address", ["localhost:5", "10.0.0.2:65535", "[::1]:2222", "a.b-c:1"])
def test_addresses_of_hosts_are_taken(address):
    assert service_address.host_and_port(f"grpc://{address}") == address


def test_workers_are_counted(service):
    assert service_address.require_workers(service) == 2


def test_service_without_workers_is_refused():
    one = tf.data.experimental.service
    dispatcher = one.DispatchServer(one.DispatcherConfig(port=0))
    with pytest.raises(ClusterError, match="has no data worker; start one with `tfinspect clus"):
        service_address.require_workers(dispatcher.target)


def test_data_worker_is_no_dispatcher(service):
    import grpc

    with grpc.insecure_channel(service_address.host_and_port(service)) as channel:
        said = channel.unary_unary("/tensorflow.data.DispatcherService/GetWorkers")(b"")
    worker = f"grpc://{said[4 : 2 + said[1]].decode()}"
    with pytest.raises(ClusterError, match=f"{worker}' is no dispatcher of a tf.data service"):
        service_address.data_workers(worker)


def test_address_where_nobody_listens_is_told_at_once(monkeypatch):
    # Longer than this test may take.
    monkeypatch.setattr(service_address, "_SECONDS", 3600.0)
    with socket.socket() as one:
        one.bind(("localhost", 0))
        free = f"grpc://localhost:{one.getsockname()[1]}"
    with pytest.raises(ClusterError, match=f"no tf.data service answers at '{free}'"):
        service_address.data_workers(free)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", None])
def test_other_programs_are_no_service_and_are_told_soon(answer, monkeypatch):
    # What says nothing is given up; what says something else is not waited for.
    monkeypatch.setattr(service_address, "_SECONDS", 0.5 if answer is None else 3600.0)
    with socket.create_server(("localhost", 0)) as listener:
        address = f"grpc://localhost:{listener.getsockname()[1]}"

        def speak():
            connection, _ = listener.accept()
            with connection:
                if answer is None:
                    # Keeps the connection, and says nothing.
                    closed.wait()
                connection.sendall(answer or b"")

        closed = threading.Event()
        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        with pytest.raises(ClusterError, match=f"no tf.data service answers at '{address}'"):
            service_address.data_workers(address)
        closed.set()
        thread.join()

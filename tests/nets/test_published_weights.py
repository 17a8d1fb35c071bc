import dataclasses
import functools
import gzip
import http.server
import threading

import pytest
from made_sources import write_tar

from tfinspect.errors import DataError, NetworkError
from tfinspect.nets import published
from tfinspect.nets.published import largest_archive, published_checkpoint, resolve_checkpoint
from tfinspect.nets.registry import get_spec

V2_FILES = {
    "mobilenet_v1_1.0_224.ckpt.index": b"index",
    "mobilenet_v1_1.0_224.ckpt.data-00000-of-00001": b"data",
    "mobilenet_v1_1.0_224.ckpt.meta": b"meta",
    "mobilenet_v1_1.0_224.tflite": b"other",
}
ARCHIVE = "mobilenet_v1_1.0_224.tgz"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """The cache's place for archives."""
    monkeypatch.setenv("TFINSPECT_CACHE", str(tmp_path / "cache"))
    directory = tmp_path / "cache" / "downloads"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def publisher(tmp_path, downloads, monkeypatch):
    """A directory that is served as the publisher's."""
    directory = tmp_path / "served"
    directory.mkdir()
    handler = functools.partial(Quiet, directory=str(directory))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/{ARCHIVE}"
    monkeypatch.setattr(
        published,
        "get_spec",
        lambda name: dataclasses.replace(get_spec(name), checkpoint_url=url),
    )
    yield directory
    server.shutdown()
    thread.join()
    server.server_close()


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


def test_the_archive_is_downloaded_and_the_checkpoint_alone_is_unpacked(publisher, tmp_path):
    write_tar(publisher / ARCHIVE, V2_FILES, mode="w:gz", folder="./")
    seen = []
    prefix = published_checkpoint("mobilenet_v1", lambda *report: seen.append(report[0]))
    unpacked = tmp_path / "cache" / "checkpoints"
    assert prefix == str(unpacked / "mobilenet_v1" / "mobilenet_v1_1.0_224.ckpt")
    assert names_in(unpacked) == ["mobilenet_v1"]
    assert names_in(unpacked / "mobilenet_v1") == sorted(list(V2_FILES)[:2])
    assert set(seen) == {f"downloading {ARCHIVE}", f"unpacking {ARCHIVE}"}


def test_a_second_call_needs_neither_network_nor_archive(publisher, downloads):
    write_tar(publisher / ARCHIVE, V2_FILES, mode="w:gz")
    first = published_checkpoint("mobilenet_v1")
    (publisher / ARCHIVE).unlink()
    (downloads / ARCHIVE).unlink()
    assert published_checkpoint("mobilenet_v1") == first


def test_an_archive_that_was_put_there_is_used(downloads):
    name = "inception_resnet_v2_2016_08_30"
    write_tar(downloads / f"{name}.tar.gz", {f"{name}.ckpt": b"V1"}, mode="w:gz", folder="")
    path = published_checkpoint("inception_resnet_v2")
    with open(path, "rb") as stream:
        assert stream.read() == b"V1"


def test_without_the_archive_the_message_says_which_url_to_put_where(publisher, downloads):
    expected = rf"cannot download 'http://.*/{ARCHIVE}' .* put it at '{downloads / ARCHIVE}'"
    with pytest.raises(DataError, match=expected):
        published_checkpoint("mobilenet_v1")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"../x.ckpt": b"1"}, "leaves the target directory"),
        ({"graph.pbtxt": b"1"}, "holds 0 checkpoints instead of one"),
        ({"a.ckpt": b"1", "b.ckpt": b"2"}, "holds 2 checkpoints instead of one"),
    ],
)
def test_another_archive_is_refused_and_leaves_nothing(downloads, tmp_path, members, message):
    write_tar(downloads / "vgg_16_2016_08_28.tar.gz", members, mode="w:gz", folder="")
    with pytest.raises(DataError, match=message):
        published_checkpoint("vgg_16")
    assert names_in(tmp_path / "cache" / "checkpoints") == []


def test_a_truncated_archive_is_refused_and_leaves_nothing(downloads, tmp_path):
    path = downloads / "vgg_16_2016_08_28.tar.gz"
    write_tar(path, {"vgg_16.ckpt": bytes(range(256)) * 400}, mode="w:gz")
    path.write_bytes(path.read_bytes()[:-20])
    size = f"{path.stat().st_size:,}"
    words = rf"'{path}' of {size} bytes is cut off or broken .*delete it and get it again from"
    with pytest.raises(DataError, match=words):
        published_checkpoint("vgg_16")
    assert names_in(tmp_path / "cache" / "checkpoints") == []


@pytest.mark.parametrize("member", ["vgg_16.ckpt", "notes.txt"])
def test_an_archive_that_unpacks_to_too_much_is_refused(downloads, tmp_path, monkeypatch, member):
    monkeypatch.setattr(published, "largest_archive", lambda network: 5000)
    path = downloads / "vgg_16_2016_08_28.tar.gz"
    write_tar(path, {member: bytes(6000), "other.txt": b"1"}, mode="w:gz")
    words = f"'{path}' unpacks to 6,000 bytes or more, and at most 5,000 belong into it"
    with pytest.raises(DataError, match=words):
        published_checkpoint("vgg_16")
    assert names_in(tmp_path / "cache" / "checkpoints") == []


def test_an_archive_that_goes_on_without_end_is_refused(downloads, tmp_path, monkeypatch):
    monkeypatch.setattr(published, "largest_archive", lambda network: 100_000)
    path = downloads / "vgg_16_2016_08_28.tar.gz"
    write_tar(path, {"vgg_16.ckpt": b"1"}, mode="w:gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(5_000_000)))
    with pytest.raises(DataError, match=r"unpacks to .* bytes or more, and at most 100,000"):
        published_checkpoint("vgg_16")
    assert names_in(tmp_path / "cache" / "checkpoints") == []


def test_a_download_that_is_too_large_is_refused(publisher, downloads, monkeypatch):
    monkeypatch.setattr(published, "largest_archive", lambda network: 50)
    write_tar(publisher / ARCHIVE, V2_FILES, mode="w:gz")
    with pytest.raises(DataError, match="and at most 50 belong there; nothing of it was kept"):
        published_checkpoint("mobilenet_v1")
    assert list(downloads.glob(f"{ARCHIVE}*")) in ([], [downloads / f"{ARCHIVE}.lock"])


# Bytes of the archives, as others noted them: Intel's Open Model Zoo, `models/public/*/model.yml`,
# and for VGG the output of slim's downloader in published notebooks.
ARCHIVES = {
    "inception_v1": ("inception_v1_2016_08_28.tar.gz", 24_642_554),
    "inception_v2": ("inception_v2_2016_08_28.tar.gz", 41_577_079),
    "mobilenet_v2": ("mobilenet_v2_1.0_224.tgz", 78_306_834),
    "mobilenet_v2_140": ("mobilenet_v2_1.4_224.tgz", 135_977_516),
    "vgg_16": ("vgg_16_2016_08_28.tar.gz", 513_324_920),
}


@pytest.mark.parametrize("network", ARCHIVES)
def test_the_archives_that_were_published_are_not_too_large(network):
    name, size = ARCHIVES[network]
    assert get_spec(network).checkpoint_url.endswith(f"/{name}")
    assert size < largest_archive(network)


def test_network_without_published_weights_names_those_that_have_some():
    message = "no weights of 'vgg_a' were published; nearest: 'vgg_1.'.*give the path"
    with pytest.raises(NetworkError, match=message):
        resolve_checkpoint("vgg_a")


def test_a_path_stays_a_path(tmp_path, monkeypatch):
    assert resolve_checkpoint("models/vgg_16.ckpt") == "models/vgg_16.ckpt"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vgg_16").mkdir()
    assert resolve_checkpoint("vgg_16") == "vgg_16"


def test_a_networks_name_is_its_published_checkpoint(downloads):
    write_tar(downloads / "vgg_19_2016_08_28.tar.gz", {"vgg_19.ckpt": b"1"}, mode="w:gz")
    assert resolve_checkpoint("vgg_19").endswith("/checkpoints/vgg_19/vgg_19.ckpt")

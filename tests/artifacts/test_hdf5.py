import pickle
import tracemalloc
import zlib

import h5py
import ml_dtypes
import numpy as np
import pytest
from oracle_files import KERAS3, TF_KERAS

from tfinspect.artifacts import hdf5_filters, hdf5_values, open_artifact
from tfinspect.artifacts.object_header import GlobalHeaps
from tfinspect.errors import ArtifactError


def _written(path, arrays, **options):
    with h5py.File(path, "w", **options) as file:
        for name, value in arrays.items():
            file[name] = value
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.h5"


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", "i1", ">i8", "<u4", "?", "<c8"])
def test_numbers_of_every_width_and_byte_order_are_read(path, dtype):
    value = np.arange(12).reshape(3, 4).astype(dtype)
    artifact = open_artifact(_written(path, {"layers/dense/vars/0": value}))
    (entry,) = artifact.variables
    read = artifact.read(entry.name)
    assert (entry.dtype, read.dtype) == (np.dtype(dtype).newbyteorder("=").name, entry.dtype)
    np.testing.assert_array_equal(read, value)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_bfloat16_is_told_by_its_attribute(path, libver):
    value = np.array([1.5, -2, 3], ml_dtypes.bfloat16)
    with h5py.File(_written(path, {"a/vars/0": value}, libver=libver), "a") as file:
        file["a/vars/0"].attrs["dtype"] = "bfloat16"
    artifact = open_artifact(path)
    assert artifact.variables[0].dtype == "bfloat16"
    assert artifact.read("a/0").tobytes() == value.tobytes()


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_names_are_read_from_files_of_old_and_new_libraries(path, libver):
    with h5py.File(path, "w", libver=libver) as file:
        file["layers/conv2d_1/vars/0"] = np.ones((3, 3, 1, 2), np.float32)
        file["layers/conv2d_1/vars"].attrs["name"] = "stem"
        file["layers/my_block/vars/0"] = np.ones(2)
        file["layers/my_block/vars"].attrs["name"] = "block"
    assert [entry.name for entry in open_artifact(path).variables] == ["stem/kernel", "block/0"]


def test_weights_of_keras_1_get_their_layer_as_scope(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([b"dense_1"])
        group = file.create_group("dense_1")
        group.attrs["weight_names"] = np.array([b"dense_1_W", b"dense_1_b"])
        group["dense_1_W"], group["dense_1_b"] = np.ones((2, 3)), np.ones(3)
    names = [entry.name for entry in open_artifact(path).variables]
    assert names == ["dense_1/dense_1_W", "dense_1/dense_1_b"]


def test_lists_of_names_that_keras_split_are_joined(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names0"] = np.array([b"b"])
        file.attrs["layer_names1"] = np.array([b"a"])
        for layer in "ba":
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}/kernel:0".encode()])
            group[f"{layer}/kernel:0"] = np.ones(2)
    assert [entry.name for entry in open_artifact(path).variables] == ["b/kernel", "a/kernel"]


def test_two_models_in_one_with_equal_names_are_told_apart(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([b"left", b"right"])
        for layer in ("left", "right"):
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([b"conv/kernel:0"])
            group["conv/kernel:0"] = np.ones(2)
    names = [entry.name for entry in open_artifact(path).variables]
    assert names == ["left/conv/kernel", "right/conv/kernel"]


def test_pickle_in_an_array_is_listed_and_never_read(path):
    value = np.void(pickle.dumps(print))
    artifact = open_artifact(_written(path, {"object": value, "array": np.ones(2)}))
    assert [entry.readable for entry in artifact.variables] == [True, False]
    assert "can be listed, not read" in artifact.notes[0]
    with pytest.raises(ArtifactError, match="of HDF5's type opaque, which is no tensor"):
        artifact.read("object")


def test_links_to_other_files_are_not_followed(path, tmp_path):
    secret = _written(tmp_path / "other.h5", {"secret": np.ones(2)})
    with h5py.File(path, "w") as file:
        file["stolen"] = h5py.ExternalLink(str(secret), "secret")
        file["own"] = np.ones(2)
    artifact = open_artifact(path)
    assert [entry.name for entry in artifact.variables] == ["own"]
    assert "'stolen' cannot be listed: it is a link to another place" in artifact.notes[0]


def test_values_in_other_files_are_not_read(path, tmp_path):
    (tmp_path / "raw").write_bytes(bytes(16))
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (4,), "f4", external=[(str(tmp_path / "raw"), 0, 16)])
    with pytest.raises(ArtifactError, match="in another file or way; write it in one piece"):
        open_artifact(path).read("a")


@pytest.mark.parametrize(
    "packing",
    [
        {"chunks": (3, 4)},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "chunks": (7, 5)},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"fletcher32": True, "maxshape": (None, None)},
    ],
    ids=lambda packing: "-".join(packing),
)
@pytest.mark.parametrize("dtype", ["f4", ">i2", "?"])
def test_packed_values_are_read(path, packing, dtype):
    value = np.random.RandomState(0).randint(0, 2, (17, 9)).astype(dtype)
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=value, **packing)
    read = open_artifact(path).read("a")
    assert read.dtype == value.dtype.newbyteorder("=")
    np.testing.assert_array_equal(read, value)


def test_chunks_that_were_never_written_are_filled(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (10, 10), "f4", chunks=(4, 4), fillvalue=2.5)[:4, :4] = 1
    expected = np.full((10, 10), 2.5, np.float32)
    expected[:4, :4] = 1
    np.testing.assert_array_equal(open_artifact(path).read("a"), expected)


@pytest.mark.parametrize("packing", [{}, {"compression": "gzip", "chunks": (2,)}], ids=len)
def test_strings_of_any_length_are_read(path, packing):
    value = np.array([b"", b"a", "\u00e4".encode(), b"long" * 5000], object)
    with h5py.File(path, "w") as file:
        file.create_dataset("s", data=value, dtype=h5py.string_dtype(), **packing)
        file["one"] = "scalar"
    artifact = open_artifact(path)
    assert artifact.read("s").tolist() == value.tolist()
    assert artifact.read("one").item() == b"scalar"


def test_bit_flipped_in_a_chunk_is_found_by_its_checksum(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.arange(100.0), fletcher32=True, chunks=(100,))
    data = bytearray(path.read_bytes())
    data[data.find(np.arange(100.0).tobytes()) + 200] ^= 4
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=f"'a' in '{path}' .* does not match its checksum"):
        open_artifact(path).read("a")


def test_bit_flipped_in_a_packed_chunk_is_an_error(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.arange(1000.0), compression="gzip")
        place = file["a"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[place + 100] ^= 4
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=f"'a' in '{path}' cannot be read: a chunk"):
        open_artifact(path).read("a")


def test_chunks_made_to_fill_memory_are_listed_and_not_read(path):
    with h5py.File(path, "w") as file:
        made = file.create_dataset("a", (1 << 40,), "f4", chunks=(1 << 10,), compression="gzip")
        made[:1024] = 1
    with pytest.raises(ArtifactError, match=r"unpacks from .* bytes, as no weights do"):
        open_artifact(path).read("a")


def test_unknown_packing_is_listed_with_the_cure(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.zeros((1000, 1000)), compression="lzf")
    with pytest.raises(ArtifactError, match=r"filter 32000; write it .*h5repack -f NONE -l CONTI"):
        open_artifact(path).read("a")


@pytest.mark.parametrize("length", [0, 1, 2, 359, 722, 70_001, 300_000])
def test_checksum_is_that_of_the_library(length):
    def folded(total):
        return (total & 0xFFFF) + (total >> 16)

    data = np.random.RandomState(length).bytes(length)
    low = high = 0
    for start in range(0, length - length % 2, 720):
        for at in range(start, min(start + 720, length - length % 2), 2):
            low += data[at] << 8 | data[at + 1]
            high += low
        low, high = folded(low), folded(high)
    if length % 2:
        low += data[-1] << 8
        high += low
        low, high = folded(low), folded(high)
    assert hdf5_filters.fletcher32(data) == folded(high) << 16 | folded(low)


def test_cycle_of_groups_ends(path):
    with h5py.File(path, "w") as file:
        file["a/x"] = np.ones(2)
        file["a/again"] = file["a"]
    assert [entry.name for entry in open_artifact(path).variables] == ["a/x"]


def test_empty_and_absent_values(path):
    arrays = {"empty": np.zeros((0, 3)), "null": h5py.Empty("f4")}
    artifact = open_artifact(_written(path, arrays))
    assert artifact.read("empty").shape == (0, 3)
    with pytest.raises(ArtifactError, match="holds nothing"):
        artifact.read("null")


def test_strings_of_one_length_are_read(path):
    artifact = open_artifact(_written(path, {"s": np.array([b"ab", b"c"])}))
    assert artifact.read("s").tolist() == [b"ab", b"c"]


def test_part_of_a_value_is_read():
    artifact = open_artifact(KERAS3 / "model.h5")
    part = artifact.read_part("conv1/kernel", (..., -1))
    np.testing.assert_array_equal(part, artifact.read("conv1/kernel")[..., -1])


def test_file_that_shrank_is_an_error(path):
    path.write_bytes((TF_KERAS / "legacy_weights.h5").read_bytes())
    artifact = open_artifact(path)
    path.write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot be read"):
        artifact.read("conv1/kernel")


def test_config_that_is_broken_is_told(path):
    path.write_bytes((KERAS3 / "model.h5").read_bytes().replace(b'{"class_name"', b'}"class_name"'))
    artifact = open_artifact(path)
    assert "config" in artifact.notes[0]
    assert "conv1/kernel" in [entry.name for entry in artifact.variables]


@pytest.mark.parametrize("index", [0, (..., 3), slice(5, 7), (-1, 2), (slice(2, 5), 0)])
def test_part_unpacks_only_the_chunks_that_hold_it(path, monkeypatch, index):
    value = np.arange(80.0).reshape(10, 8)
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=value, chunks=(2, 4), compression="gzip")
    unpacked = []
    counted = hdf5_values.unpacked

    def counting(*chunk):
        unpacked.append(chunk)
        return counted(*chunk)

    monkeypatch.setattr(hdf5_values, "unpacked", counting)
    np.testing.assert_array_equal(open_artifact(path).read_part("a", index), value[index])
    rows, columns = (np.asarray(axis[index]).ravel() for axis in np.indices(value.shape))
    assert len(unpacked) == len(set(zip(rows // 2, columns // 4, strict=True))) < 10


def test_part_of_strings_in_chunks_is_read(path):
    value = np.array([b"a", b"b" * 300, b"", b"d"], object)
    with h5py.File(path, "w") as file:
        file.create_dataset("s", data=value, dtype=h5py.string_dtype(), chunks=(1,))
    artifact = open_artifact(path)
    assert artifact.read_part("s", slice(1, 3)).tolist() == [b"b" * 300, b""]
    assert artifact.read_part("s", 3).item() == b"d"


@pytest.mark.parametrize("index", [7, (0, 0), slice(None, None, 0)])
def test_part_that_a_packed_value_does_not_have_is_refused(path, index):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.ones(4), chunks=(2,))
    with pytest.raises(ArtifactError, match=r"has shape \[4\], which has no part"):
        open_artifact(path).read_part("a", index)


def test_zeros_packed_to_fill_memory_are_listed_and_not_read(path):
    size, chunk = 200 << 20, 8 << 20
    with h5py.File(path, "w") as file:
        made = file.create_dataset("a", (size,), "f4", chunks=(chunk,), compression="gzip")
        packed = zlib.compress(bytes(4 * chunk), 9)
        for start in range(0, size, chunk):
            made.id.write_direct_chunk((start,), packed)
    with pytest.raises(ArtifactError, match=r"unpacks from .* bytes, as no weights do"):
        open_artifact(path).read("a")


def test_places_of_many_strings_take_little_more_than_a_list(tmp_path):
    elements = bytes(16 << 18)
    tracemalloc.start()
    found = GlobalHeaps(None).objects(elements, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [b""] * (1 << 18)
    assert peak < 4 << 20


def test_name_that_is_another_arrays_place_is_not_taken(path):
    with h5py.File(path, "w") as file:
        for layer, name, value in (("a", "n", 1.0), ("b", "n", 2.0), ("c", "layers/a/vars", 3.0)):
            file[f"layers/{layer}/vars/0"] = np.full(2, value)
            file[f"layers/{layer}/vars"].attrs["name"] = name
    artifact = open_artifact(path)
    assert len({entry.name for entry in artifact.variables}) == 3
    with h5py.File(path) as file:
        for entry in artifact.variables:
            np.testing.assert_array_equal(artifact.read(entry.name), file[entry.key][()])


def test_hdf5_under_the_name_of_a_keras_archive_is_read(tmp_path):
    path = tmp_path / "old.keras"
    path.write_bytes((KERAS3 / "model.h5").read_bytes())
    assert open_artifact(path).variables == open_artifact(KERAS3 / "model.h5").variables

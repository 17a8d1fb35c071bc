import tarfile

import numpy as np
import pytest
from made_sources import write_tar

from tfinspect.data.archives import extract, read_members
from tfinspect.errors import DataError


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_wanted_members_are_read_without_extraction(tmp_path, mode):
    path = write_tar(tmp_path / "a.tar", {"one": b"1", "two": b"22", "other": b"x"}, mode=mode)
    assert read_members(path, {"one", "two", "three"}) == {"one": b"1", "two": b"22"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tar"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../one", "leaves the target directory"),
        ("cifar/../../one", "leaves the target directory"),
        ("..\\one", "leaves the target directory"),
        ("/etc/one", "has an absolute path"),
        ("C:\\one", "has an absolute path"),
    ],
)
def test_members_outside_the_target_are_refused(tmp_path, name, reason):
    path = write_tar(tmp_path / "a.tar", {"one": b"1", name: b"2"}, folder="")
    with pytest.raises(DataError, match=f"has a member '.*one' that {reason}; it is not opened"):
        read_members(path, {"one"})


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    member = tarfile.TarInfo("cifar/one")
    member.type, member.linkname = kind, "two"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(member)
    with pytest.raises(DataError, match="'cifar/one' that is a link or a device"):
        read_members(str(tmp_path / "a.tar"), {"one"})


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_truncated_archive_is_told(tmp_path, mode):
    random = np.random.RandomState(0).bytes(100_000)
    path = write_tar(tmp_path / "a.tar", {"one": random, "two": random[::-1]}, mode=mode)
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(
        DataError,
        match=r"a.tar' of [0-9,]+ bytes is cut off or broken .*delete it and get it again",
    ):
        read_members(path, {"one", "two"})


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"\x1f\x8b\x08 damaged"])
def test_what_is_no_archive_is_told(tmp_path, data):
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(DataError, match="is cut off or broken"):
        read_members(str(tmp_path / "a.tar"), {"one"})


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_changed_byte_in_a_compressed_archive_is_told(tmp_path, mode):
    path = write_tar(tmp_path / "a.tar", {"one": bytes(range(256)) * 40}, mode=mode)
    data = bytearray((tmp_path / "a.tar").read_bytes())
    data[len(data) // 2] ^= 255
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(DataError, match="is cut off or broken"):
        read_members(path, {"one"})


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot open '.*none.tar'"):
        read_members(str(tmp_path / "none.tar"), {"one"})


def test_archives_are_read_from_streams(tmp_path):
    import tensorflow as tf

    path = write_tar(tmp_path / "a.tar", {"one": b"1"})
    tf.io.gfile.copy(path, "ram://archives/a.tar", overwrite=True)
    assert read_members("ram://archives/a.tar", {"one"}) == {"one": b"1"}


def test_wanted_files_are_unpacked_into_one_directory(tmp_path):
    members = {"a/one": b"1", "two": b"22", "other": b"x"}
    path = write_tar(tmp_path / "a.tar", members, mode="w:gz")
    seen = []
    wanted = {"one", "two"}.__contains__
    extract(path, str(tmp_path / "out"), wanted, lambda *report: seen.append(report))
    unpacked = {entry.name: entry.read_bytes() for entry in (tmp_path / "out").iterdir()}
    assert unpacked == {"one": b"1", "two": b"22"}
    assert seen == [("unpacking a.tar", 1, 0), ("unpacking a.tar", 3, 0)]


def test_unpacking_a_truncated_archive_leaves_no_partial_file(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"one": bytes(range(256)) * 400}, mode="w")
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[:50_000])
    with pytest.raises(DataError, match=r"a.tar' of 50,000 bytes is cut off or broken"):
        extract(path, str(tmp_path / "out"), lambda name: True)
    assert list((tmp_path / "out").iterdir()) == []


def _of_empty_members(path, count):
    with tarfile.open(path, "w:gz") as archive:
        for number in range(count):
            archive.addfile(tarfile.TarInfo(f"empty{number}"))
    return str(path)


def test_headers_of_empty_members_count(tmp_path):
    path = _of_empty_members(tmp_path / "many.tar.gz", 200)
    with pytest.raises(DataError, match=r"unpacks to 65,537 bytes or more, and at most 65,536 bel"):
        extract(path, str(tmp_path / "out"), lambda _: False, limit=65_536)
    # Behind the last header stand two empty ones and what fills up a record.
    extract(path, str(tmp_path / "out"), lambda _: False, limit=10_240 * 11)


def test_headers_that_were_read_are_not_kept(tmp_path, monkeypatch):
    path, kept = _of_empty_members(tmp_path / "many.tar.gz", 200), []
    usual = tarfile.TarFile.next

    def next_of(archive):
        kept.append(len(archive.members))
        return usual(archive)

    monkeypatch.setattr(tarfile.TarFile, "next", next_of)
    extract(path, str(tmp_path / "out"), lambda _: False)
    assert len(kept) > 200
    assert max(kept) == 0


def _member(name, data=b"", kind=tarfile.REGTYPE, size=None):
    """A header, which may lie about the size, and what follows it."""
    header = tarfile.TarInfo(name)
    header.type, header.size = kind, len(data) if size is None else size
    return header.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def _extended(*fields, kind=tarfile.XHDTYPE):
    """An extended header of fields `name=value`, each below 1000 bytes with its length."""
    lines = [f"{len(field) + 5:03d} {field}\n".encode() for field in fields]
    return _member("extended", b"".join(lines), kind)


def _archive(path, *members):
    path.write_bytes(b"".join(members) + bytes(2 * tarfile.BLOCKSIZE))
    return str(path)


def test_what_a_sparse_member_unpacks_to_counts(tmp_path):
    sparse = _extended("GNU.sparse.map=0,1", "GNU.sparse.size=60000")
    path = _archive(tmp_path / "a.tar", sparse, _member("one", b"1"), sparse, _member("two", b"2"))
    with pytest.raises(DataError, match="unpacks to 120,000 bytes or more, and at most 100,000 b"):
        extract(path, str(tmp_path / "out"), lambda _: True, limit=100_000)
    extract(path, str(tmp_path / "out"), lambda _: True, limit=120_000)
    assert (tmp_path / "out" / "two").read_bytes() == b"2" + bytes(59_999)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_claims_more_than_names_have_is_not_read(tmp_path, kind):
    path = _archive(tmp_path / "a.tar", _member("long", b"x" * 40_000, kind), _member("one", b"1"))
    with pytest.raises(DataError, match="a header has more than 32,768 bytes"):
        read_members(path, {"one"})


def test_global_headers_do_not_pile_up(tmp_path):
    values = [[f"key{number}={'x' * 900}" for number in range(at, at + 30)] for at in range(30)]
    path = _archive(
        tmp_path / "a.tar",
        *(_extended(*value, kind=tarfile.XGLTYPE) + _member("one", b"1") for value in values),
    )
    with pytest.raises(DataError, match="or all headers have more than 524,288"):
        read_members(path, {"one"})


def test_long_names_are_read(tmp_path):
    names = {f"{'long' * 500}{number}": str(number).encode() for number in range(40)}
    path = write_tar(tmp_path / "a.tar", names)
    assert read_members(path, names) == names


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([_extended("GNU.sparse.size=x"), _member("one", b"1")], "a header that cannot be read"),
        ([_member("x", b"1" * 5000 + b" a=b\n", tarfile.XHDTYPE)], "a header that cannot be read"),
        ([_member("one", size=1 << 80), _member("two")], "a header that cannot be read"),
        ([_member("one", size=-5000), _member("two")], "has a negative size"),
        ([_member("x", size=-512, kind=tarfile.XHDTYPE)], "a header claims -512 bytes"),
    ],
    ids=["no number", "too many digits", "too large", "negative", "a negative header"],
)
def test_headers_of_nonsense_are_told(tmp_path, members, message):
    path = _archive(tmp_path / "a.tar", *members)
    with pytest.raises(DataError, match=message):
        extract(path, str(tmp_path / "out"), lambda _: False)


def test_a_sparse_member_that_lies_before_its_header_is_told(tmp_path):
    sparse = _extended("GNU.sparse.map=10,-600,0,1000", "GNU.sparse.size=1000")
    path = _archive(tmp_path / "a.tar", _member("secret", b"1"), sparse, _member("one", b"1"))
    with pytest.raises(
        DataError, match=r"cut off or broken \(byte 2,560 is followed by byte 1,970"
    ):
        read_members(path, {"one"})

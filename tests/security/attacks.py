"""Hostile files, made when a test asks for them: none is kept in the repository."""

import struct
import tarfile
import zlib

import h5py
import numpy as np

# Would clear the screen and rename the window of a terminal that obeys.
ESCAPES = "\x1b[2J\x1b]0;owned\x07"
NESTED = "[" * 100_000 + "]" * 100_000


def write_text(path, text):
    path.write_text(text)
    return path


def laughs(name, levels=9, width=10):
    """YAML of a few hundred bytes whose one setting stands for `width ** levels` values."""
    parts = [f"&a0 [{', '.join(['ha'] * width)}]"]
    for level in range(1, levels):
        parts.append(f"&a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return f"{name}: [{', '.join(parts)}]\n"


def png_claiming(height, width):
    """A PNG of a hundred bytes whose header claims a picture of any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def npy_claiming(shape):
    """An array file without a value whose header claims any shape."""
    text = repr({"descr": "<f8", "fortran_order": False, "shape": shape}).encode()
    text = text.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def named_weights(path, name):
    """Keras weights with one variable whose layer has this name."""
    with h5py.File(path, "w") as stream:
        group = stream.create_group("layers").create_group(name)
        group.create_group("vars")["0"] = np.arange(6, dtype=np.float32).reshape(2, 3)
    return path


class Zeros:
    """A stream of zeros without end, which packs to a thousandth."""

    def read(self, size):
        return bytes(size)


def tar_bomb(path, name, size, kind=tarfile.REGTYPE):
    """A packed archive whose one member, or header of such a kind, unpacks to so many zeros."""
    member = tarfile.TarInfo(f"cifar/{name}")
    member.size, member.type = size, kind
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.addfile(member, Zeros())
    return path

"""A part of a large value is verified by the checksum of all, of which little is held at a time."""

import subprocess
import sys

import numpy as np
import pytest
from table_writer import entry, field, table, write_bundle

from tfinspect.artifacts.slices import Extent, slice_key

FLOAT, FLOAT_LIST = 1, 5
COUNT = 16 << 20
READ = """
import resource, sys
import google_crc32c, numpy
from tfinspect import open_artifact
artifact = open_artifact(sys.argv[1])
artifact.variables
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert artifact.read_part("w", slice(7, 9)).tolist() == [7, 8]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""


def _v2(directory, data):
    return write_bundle(directory, {b"w": entry(FLOAT, (COUNT,), data)}, data)


def _v1(directory, data):
    extent = Extent(0, -1)
    described = field(1, b"w") + field(2, field(2, field(1, COUNT))) + field(3, FLOAT)
    described += field(4, field(1, b""))
    value = field(2, field(1, b"w") + field(3, field(FLOAT_LIST, data)))
    meta = field(1, field(1, described))
    path = directory / "v1.ckpt"
    path.write_bytes(table({b"": meta}, {slice_key(b"w", (extent,)): value}))
    return path


@pytest.mark.parametrize("write", [_v2, _v1])
def test_part_takes_little_of_the_memory_of_the_whole(tmp_path, write):
    data = np.arange(COUNT, dtype=np.float32).tobytes()
    command = [sys.executable, "-c", READ, str(write(tmp_path, data))]
    taken = int(subprocess.run(command, capture_output=True, check=True).stdout)
    assert taken < len(data) / 8

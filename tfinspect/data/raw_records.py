"""Whole blocks of `raw` records at once.

All raw records of one image size and labels below 128 have the same length, and differ only in
their pixels, their label and a checksum. So a block is one NumPy array `[records, bytes]`, filled
by column; building an Example per image takes several times as long.
"""

import functools
from dataclasses import dataclass

import google_crc32c
import numpy as np

from tfinspect.data.example_proto import encode_example
from tfinspect.data.schema import IMAGE, LABEL
from tfinspect.data.tfrecord import FOOTER_BYTES, HEADER_BYTES, MASK_DELTA, frame, header

# A label below this is one byte of the record (protobuf's base-128 varint).
_ONE_BYTE_LABELS = 128
# Shorter images could not be told from the rest of the template.
_MIN_IMAGE_BYTES = 16


@dataclass(frozen=True)
class _Template:
    row: np.ndarray  # uint8 [bytes of a record]
    image: slice


def frame_raw(images: np.ndarray, labels: np.ndarray) -> bytes | memoryview:
    """Returns the framed records of uint8 images `[N, C, H, W]` and int64 labels `[N]`."""
    if not len(labels) or labels.max() >= _ONE_BYTE_LABELS or images[0].size < _MIN_IMAGE_BYTES:
        return b"".join(
            frame(encode_example({IMAGE: image.tobytes(), LABEL: int(label)}))
            for image, label in zip(images, labels, strict=True)
        )
    template = _template(images[0].size)
    block = np.empty((len(labels), len(template.row)), np.uint8)
    block[:] = template.row
    block[:, template.image] = images.reshape(len(labels), -1)
    block[:, -FOOTER_BYTES - 1] = labels
    block[:, -FOOTER_BYTES:] = _checksums(block)
    return memoryview(block).cast("B")  # type: ignore[arg-type]


def raw_record_bytes(image_bytes: int) -> int:
    """Returns the length of a framed record whose image has so many bytes."""
    return len(frame(encode_example({IMAGE: bytes(image_bytes), LABEL: 0})))


@functools.lru_cache(maxsize=8)
def _template(image_bytes: int) -> _Template:
    # 0xff never ends a length, so the first run of it as long as the image is the image.
    marker = b"\xff" * image_bytes
    data = encode_example({IMAGE: marker, LABEL: 0})
    start = HEADER_BYTES + data.index(marker)
    record = header(len(data)) + data + bytes(FOOTER_BYTES)
    row = np.frombuffer(record, np.uint8)
    return _Template(row, slice(start, start + image_bytes))


def _checksums(block: np.ndarray) -> np.ndarray:
    # Masked CRC32Cs of the records' data, uint8 [records, 4].
    whole, length = block.tobytes(), block.shape[1]
    starts = range(HEADER_BYTES, len(whole), length)
    data_bytes = length - HEADER_BYTES - FOOTER_BYTES
    crcs = np.array(
        [google_crc32c.value(whole[start : start + data_bytes]) for start in starts], np.uint32
    )
    masked = ((crcs >> np.uint32(15)) | (crcs << np.uint32(17))) + np.uint32(MASK_DELTA)
    return masked.astype("<u4").view(np.uint8).reshape(-1, FOOTER_BYTES)

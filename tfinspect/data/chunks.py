"""Pieces of a split as bytes of TFRecord files: the work that runs in parallel."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tfinspect.data import schema
from tfinspect.data.example_proto import encode_example
from tfinspect.data.examples import ImageArrays, ImageFiles
from tfinspect.data.image_bytes import EncodedImage, encode_png, read_encoded, read_rgb
from tfinspect.data.image_file import CorruptImageError
from tfinspect.data.raw_records import frame_raw
from tfinspect.data.tfrecord import frame
from tfinspect.errors import DataError

# Records per chunk: arrays in blocks that stay in the processor's cache, files a few at a time.
_ARRAY_CHUNK = 64
_FILE_CHUNK = 16

ImageShape = tuple[int, int, int]


@dataclass(frozen=True)
class Chunk:
    """Framed records in a row.

    `labels` are those of the records, int64 `[records]`; `shapes` maps each image shape
    `(H, W, C)` that occurs to the first image that has it; `skipped` names the corrupt files;
    `examples` counts these too.
    """

    data: bytes | memoryview
    labels: np.ndarray
    shapes: dict[ImageShape, str]
    skipped: tuple[str, ...]
    examples: int


@dataclass(frozen=True)
class ChunkWriter:
    """Makes chunks of a schema; corrupt files raise an error, or are left out."""

    schema: str
    skip_corrupt: bool = False

    def pieces(
        self, examples: ImageArrays | ImageFiles, start: int, stop: int
    ) -> Iterator[Callable[[], Chunk]]:
        """Yields, in order, functions that make the chunks of `examples[start:stop]`."""
        make = self._of_arrays if isinstance(examples, ImageArrays) else self._of_files
        step = _ARRAY_CHUNK if isinstance(examples, ImageArrays) else _FILE_CHUNK
        for first in range(start, stop, step):
            last = min(first + step, stop)
            yield functools.partial(make, examples, first, last)  # type: ignore[arg-type]

    def check_shapes(self, shapes: Mapping[ImageShape, str]) -> None:
        """Checks that raw images are of one size.

        Raises:
          DataError: there are two.
        """
        if self.schema == "raw" and len(shapes) > 1:
            (first, one), (second, other) = list(shapes.items())[:2]
            raise DataError(
                f"'{one}' has {first[0]}x{first[1]} pixels and '{other}' {second[0]}x{second[1]}, "
                "but raw records are of one size; convert with --schema encoded."
            )

    def _of_arrays(self, arrays: ImageArrays, start: int, stop: int) -> Chunk:
        images, labels = arrays.images[start:stop], arrays.labels[start:stop]
        channels, height, width = images.shape[1:]
        shapes = {(height, width, channels): f"image {start}"}
        if self.schema == "raw":
            return Chunk(frame_raw(images, labels), labels, shapes, (), stop - start)
        data = b"".join(
            _frame_encoded(encode_png(image.transpose(1, 2, 0)), f"{index:06d}.png", int(label))
            for index, (image, label) in enumerate(zip(images, labels, strict=True), start)
        )
        return Chunk(data, labels, shapes, (), stop - start)

    def _of_files(self, files: ImageFiles, start: int, stop: int) -> Chunk:
        records: list[bytes | memoryview] = []
        labels: list[int] = []
        shapes: dict[ImageShape, str] = {}
        skipped: list[str] = []
        for index in range(start, stop):
            label = int(files.labels[index])
            try:
                record, shape = self._of_file(files.paths[index], files.name(index), label)
            except CorruptImageError:
                if not self.skip_corrupt:
                    raise
                skipped.append(files.name(index))
                continue
            records.append(record)
            labels.append(label)
            shapes.setdefault(shape, files.paths[index])
        return Chunk(
            b"".join(records), np.array(labels, np.int64), shapes, tuple(skipped), stop - start
        )

    def _of_file(self, path: str, name: str, label: int) -> tuple[bytes | memoryview, ImageShape]:
        if self.schema == "raw":
            image = read_rgb(path)
            planes = image.transpose(2, 0, 1)[np.newaxis]
            height, width = image.shape[:2]
            return frame_raw(planes, np.array([label])), (height, width, 3)
        encoded = read_encoded(path)
        return _frame_encoded(encoded, name, label), (encoded.height, encoded.width, 3)


def _frame_encoded(image: EncodedImage, name: str, label: int) -> bytes:
    return frame(
        encode_example(
            {
                schema.ENCODED_IMAGE: image.data,
                schema.FORMAT: image.format.encode(),
                schema.HEIGHT: image.height,
                schema.WIDTH: image.width,
                schema.FILENAME: name.encode("utf-8", errors="surrogateescape"),
                schema.LABEL: label,
            }
        )
    )

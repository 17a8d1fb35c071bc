"""TensorBoard's event files: scalars, histograms and images, written without TensorFlow.

The format is the one of `tensorflow/core/util/event.proto`, in TFRecord framing; the layout of each
kind's tensor is its plugin's (`tensorboard/plugins/*/metadata.py`, version 0).
"""

import io
import os
import socket
import time
from typing import Any

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

from tfinspect import files
from tfinspect.data.tfrecord import write_record
from tfinspect.histogram import Histogram

# A histogram of 256 bins is four times as fine as TensorBoard can show it.
_COARSER = 2


class EventFile:
    """One file of events; what is added is written by `flush`, and no file stays open."""

    def __init__(self, directory: str, name: str | None = None) -> None:
        """Starts a file in a directory, which is made if it is missing.

        Args:
          directory: that TensorBoard looks at.
          name: ending of a file that is written anew, with equal bytes for equal events; None for
            a file of the present time and host, which grows with every `flush`.

        Raises:
          DataError: it cannot be written.
        """
        files.make_directory(directory)
        now = time.time() if name is None else 0.0
        self._fixed = name is not None
        ending = f"{socket.gethostname()}.{os.getpid()}" if name is None else name
        self._path = files.join(directory, f"events.out.tfevents.{now:.6f}.{ending}")
        self._waiting = io.BytesIO()
        self._add(event_pb2.Event(wall_time=now, file_version="brain.Event:2"))
        self.flush()

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Adds a number."""
        tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[value])
        self._summarize(tag, "scalars", summary_pb2.DATA_CLASS_SCALAR, tensor, step)

    def histogram(self, tag: str, counted: Histogram, step: int) -> None:
        """Adds a histogram, in bins four times as wide."""
        coarse = counted.coarser(counted.exponent + _COARSER)
        edges = coarse.edges
        bins = np.stack([edges[:-1], edges[1:], coarse.counts], axis=1)
        tensor = tensor_pb2.TensorProto(
            dtype=types_pb2.DT_DOUBLE, tensor_content=bins.astype("<f8").tobytes()
        )
        for size in bins.shape:
            tensor.tensor_shape.dim.add(size=size)
        self._summarize(tag, "histograms", summary_pb2.DATA_CLASS_TENSOR, tensor, step)

    def image(self, tag: str, png: bytes, shape: tuple[int, ...], step: int) -> None:
        """Adds a PNG file's bytes; `shape` begins with its height and width."""
        sizes = [str(shape[1]).encode(), str(shape[0]).encode()]
        tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[*sizes, png])
        tensor.tensor_shape.dim.add(size=3)
        self._summarize(tag, "images", summary_pb2.DATA_CLASS_BLOB_SEQUENCE, tensor, step)

    def _summarize(self, tag: str, plugin: str, kind: int, tensor: Any, step: int) -> None:
        metadata = summary_pb2.SummaryMetadata(
            plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin),
            data_class=kind,  # type: ignore[arg-type]
        )
        value = summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
        summary = summary_pb2.Summary(value=[value])
        now = 0.0 if self._fixed else time.time()
        self._add(event_pb2.Event(wall_time=now, step=step, summary=summary))

    def _add(self, event: Any) -> None:
        write_record(self._waiting, event.SerializeToString())

    def flush(self) -> None:
        """Writes what was added to the file.

        Raises:
          DataError: it cannot be written.
        """
        if self._fixed:
            with files.writing(self._path) as stream:
                files.write(stream, self._waiting.getvalue())
            return
        with files.open_file(self._path, "ab") as stream:
            stream.write(self._waiting.getvalue())
        self._waiting = io.BytesIO()

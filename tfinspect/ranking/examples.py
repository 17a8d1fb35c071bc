"""A split of any data as batches for a model, with the names of its files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfinspect.data.batches import Batches
from tfinspect.data.manifest import Manifest
from tfinspect.errors import ConfigError, DataError

BATCH_SIZE = 256


@dataclass(frozen=True)
class Split:
    """What is ranked.

    Attributes:
      directory: of the shards.
      manifest: what they hold.
      name: "train", "validation" or "test".
      limit: only the first so many examples; None for all.
    """

    directory: str
    manifest: Manifest
    name: str
    limit: int | None

    @property
    def examples(self) -> int:
        """How many examples there are; 0 where the data have no such split."""
        if self.name not in self.manifest.splits:
            return 0
        count = self.manifest.splits[self.name].examples
        return count if self.limit is None else min(count, self.limit)

    def batches(self, model: Any, preprocessing: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields images as the preprocessing gives them, and int64 labels.

        Raises:
          DataError: the records are missing or broken.
          ConfigError: the model takes images of any size: nothing says which one.
        """
        from tfinspect.data import pipeline
        from tfinspect.data.load import reading

        if None in model.image_shape:
            raise ConfigError(
                f"'{model.name}' takes images of any size, and the examples need one; give a model "
                "with a fixed input size."
            )
        shape = tuple(model.image_shape)
        batches = Batches(
            self.directory, self.manifest, self.name, BATCH_SIZE, shape, preprocessing, self.limit
        )
        with reading(self.directory):
            for images, labels in pipeline.evaluation_dataset(batches):
                yield images.numpy(), labels.numpy()

    def file_names(self) -> Iterator[str]:
        """Yields a name per example: its file's, or its shard and number where none is stored."""
        from tfinspect.data.example_names import example_names

        return example_names(self.directory, self.manifest, self.name)


def open_split(source: str, data: str | None, name: str, limit: int | None, model: Any) -> Split:
    """Finds the data to rank.

    Args:
      source: what the model was loaded from.
      data: a name or path; None takes those that the run `source` was trained on.
      name: of the split.
      limit: only the first so many examples.
      model: its labels must be those of the data.

    Raises:
      DataError: they are missing, or have other labels than the model.
      ConfigError: `data` is None and the source is no run.
    """
    directory, manifest = _prepared(source, data)
    _require_labels(model, directory, manifest)
    return Split(directory, manifest, name, limit)


def _prepared(source: str, data: str | None) -> tuple[str, Manifest]:
    from tfinspect.data.prepare import prepare

    if data is not None:
        return prepare(data)
    from tfinspect.errors import RunError
    from tfinspect.training.run_data import data_of
    from tfinspect.training.run_directory import open_run

    try:
        return data_of(open_run(source))
    except RunError as error:
        raise ConfigError(
            f"'{source}' is no run that knows its data ({error}); say which with --data."
        ) from error


def _require_labels(model: Any, directory: str, manifest: Manifest) -> None:
    known = model.labels
    if known is None:
        return
    if tuple(manifest.label_names) != tuple(known):
        unknown = [label for label in manifest.label_names if label not in known]
        what = f"'{unknown[0]}', unknown to" if unknown else "another order of labels than"
        raise DataError(
            f"'{directory}' has the label{' ' if unknown else 's in '}{what} the model "
            f"'{model.name}', which has {', '.join(map(repr, known[:5]))}"
            f"{' and more' if len(known) > 5 else ''}; give data with the model's labels."
        )

"""Logits of the pattern image, kept in a file, to be compared with later ones."""

import json
from dataclasses import dataclass

import numpy as np

from tfinspect import files
from tfinspect.errors import ConfigError
from tfinspect.verification.pattern import VERSION


@dataclass(frozen=True, eq=False)
class Golden:
    """What a golden file holds.

    Attributes:
      network: name in the registry.
      image_shape: (H, W, C) of the pattern.
      logits: float32 `[1, classes]`.
    """

    network: str
    image_shape: tuple[int, int, int]
    logits: np.ndarray

    def write(self, path: str) -> None:
        """Writes the file.

        Raises:
          DataError: it cannot be written.
        """
        described = {
            "network": self.network,
            "image_shape": list(self.image_shape),
            "pattern": VERSION,
            "logits": [float(str(one)) for one in self.logits[0]],
        }
        with files.writing(path, "w") as stream:
            json.dump(described, stream)
            stream.write("\n")

    def require(self, network: str, image_shape: tuple[int, int, int], path: str) -> None:
        """Refuses to compare with another network or size.

        Raises:
          ConfigError: they differ.
        """
        if (self.network, self.image_shape) != (network, image_shape):
            raise ConfigError(
                f"'{path}' holds golden logits of '{self.network}' at "
                f"{_shown(self.image_shape)}, and not of '{network}' at {_shown(image_shape)}; "
                "give that network and size, or write another file with --write-golden."
            )


def read_golden(path: str) -> Golden:
    """Reads a golden file.

    Raises:
      ConfigError: it is none, or of another pattern.
      DataError: it cannot be opened.
    """
    with files.open_file(path, "r") as stream:
        try:
            described = json.load(stream)
            pattern = described["pattern"]
            golden = Golden(
                str(described["network"]),
                tuple(map(int, described["image_shape"])),  # type: ignore[arg-type]
                np.asarray([described["logits"]], np.float32),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(
                f"'{path}' holds no golden logits; write it with --write-golden."
            ) from error
    if pattern != VERSION:
        raise ConfigError(
            f"'{path}' was made with pattern {pattern} of another version, and this is pattern "
            f"{VERSION}; write it again with --write-golden."
        )
    return golden


def _shown(shape: tuple[int, int, int]) -> str:
    return f"{shape[0]}x{shape[1]}"

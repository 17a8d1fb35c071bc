"""Weights alone, under the variables' own names."""

import os

import numpy as np

from tfinspect import files
from tfinspect.errors import RunError
from tfinspect.extraction.part import NetworkPart
from tfinspect.training import checkpoints


def write_checkpoint(part: NetworkPart, prefix: str) -> None:
    """Writes a V2 checkpoint, whatever format the weights came in, and its state file.

    Raises:
      RunError: it cannot be written.
    """
    checkpoints.save(prefix, part.variables_by_name())
    with files.writing(os.path.join(os.path.dirname(prefix), checkpoints.STATE_FILE), "w") as state:
        state.write(f'model_checkpoint_path: "{os.path.basename(prefix)}"\n')


def write_hdf5(part: NetworkPart, path: str) -> None:
    """Writes an HDF5 file with one dataset per variable, at the variable's name as its path.

    `InceptionResnetV2/Conv2d_1a_3x3/weights` is a dataset in nested groups. Keras's own
    `load_weights` asks for a Keras model's layers and does not read it; h5py and this package do.

    Raises:
      RunError: it cannot be written.
    """
    import h5py

    try:
        with h5py.File(path, "w") as file:
            file.attrs["network"] = part.spec.name
            for name, variable in part.variables_by_name().items():
                file[name] = np.asarray(variable)
    except OSError as error:
        raise RunError(f"cannot write '{path}': {error}; free some space.") from error

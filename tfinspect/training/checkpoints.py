"""Checkpoints of the tensor-bundle (V2) format whose keys are variable names.

TensorFlow 1's `Saver`, slim and this package's readers find each value under the variable's own
name. A checkpoint appears under its final name only when it is whole.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfinspect import files
from tfinspect.errors import DataError, RunError
from tfinspect.names import choices

STATE_FILE = "checkpoint"
_DATA_SUFFIX = ".data-00000-of-00001"
_INDEX_SUFFIX = ".index"


def save(prefix: str, values: Mapping[str, Any]) -> None:
    """Writes one checkpoint.

    Args:
      prefix: path without suffix, such as `run/checkpoints/model.ckpt-100`.
      values: variable name -> array, tensor or variable.

    Raises:
      RunError: it cannot be written, for want of space or permission. Nothing of it stays, and
        checkpoints written before are untouched.
    """
    import tensorflow as tf

    directory, name = os.path.split(prefix)
    scratch = files.temporary_name(prefix)
    names = sorted(values)
    try:
        os.makedirs(scratch, exist_ok=True)
        tf.raw_ops.SaveV2(
            prefix=os.path.join(scratch, name),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[tf.convert_to_tensor(values[key]) for key in names],
        )
        # The index comes last: readers look for it first.
        for suffix in (_DATA_SUFFIX, _INDEX_SUFFIX):
            _flush(os.path.join(scratch, name + suffix))
            os.replace(os.path.join(scratch, name + suffix), prefix + suffix)
    except (tf.errors.OpError, OSError) as error:
        raise RunError(
            f"cannot write the checkpoint '{prefix}': {_reason(error)}; "
            f"{_last_good(directory)} Free some space, then go on with --resume."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def naming_last_good(directory: str) -> Iterator[None]:
    """Adds the newest checkpoint of a directory to the error of a write that fails in the block.

    Raises:
      RunError: something could not be written.
    """
    try:
        yield
    except (DataError, RunError) as error:
        raise RunError(
            f"{str(error).rstrip('.')}; {_last_good(directory)} Then go on with --resume."
        ) from error


def _reason(error: Exception) -> str:
    # TensorFlow puts the op's mangled name before, and in brackets behind, what went wrong.
    text = str(getattr(error, "message", None) or error).splitlines()[0]
    return re.sub(r"\{\{.*?\}\}\s*|\s*\[Op:.*", "", text)


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_good(directory: str) -> str:
    found = stored(directory)
    if not found:
        return "no earlier checkpoint exists."
    return f"the last good checkpoint is '{found[-1]}'."


def read(prefix: str) -> dict[str, np.ndarray]:
    """Reads every value of a checkpoint.

    Raises:
      RunError: there is no checkpoint of that prefix, or it is broken.
    """
    import tensorflow as tf

    if not os.path.exists(prefix + _INDEX_SUFFIX):
        raise RunError(
            f"no checkpoint '{prefix}' ({prefix}{_INDEX_SUFFIX} is missing); "
            f"{choices(prefix, stored(os.path.dirname(prefix)))}. Give the path without suffix."
        )
    try:
        reader = tf.train.load_checkpoint(prefix)
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"the checkpoint '{prefix}' is broken: {reason}") from error


def assign(variables: Mapping[str, Any], values: Mapping[str, Any], origin: str) -> None:
    """Sets every variable to the value of its name; any mismatch is an error and changes nothing.

    Args:
      variables: variable name -> `tf.Variable`.
      values: name -> array; names that no variable has are left alone.
      origin: what the values were read from, for the message.

    Raises:
      RunError: a variable has no value, or one of another shape.
    """
    missing = [name for name in variables if name not in values]
    if missing:
        raise RunError(
            f"'{origin}' lacks {len(missing)} of {len(variables)} variables, such as "
            f"'{missing[0]}'; {choices(missing[0], values)}. It belongs to another network."
        )
    for name, variable in variables.items():
        if tuple(variable.shape) != np.shape(values[name]):
            raise RunError(
                f"'{name}' has the shape {list(np.shape(values[name]))} in '{origin}' and "
                f"{list(variable.shape)} in the network; build the network as it was trained."
            )
    for name, variable in variables.items():
        variable.assign(values[name])


def restore(prefix: str, model: Any) -> dict[str, np.ndarray]:
    """Loads a checkpoint into a `SlimModel` and returns all that the checkpoint holds."""
    values = read(prefix)
    assign(model.variables_by_name(), values, prefix)
    return values


def restore_chosen(choose: Callable[[], str], model: Any) -> str:
    """Loads a checkpoint of a run that may be going on, and returns its prefix.

    Args:
      choose: returns the prefix. It is asked again if the checkpoint cannot be read, because a run
        deletes its older checkpoints.
      model: the `SlimModel`.

    Raises:
      RunError: the same checkpoint is chosen twice and cannot be loaded.
    """
    while True:
        prefix = choose()
        try:
            restore(prefix, model)
            return prefix
        except RunError:
            if choose() == prefix:
                raise


def stored(directory: str) -> list[str]:
    """Returns the prefixes of the whole checkpoints in a directory, by step, oldest first."""
    if not os.path.isdir(directory):
        return []
    found = [re.fullmatch(r"(.+-(\d+))\.index", name) for name in os.listdir(directory)]
    steps = sorted((int(match[2]), match[1]) for match in found if match)
    return [os.path.join(directory, name) for _, name in steps]


def latest(directory: str) -> str:
    """Returns the prefix of the newest checkpoint.

    Raises:
      RunError: there is none.
    """
    found = stored(directory)
    if not found:
        raise RunError(f"no checkpoint in '{directory}'; train first, or name another run.")
    return found[-1]


def keep_newest(directory: str, count: int) -> None:
    """Deletes all but the newest checkpoints and writes TensorFlow's `checkpoint` state file."""
    found = stored(directory)
    kept = found[-count:]
    state = os.path.join(directory, STATE_FILE)
    with naming_last_good(directory), files.writing(state, "w") as stream:
        stream.write(f'model_checkpoint_path: "{os.path.basename(kept[-1])}"\n')
        for prefix in kept:
            stream.write(f'all_model_checkpoint_paths: "{os.path.basename(prefix)}"\n')
    for prefix in found[:-count]:
        with naming_last_good(directory), files.reporting("delete", prefix):
            files.remove(prefix + _INDEX_SUFFIX)
            files.remove(prefix + _DATA_SUFFIX)

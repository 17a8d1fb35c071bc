"""What one training run leaves on disk, and where.

`config.json` describes the run, `checkpoints/` holds the newest weights with optimizer slots,
`best/` the weights that did best on the validation split, as they were evaluated, `backup/` what
`--resume` needs, `export/` a SavedModel, `events/` TensorBoard's files.
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tfinspect import files
from tfinspect.errors import RunError
from tfinspect.names import nearest
from tfinspect.nets.registry import get_spec
from tfinspect.nets.spec import NetSpec

# What may lie in a directory that takes a new run: an unused lock, a learning-rate curve.
_HARMLESS = {".lock", "lr-finder.csv", "lr-finder.png"}
# The form of `files.temporary_name`.
_TEMPORARY = re.compile(r"\..+\.tmp-\d+")
_DATA = ".data-00000-of-00001"


@dataclass(frozen=True)
class RunDirectory:
    """The paths inside a run directory.

    Attributes:
      path: of the directory.
      shown_path: what messages name; None is `path`. Of a process that writes to a temporary place,
        where the one that writes the run does.
    """

    path: str
    shown_path: str | None = None

    @property
    def shown(self) -> str:
        """The path that `--output` takes."""
        return self.shown_path or self.path

    def file(self, name: str) -> str:
        """Returns the path of a file or folder of the run."""
        return os.path.join(self.path, name)

    @property
    def checkpoints(self) -> str:
        """Newest weights, with optimizer slots and `global_step`."""
        return self.file("checkpoints")

    @property
    def best(self) -> str:
        """The weights with the best validation accuracy."""
        return self.file("best")

    @property
    def state(self) -> str:
        """What `--resume` reads: the last step, its checkpoint, the epochs so far."""
        return self.file(os.path.join("backup", "state.json"))

    def write_json(self, name: str, value: Any) -> None:
        """Writes one JSON file atomically."""
        files.make_directory(os.path.dirname(self.file(name)))
        with files.writing(self.file(name), "w") as stream:
            json.dump(value, stream, indent=2, ensure_ascii=False)
            stream.write("\n")

    def read_json(self, name: str) -> Any:
        """Reads one JSON file.

        Raises:
          RunError: it is missing or broken.
        """
        path = self.file(name)
        if not os.path.exists(path):
            raise RunError(f"'{self.path}' is no run directory: it has no {name}.")
        try:
            with files.open_file(path, "r") as stream:
                return json.load(stream)
        except (ValueError, RecursionError) as error:
            raise RunError(f"'{path}' is no valid JSON: {error}.") from error


@dataclass(frozen=True)
class RunInfo:
    """The description that a run wrote of itself: everything needed to build its network again.

    `image_shape` is (H, W, C) where the run chose another than the network's own.
    """

    directory: RunDirectory
    network: str
    width: float
    num_classes: int
    compute_dtype: str
    data: dict[str, Any]
    config: dict[str, Any]
    labels: tuple[str, ...]
    image_shape: tuple[int, int, int] | None = None
    # Whether the network has its auxiliary head, where it has one at this size.
    auxiliary_head: bool = True

    def spec(self) -> NetSpec:
        """Returns the network's record, for the run's own image size.

        Raises:
          NetworkError: this version has no such network.
        """
        spec = get_spec(self.network, width=self.width)
        if self.image_shape is not None:
            spec = spec.with_image_size(*self.image_shape[:2])
        return spec if self.auxiliary_head else spec.without_aux()


def create(path: str, description: dict[str, Any], labels: tuple[str, ...]) -> RunDirectory:
    """Starts a run directory: `config.json` and `labels.txt`.

    Raises:
      RunError: the directory holds something already.
    """
    refuse_occupied(path)
    run = RunDirectory(path)
    files.make_directory(path)
    # The description alone says all; `labels.txt` repeats its labels for other programs.
    run.write_json("config.json", description | {"labels": list(labels)})
    with files.writing(run.file("labels.txt"), "w") as stream:
        stream.writelines(f"{label}\n" for label in labels)
    return run


@contextlib.contextmanager
def discarded_if_fruitless(run: RunDirectory) -> Iterator[None]:
    """Removes what a new run has written if the block fails before the first backup.

    So that after a mistake in the settings or the data the same command can be tried again.
    """
    try:
        yield
    except BaseException:
        if not os.path.exists(run.state):
            for name in os.listdir(run.path):
                if name not in _HARMLESS:
                    files.remove(run.file(name))
        raise


def sweep(run: RunDirectory) -> None:
    """Removes what a killed process left half-written; call it under the lock."""
    for directory in (run.path, run.checkpoints, run.best, run.file("backup")):
        names = os.listdir(directory) if os.path.isdir(directory) else []
        for name in names:
            # The data of a checkpoint are there before its index, and after it.
            orphan = name.endswith(_DATA) and f"{name.removesuffix(_DATA)}.index" not in names
            if _TEMPORARY.fullmatch(name) or orphan:
                files.remove(os.path.join(directory, name))


def refuse_occupied(path: str) -> None:
    """Raises a RunError if the directory cannot take a new run."""
    _refuse_remote(path)
    if os.path.isfile(path):
        raise RunError(f"'{path}' is a file; choose another --output.")
    if os.path.exists(os.path.join(path, "config.json")):
        raise RunError(
            f"'{path}' already holds a run; continue it with --resume, or choose another --output."
        )
    found = set(os.listdir(path)) if os.path.isdir(path) else set()
    if {name for name in found - _HARMLESS if not _TEMPORARY.fullmatch(name)}:
        raise RunError(f"'{path}' is not empty and holds no run; choose another --output.")


def refuse_inside(path: str, data: str) -> None:
    """Raises a RunError if a new run would be written among the data that it is trained on."""
    inside, outside = (os.path.join(os.path.realpath(one), "") for one in (path, data))
    if os.path.isdir(data) and inside.startswith(outside):
        raise RunError(
            f"the run directory '{path}' lies inside the data '{data}', and what it writes would "
            "become part of them; choose another --output."
        )


def _refuse_remote(path: str) -> None:
    if files.is_remote(path):
        raise RunError(
            f"a run directory must be local, and '{path}' is not; train into a local directory "
            "and copy it when the run is finished."
        )


def open_run(path: str, command: str = "train") -> RunInfo:
    """Reads a run's description.

    Args:
      path: of the directory.
      command: what makes such a run, for the message.

    Raises:
      RunError: the directory is missing or holds no run.
    """
    _refuse_remote(path)
    run = RunDirectory(path)
    if not os.path.exists(run.file("config.json")):
        raise RunError(_no_run(path, command))
    described = run.read_json("config.json")
    try:
        return RunInfo(
            directory=run,
            network=described["network"],
            width=described["width"],
            num_classes=described["num_classes"],
            compute_dtype=described["compute_dtype"],
            data=described["data"],
            config=described["config"],
            labels=tuple(described["labels"]),
            image_shape=tuple(shape) if (shape := described.get("image_shape")) else None,
            auxiliary_head=described.get("auxiliary_head", True),
        )
    except KeyError as error:
        path = run.file("config.json")
        raise RunError(f"'{path}' lacks {error}; it was not written by tfinspect.") from error


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Holds a run directory for this process.

    Raises:
      RunError: another process is training into it.
    """
    files.make_directory(path)
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(open(os.path.join(path, ".lock"), "w", encoding="utf-8"))
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f"another process is training into '{path}'; wait, or choose another --output."
            ) from error
        except OSError as error:
            raise RunError(
                f"cannot write into '{path}': {error.strerror}; choose another --output."
            ) from error
        try:
            yield
        finally:
            _remove_if_empty(path)


def _remove_if_empty(path: str) -> None:
    if set(os.listdir(path)) == {".lock"}:
        files.remove(path)


def _no_run(path: str, command: str) -> str:
    makes = f"`tfinspect {command} --output {path}` makes one."
    if not os.path.lexists(path):
        beside = {os.path.basename(run): run for run in _runs_in(os.path.dirname(path) or ".")}
        near = [beside[name] for name in nearest(os.path.basename(path), beside)]
        offer = f"nearest: {', '.join(map(repr, near))}; " if near else ""
        return f"no run directory '{path}'; {offer}{makes}"
    if not os.path.isdir(path):
        return f"'{path}' is no run directory but a file; give the directory of a run."
    told = f"'{path}' is no run directory: it has no config.json"
    inside = _runs_in(path)
    if inside:
        more = f" and {len(inside) - 5} more" if len(inside) > 5 else ""
        return f"{told}; give one of those in it: {', '.join(map(repr, inside[:5]))}{more}."
    empty = not set(os.listdir(path)) - _HARMLESS
    return f"{told}; {makes if empty else 'give the directory of a run.'}"


def _runs_in(directory: str) -> list[str]:
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    places = (os.path.normpath(os.path.join(directory, name)) for name in names)
    return [place for place in places if os.path.isfile(os.path.join(place, "config.json"))]

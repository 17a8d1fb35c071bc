"""The stamp of every read of the test split: a choice made by looking at it is no test any more."""

import datetime
import os
import shlex
import sys
from dataclasses import asdict, dataclass

from tfinspect.training.run_directory import RunDirectory

STAMP_FILE = "test_reads.json"


@dataclass(frozen=True)
class StampedRead:
    """One read of a test split.

    Attributes:
      time: ISO 8601, UTC.
      command: the command line of the process.
      data: fingerprint of the data set.
      weights: checkpoint prefix, relative to the run.
      accuracy: 0..1, what was seen.
    """

    time: str
    command: str
    data: str
    weights: str
    accuracy: float


def reads(run: RunDirectory) -> list[StampedRead]:
    """Returns the stamps so far, oldest first.

    Raises:
      RunError: the stamp file is broken.
    """
    if not os.path.exists(run.file(STAMP_FILE)):
        return []
    return [StampedRead(**stamp) for stamp in run.read_json(STAMP_FILE)]


def stamp(run: RunDirectory, *, data: str, weights: str, accuracy: float) -> int:
    """Adds one read to the run's stamps.

    Returns:
      How many times this data set's test split has been read, with this one.
    """
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    stamps = [*reads(run), StampedRead(now, shlex.join(sys.argv), data, weights, accuracy)]
    run.write_json(STAMP_FILE, [asdict(one) for one in stamps])
    return sum(one.data == data for one in stamps)

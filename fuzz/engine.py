"""One process of the fuzzer, started by `fuzz.run`: libFuzzer, through atheris, on one target.

An exception is noted and the search goes on; what ends the process (a crash in native code, no end,
more than the memory allowed) leaves its input behind, and `fuzz.run` starts the next process.
"""

import argparse
import faulthandler
import hashlib
import importlib
import json
import mmap
import os
import pkgutil
import random
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import atheris

MOST_SECONDS, MOST_MEGABYTES = 10.0, 1024
# The address space is larger than what is used; far above, an input could hurt the machine.
ADDRESS_SPACE = 4 << 30
HANGS_AFTER = 60
# Ours, and what is written in Python of the modules that read for us.
WATCHED = ["tfinspect", "pickle", "zipfile", "google.protobuf.text_format"]


class Watched:
    """Runs a target and notes what it finds, each place in the code once."""

    def __init__(self, target: Any, place: Path, count: mmap.mmap) -> None:
        self._target, self._place, self._count = target, place, count
        self._known: set[str] = set()
        self._directory = place / "input"
        self._executions = int.from_bytes(count[:8], "little")

    def __call__(self, data: bytes) -> None:
        self._executions += 1
        self._count[:8] = self._executions.to_bytes(8, "little")
        # The process before this one may have ended over its input.
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir()
        start = time.process_time()
        try:
            self._target.run(data, self._directory)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._note(data, "exception", _where(error), f"{type(error).__name__}: {error}")
        self._check_costs(data, time.process_time() - start)

    def _check_costs(self, data: bytes, seconds: float) -> None:
        if seconds > MOST_SECONDS:
            self._note(data, "slow", "", f"{seconds:.1f} s")
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        if megabytes > MOST_MEGABYTES:
            self._note(data, "memory", "", f"{megabytes} MB")
            # The peak never goes down again: a new process has to go on.
            os._exit(3)

    def _note(self, data: bytes, kind: str, where: str, error: str) -> None:
        known = f"{kind} {where}"
        if known in self._known:
            return
        self._known.add(known)
        path = self._place / f"{kind}-{hashlib.sha1(data).hexdigest()}"
        path.write_bytes(data)
        told = {"kind": kind, "where": where, "error": error[:300], "input": path.name}
        with open(self._place / "findings.jsonl", "a") as stream:
            stream.write(json.dumps(told) + "\n")


def _where(error: BaseException) -> str:
    frames = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return " > ".join(frames[-3:])


def mutator(target: Any) -> Any:
    """Returns the target's mutator as atheris calls it."""

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        room = 1 << chance.randrange(3, 11)

        def inner(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, max(1, min(most, len(part) + room))))

        changed = target.mutate(bytes(data), inner, chance)
        return changed if len(changed) <= most else changed[:most]

    return mutate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("place", type=Path, help="corpus, findings and count are kept there")
    parser.add_argument("seconds", type=int)
    arguments = parser.parse_args()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for name in WATCHED:
        # Something may have imported it before its instructions could be counted.
        sys.modules.pop(name, None)
    with atheris.instrument_imports(include=WATCHED):
        import tfinspect.artifacts as artifacts

        for module in pkgutil.iter_modules(artifacts.__path__):
            importlib.import_module(f"{artifacts.__name__}.{module.name}")
        from fuzz.targets import TARGETS
    target = TARGETS[arguments.target]
    with open(arguments.place / "count", "r+b") as stream:
        count = mmap.mmap(stream.fileno(), 8)
    longest = max(map(len, target.seeds()))
    options = [
        sys.argv[0],
        str(arguments.place / "corpus"),
        f"-max_total_time={arguments.seconds}",
        f"-max_len={longest + 4096}",
        f"-timeout={HANGS_AFTER}",
        f"-artifact_prefix={arguments.place}/",
        "-rss_limit_mb=0",
    ]
    watched = Watched(target, arguments.place, count)
    atheris.Setup(options, watched, custom_mutator=mutator(target))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Fuzzes readers for a while each and prints what was found, one JSON object a target.

`python -m fuzz.run [TARGET ...] [--seconds 180]`, from the project's root; needs the extra `fuzz`.
Exits with 1 when there is a finding; its input lies in `fuzz/findings/TARGET/`.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz import SCRATCH
from fuzz.targets import TARGETS

FINDINGS = Path(__file__).with_name("findings")
_PROGRESS = re.compile(r"^#\d+\s+\w+\s+cov: (\d+) ft: (\d+)", re.MULTILINE)
# libFuzzer names the input that ended its process.
_ENDS = ("crash", "timeout", "oom")
# A process that ends at once, again and again, is not started for ever.
_MOST_STARTS = 50
_SHORTEST = 5


def fuzz(name: str, seconds: int) -> dict[str, Any]:
    """Fuzzes one target and returns what was done and found."""
    with tempfile.TemporaryDirectory(prefix=f"tfinspect-fuzz-{name}-", dir=SCRATCH) as made:
        place = Path(made)
        corpus = place / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(TARGETS[name].seeds()):
            (corpus / f"seed{number}").write_bytes(seed)
        (place / "count").write_bytes(bytes(8))
        start, starts, edges, features = time.monotonic(), 0, 0, 0
        while (left := seconds - (time.monotonic() - start)) > _SHORTEST and starts < _MOST_STARTS:
            starts += 1
            output = _one_process(name, place, int(left))
            for found in _PROGRESS.finditer(output):
                edges = max(edges, int(found[1]))
                features = max(features, int(found[2]))
            if not edges:
                raise SystemExit(f"the fuzzer of '{name}' did not start:\n{output[-3000:]}")
        findings = list(_findings(place))
        _keep(name, place, findings)
        return {
            "target": name,
            "seconds": round(time.monotonic() - start),
            "executions": int.from_bytes((place / "count").read_bytes(), "little"),
            "edges": edges,
            "features": features,
            "corpus": len(list(corpus.iterdir())),
            "processes": starts,
            "findings": findings,
        }


def _one_process(name: str, place: Path, seconds: int) -> str:
    command = [sys.executable, "-m", "fuzz.engine", name, str(place), str(seconds)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    output = done.stderr.decode("utf-8", "replace")
    (place / "log.txt").write_text(output[-100_000:])
    return output


def _findings(place: Path) -> Iterator[dict[str, Any]]:
    noted = place / "findings.jsonl"
    lines = noted.read_text().splitlines() if noted.exists() else []
    seen = set()
    for line in lines:
        found = json.loads(line)
        # Each process notes for itself.
        if (known := (found["kind"], found["where"])) not in seen:
            seen.add(known)
            yield found
    for path in sorted(place.iterdir()):
        kind = path.name.partition("-")[0]
        if kind in _ENDS:
            yield {"kind": kind, "where": "", "error": "ended the process", "input": path.name}


def _keep(name: str, place: Path, findings: list[dict[str, Any]]) -> None:
    kept = FINDINGS / name
    shutil.rmtree(kept, ignore_errors=True)
    if findings:
        kept.mkdir(parents=True)
        shutil.copy(place / "log.txt", kept)
        for found in findings:
            shutil.copy(place / found["input"], kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=180, help="for each target")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target '{unknown[0]}'; there are: {', '.join(TARGETS)}")
    found = 0
    for name in arguments.targets or TARGETS:
        result = fuzz(name, arguments.seconds)
        found += len(result["findings"])
        print(json.dumps(result), flush=True)
    raise SystemExit(int(found > 0))


if __name__ == "__main__":
    main()

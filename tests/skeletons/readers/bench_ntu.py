"""Files per second of one core, beside numpy's own reading of the same text in the same process. Run by hand:

    OMP_NUM_THREADS=1 python tests/skeletons/readers/bench_ntu.py [--root DIR_OR_ZIP] [--files 200] [--recipe ctr-64]

Without a root, synthetic files are written to a temporary folder first. ``fromstring`` turns every number of a file
into a float and nothing more; ``loadtxt`` is handed the joint lines only, since it cannot read lines of different
lengths. Prints medians over rounds as JSON; ``times`` are those of numpy over ours.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.skeletons.importing.clips import ClipMaker, ImportJob
from zsl_skeleton.skeletons.readers import ClipRef
from zsl_skeleton.skeletons.readers.ntu import NtuReader
from zsl_skeleton.skeletons.readers.ntu_text import parse_bodies
from zsl_skeleton.skeletons.recipes import find_recipe
from zsl_skeleton.skeletons.synthesis.ntu_files import NtuFilesConfig, write_ntu_files


def measure(work: dict[str, Callable[[int], Any]], count: int, rounds: int = 5) -> dict[str, float]:
    """Median CPU seconds per file; the rivals take turns, so that a busy machine slows all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            started = time.thread_time()
            for index in range(count):
                run(index)
            seconds[name].append((time.thread_time() - started) / count)
    return {name: statistics.median(values) for name, values in seconds.items()}


def bench(refs: Sequence[ClipRef], recipe: str) -> dict[str, Any]:
    contents = [ref.source.read_bytes() for ref in refs]
    texts = [content.decode() for content in contents]
    joints = ["".join(line for line in text.splitlines(keepends=True) if line.count(" ") == 11) for text in texts]
    job = ImportJob("ntu", {"bodies": find_recipe(recipe).bodies}, recipe, 120, 2, False, Path())
    maker = ClipMaker(job)
    seconds = measure(
        {
            "fromstring": lambda i: np.fromstring(texts[i], sep=" "),
            "loadtxt": lambda i: np.loadtxt(io.StringIO(joints[i])),
            "parse": lambda i: parse_bodies(contents[i], refs[i].source),
            "clip": lambda i: maker.make(refs[i]),
        },
        len(refs),
    )
    size = sum(map(len, contents)) / len(refs)
    return {
        "files": len(refs),
        "bytes_per_file": round(size),
        "recipe": recipe,
        "milliseconds": {name: round(1e3 * value, 3) for name, value in seconds.items()},
        "files_per_second": {name: round(1 / value, 1) for name, value in seconds.items()},
        "megabytes_per_second": {name: round(size / value / 1e6, 1) for name, value in seconds.items()},
        "times": {
            f"{numpy}/{ours}": round(seconds[numpy] / seconds[ours], 2)
            for ours in ("parse", "clip")
            for numpy in ("fromstring", "loadtxt")
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--recipe", default="ctr-64")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = args.root or Path(folder)
        if args.root is None:
            write_ntu_files(root, load_dataset("ntu60"), NtuFilesConfig(performers=2, replications=1))
        refs = NtuReader().scan(root).clips[: args.files]
        json.dump(bench(refs, args.recipe), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

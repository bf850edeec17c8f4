"""How long all calibration constants take, beside the unit of all our timings. Run by hand:

    OMP_NUM_THREADS=1 python tests/evaluation/bench_gzsl.py [--clips 16487] [--classes 60] [--unseen 5]

A unit is one multiplication of two 1024 x 1024 float32 matrices in the same process. Prints medians as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from zsl_skeleton.evaluation.gzsl import curve, margins


def median_seconds(run: Callable[[], object], rounds: int = 21) -> float:
    run()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("clips", 16487), ("classes", 60), ("unseen", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    generator = np.random.default_rng(0)
    scores = generator.standard_normal((args.clips, args.classes), dtype=np.float32)
    labels = generator.integers(args.classes, size=args.clips)
    scores[np.arange(args.clips), labels] += 2
    seen = np.ones(args.classes, dtype=np.bool_)
    seen[generator.choice(args.classes, args.unseen, replace=False)] = False
    a, b = generator.standard_normal((2, 1024, 1024), dtype=np.float32)

    known = margins(scores, labels, seen)
    unit = median_seconds(lambda: a @ b)
    found = {
        "margins": median_seconds(lambda: margins(scores, labels, seen)),
        "curve": median_seconds(lambda: curve(known)),
        "all": median_seconds(lambda: curve(margins(scores, labels, seen)).best()),
    }
    result = {"unit_seconds": unit, "clips": args.clips, "classes": args.classes}
    json.dump(result | {f"{name}_units": value / unit for name, value in found.items()}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

"""How well an export names clips of a data set it has never seen, by class names typed by hand: NW-UCLA's ten.

ZSL_DATA_DIR=DATA python tests/prediction/bench_nw_ucla.py EXPORT

DATA holds the folders utd-mhad, msr-action3d and nw-ucla. The export is made by

export ZSL_CATALOG=CATALOG; mkdir -p CATALOG
for name in utd-mhad msr-action3d; do zsl-data import --dataset $name --root DATA/$name; done
zsl-data merge --name kinect-mix --dataset utd-mhad --dataset msr-action3d --catalog CATALOG \\
    --same "jogging in place=jogging" --same "two hand front clap=hand clap" --same "right hand draw x=draw x" \\
    --same "right arm throw=high throw" --same "right hand pick up and throw=pick up and throw" \\
    --same "right hand catch an object=hand catch" --same "tennis right hand forehand swing=tennis swing" \\
    --same "right hand draw circle clockwise=draw circle" --same "right hand wave=high arm wave"
zsl-semantics facts --dataset kinect-mix --out FACTS/kinect-mix/facts.yaml
zsl-semantics generate --dataset kinect-mix --facts FACTS
zsl-data pretrain --dataset kinect-mix --split random-1 --epochs 20
zsl-data extract --dataset kinect-mix --split random-1 --weights kinect-mix-random-1-st-gcn
zsl-train --dataset kinect-mix --split random-1 --method ridge --gzsl --bank kinect-mix-compose \\
    --features kinect-mix-random-1-st-gcn
zsl-train export ridge-default-kinect-mix-random-1-gzsl-seed0 --out EXPORT
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from zsl_skeleton import load
from zsl_skeleton.prediction.predictor import PredictOptions
from zsl_skeleton.prediction.temperature import calibration_error
from zsl_skeleton.prediction.wording import Wording

TYPED = (
    *("pick up with one hand", "pick up with two hands", "drop trash", "walk around", "sit down"),
    *("stand up", "getting dressed", "getting undressed", "throw", "carry"),
)
"""In the order of NW-UCLA's labels; the two about clothes in words of our own."""
RELATED = ("walk around", "sit down", "stand up", "throw")
"""Actions that UTD-MHAD has, too, in other words; whether they were trained on is up to the split."""


def main(export: Path) -> None:
    """Print one row per source of texts."""
    folder = Path(os.environ.get("ZSL_DATA_DIR") or Path(__file__).resolve().parents[3] / "shared" / "data") / "nw-ucla"
    predictor = load(export)
    sys.stdout.write(
        f"{'texts':<10}{'clips':>6}{'accuracy':>10}{'related':>10}{'others':>10}{'confidence':>12}{'ECE':>8}\n"
    )
    for backend in ("name", "compose"):
        found = predictor.predict(folder, TYPED, options=PredictOptions(Wording(backend=backend), reader="nw-ucla"))
        right = found.probabilities.argmax(1) == found.labels
        related = np.isin(found.labels, [TYPED.index(name) for name in RELATED])
        shares = [part.mean() for part in (right, right[related], right[~related], found.confidence)]
        values = zip((8, 8, 8, 10, 6), [*shares, calibration_error(found.confidence, right)], strict=True)
        figures = "".join(f"{100 * value:{width}.1f} %" for width, value in values)
        sys.stdout.write(f"{backend:<10}{len(right):>6}{figures}\n")
    sys.stdout.write(f"chance {100 / len(TYPED):.1f} %; related: {', '.join(RELATED)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

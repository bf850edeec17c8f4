"""Raw files of a data set: in PKU-MMD's layout for PKU-MMD, in NTU's for everything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.skeletons.synthesis.bulk import Written
from zsl_skeleton.skeletons.synthesis.ntu_files import NtuFilesConfig, write_ntu_files
from zsl_skeleton.skeletons.synthesis.pku_files import PARTS, PkuFilesConfig, write_pku_files
from zsl_skeleton.skeletons.synthesis.plan import PUBLISHED


@dataclass(frozen=True)
class RawOptions:
    """How much is recorded.

    Args:
        performers: how many people, each performing every class; None: as the data set was published.
        replications: how often each of them performs a class; None: 2.
        limit: an evenly spread subset of so many recordings; None: all.
        seed: another seed, other people and performances.
    """

    performers: int | None = None
    replications: int | None = None
    limit: int | None = None
    seed: int = 0


def write_raw_files(folder: Path, dataset: Dataset, options: RawOptions, jobs: int | None = None) -> Written:
    """Write raw files into ``folder``: for NTU and PKU-MMD in the numbers published, for others 10 people.

    Raises:
        UsageError: performers or replications of PKU-MMD, whose numbering tells them.
        InputError: the folder holds something else, or the disk is too small.
    """
    counted = options.performers is not None or options.replications is not None
    if dataset.name in PARTS:
        if counted:
            why = "its recordings are numbered by the publisher"
            raise UsageError(f"{dataset.name} takes no --subjects or --repetitions", why=why, mend="use --limit N")
        return write_pku_files(folder, dataset, PkuFilesConfig(limit=options.limit, seed=options.seed), jobs)
    config = NtuFilesConfig(
        plan="published" if dataset.name in PUBLISHED and not counted else "combinations",
        limit=options.limit,
        performers=options.performers or 10,
        replications=options.replications or 2,
        seed=options.seed,
    )
    return write_ntu_files(folder, dataset, config, jobs)

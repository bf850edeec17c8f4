"""Damaged files of every format: a clip that agrees with its file, or an InputError; nothing else."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reader_samples import SAMPLES, damaged
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.readers import READERS, RawClip, Reader, open_reader

FILES = 2000


@pytest.fixture
def little_memory() -> Iterator[None]:
    """A size that a damaged file claims must not be asked of the system."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def clips(reader: Reader, root: Path) -> Iterator[tuple[object, RawClip]]:
    try:
        for ref in reader.scan(root).clips:
            try:
                yield ref, reader.read(ref)
            except InputError:
                continue
    except InputError:
        return


def overwrite(path: Path, content: bytes) -> None:
    """Without emptying the file first, for which many file systems wait for the disk."""
    with path.open("r+b") as stream:
        stream.write(content)
        stream.truncate()


def test_every_reader_brings_a_sample() -> None:
    assert SAMPLES.keys() == READERS.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sound_sample_is_read(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    path = sample.write(tmp_path)
    found = list(clips(open_reader(name), tmp_path))
    assert found
    assert [clip.joints.shape[1:3] for _, clip in found] == [(sample.frames(path, r), sample.joints) for r, _ in found]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Reading `.npy`")
@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_damaged_file_gives_clips_that_agree_with_it_or_an_error(name: str, tmp_path: Path) -> None:
    sample, random = SAMPLES[name], np.random.default_rng(0)
    sound = sample.write(tmp_path)
    files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    read = refused = 0
    for number in range(FILES):
        victim = files[number % len(files)]
        content = victim.read_bytes()
        overwrite(victim, damaged(content, random, binary=sample.binary))
        found = list(clips(open_reader(name), tmp_path))
        for ref, clip in found:
            assert clip.joints.ndim == 4
            assert clip.joints.shape[1:] == (sample.frames(sound, ref), sample.joints, 3)
            assert np.isfinite(clip.joints).all()
            assert clip.joints.any()
        read, refused = read + bool(found), refused + (not found)
        overwrite(victim, content)
    assert read > 20  # or else nothing but the names was tried
    assert refused > 20

"""What a processor is told before it trains: checked in processes of their own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
import torch

_FAULTS = """
import resource
import numpy as np
from zsl_skeleton.training.processor import keep_pages
kept = keep_pages()
for step in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [np.ones(2**23) for _ in range(2)]
    del blocks
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

_DENORMALS = """
import torch
from zsl_skeleton.training.device import training_device
torch.set_num_threads(2)
training_device("cpu")
denormal = torch.tensor(1e-40)
print(int(torch.count_nonzero(torch.ones(2**22) * denormal)))
"""


def faults(**environment: str) -> tuple[str, int]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS], env=clean | environment, capture_output=True, text=True, check=True
    )
    kept, count = done.stdout.split()
    return kept, int(count)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_blocks_that_were_freed_are_used_again_without_asking_the_kernel() -> None:
    pages = 2 * 2**26 // os.sysconf("SC_PAGESIZE")
    kept, count = faults()
    assert kept == "True"
    assert count < pages / 100


def test_an_allocator_that_the_user_set_is_left_alone() -> None:
    kept, _ = faults(MALLOC_ARENA_MAX="2")
    assert kept == "False"


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor does not flush denormal numbers")
def test_no_thread_counts_in_denormal_numbers() -> None:
    done = subprocess.run([sys.executable, "-c", _DENORMALS], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 0

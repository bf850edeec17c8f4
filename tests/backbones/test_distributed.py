"""Several processes make what one makes, stop together and go on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from zsl_skeleton.artifacts import Store
from zsl_skeleton.backbones import distributed
from zsl_skeleton.backbones.config import PretrainConfig
from zsl_skeleton.backbones.layers import ChannelNorm
from zsl_skeleton.backbones.whole_batch_norm import WholeBatchNorm, whole_moments
from zsl_skeleton.errors import InputError

# In float64: in float32 the order of the sums shows after some steps, as between any two machines.
FIT = """
import json, sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from zsl_skeleton.backbones import distributed
from zsl_skeleton.backbones.augment import STANDARD
from zsl_skeleton.backbones.batches import HeldClips
from zsl_skeleton.backbones.classifier import BackboneSpec, Classifier
from zsl_skeleton.backbones.config import SGD, PretrainConfig
from zsl_skeleton.backbones.fit import Fit

folder = Path(sys.argv[1])
torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(0)
clips = torch.randn(15, 3, 8, 25, 2, generator=generator)
clips[::2, ..., 1] = 0
clips, labels = HeldClips(clips, torch.arange(15) % 4), HeldClips(clips[:5], torch.arange(5) % 4)
config = PretrainConfig(
    epochs=1, batch=7, learning_rate=0.01, label_smoothing=0.1, augmentation=STANDARD, sgd=SGD(weight_decays={})
)
with distributed.joined(torch.device("cpu")):
    for name, options in (("st-gcn", {}), ("shift-gcn", {"person_pooling": "mean", "input_norm": "person"})):
        torch.manual_seed(0)
        model = Classifier(BackboneSpec.of(name, options).build(), 5)
        fit = Fit(model, clips, labels, config)
        fit.run(folder / f"{name}.checkpoint")
        if distributed.rank() == 0:
            save_file(model.state_dict(), folder / f"{name}.weights")
            (folder / f"{name}.json").write_text(json.dumps(fit.history))
"""

PRETRAIN = """
import os, sys
from pathlib import Path
from zsl_skeleton import interruption
from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.backbones.config import PretrainConfig
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.catalog import Dataset

root, skeletons, dataset, config = sys.argv[1:]
Path(root).mkdir(exist_ok=True)
(Path(root) / f"pid-{os.environ['RANK']}").write_text(str(os.getpid()))
interruption.install()
dataset, config = Dataset.model_validate_json(dataset), PretrainConfig.model_validate_json(config)
try:
    for _ in range(2):  # the second time it is there, and nobody waits for anybody
        pretrain(Store(Path(root)), Artifact.open(Path(skeletons)), dataset, dataset.split("one"), config)
except interruption.Interrupted as stop:
    sys.exit(stop.exit_code)
"""


FAILING = """
import os, sys
from pathlib import Path
import torch
from zsl_skeleton.artifacts import Recipe, Store
from zsl_skeleton.backbones import distributed
from zsl_skeleton.errors import InputError

def build(folder):
    distributed.summed(torch.ones(1))
    if os.environ["RANK"] == sys.argv[2]:
        raise InputError("a clip is broken")
    distributed.summed(torch.ones(1))

try:
    with distributed.joined(torch.device("cpu")):
        distributed.made_together(Store(Path(sys.argv[1])), Recipe("stage", "name", "what", {}), build)
except InputError as error:
    (Path(sys.argv[1]) / f"{os.environ['RANK']}.txt").write_text(error.what)
    sys.exit(3)
"""

LAUNCH = """
import os, signal, sys
import torch, zsl_skeleton.backbones.pretrain
torch.optim.Adam([torch.zeros(1)])  # all of it is imported once: that takes longer than what the processes do

program, count = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]
children = []
for number in range(count):
    if not (child := os.fork()):
        os.environ |= {"RANK": str(number), "LOCAL_RANK": str(number)}
        exec(program)
        sys.exit()
    children.append(child)
codes = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
sys.exit(codes.pop() if len(codes) == 1 else f"they ended differently: {codes}")
"""


def start(count: int, program: str, *arguments: object) -> subprocess.Popen[bytes]:
    """So many processes, each with what torchrun tells it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        common = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1])}
    command = [sys.executable, "-c", LAUNCH, program, str(count), *map(str, arguments)]
    one_thread = {"OMP_NUM_THREADS": "1"}  # threads of several processes would wait for each other, spinning
    return subprocess.Popen(command, env={**os.environ, **common, **one_thread}, start_new_session=True)


def ended(processes: subprocess.Popen[bytes]) -> int:
    """The exit code of all of them."""
    try:
        return processes.wait(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(processes.pid, signal.SIGKILL)


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """Uneven shares, and at the end of an epoch a batch of a single clip, of which the second process gets nothing."""
    for count in (1, 2):
        (tmp_path / str(count)).mkdir()
        assert ended(start(count, FIT, tmp_path / str(count))) == 0
    for name in ("st-gcn", "shift-gcn"):
        one, two = (json.loads((tmp_path / count / f"{name}.json").read_text()) for count in "12")
        for first, second in zip(one, two, strict=True):
            assert second == pytest.approx(first, rel=1e-9)
        weights, others = (load_file(tmp_path / count / f"{name}.weights") for count in "12")
        for key, array in weights.items():
            np.testing.assert_allclose(others[key], array, atol=1e-9, rtol=1e-7, err_msg=f"{name} {key}")


@pytest.mark.slow
def test_a_signal_to_one_stops_all_and_they_go_on(skeletons, dataset, tmp_path: Path) -> None:
    config = PretrainConfig(epochs=2, batch=10, checkpoint_seconds=0, device="cpu")
    inputs = skeletons(persons=2, recipe="ctr-64").path, dataset.model_dump_json(), config.model_dump_json()
    whole, broken = Store(tmp_path / "whole"), Store(tmp_path / "broken")
    assert ended(start(2, PRETRAIN, whole.root, *inputs)) == 0
    processes = start(2, PRETRAIN, broken.root, *inputs)
    while not list(broken.root.rglob("checkpoint.safetensors")) and processes.poll() is None:
        time.sleep(0.05)
    os.kill(int((broken.root / "pid-1").read_text()), signal.SIGTERM)
    assert ended(processes) == 143
    assert not broken.all("backbones")
    assert len(list(broken.root.rglob("checkpoint.safetensors"))) == 1
    assert ended(start(2, PRETRAIN, broken.root, *inputs)) == 0
    (expected,), (found,) = whole.all("backbones"), broken.all("backbones")
    for name in expected.card.files:
        assert (found.path / name).read_bytes() == (expected.path / name).read_bytes(), name


@pytest.mark.parametrize("failing", [0, 1])
def test_one_that_fails_does_not_leave_the_other_waiting(failing: int, tmp_path: Path) -> None:
    assert ended(start(2, FAILING, tmp_path, failing)) == 3
    assert (tmp_path / f"{failing}.txt").read_text() == "a clip is broken"
    assert "cannot go on without the others" in (tmp_path / f"{1 - failing}.txt").read_text()


def test_one_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "_MEETING", timedelta(seconds=1))
    with pytest.raises(InputError, match="not all of the 2 processes came"), distributed.joined(torch.device("cpu")):
        pass


def test_shares_cover_a_batch_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "size", lambda: 3)
    for total in (0, 1, 2, 7, 9):
        rows: list[int] = []
        for number in range(3):
            monkeypatch.setattr(distributed, "rank", lambda number=number: number)
            rows += range(total)[distributed.share(total).rows]
        assert rows == list(range(total))


def test_the_norm_over_processes_is_pytorchs() -> None:
    """With a single process in its group, and in float64, it must be exact."""
    group = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=group, rank=0, world_size=1)
    try:
        x = torch.randn(20, 6, dtype=torch.float64, requires_grad=True)
        ours, theirs = ChannelNorm(6).double(), torch.nn.BatchNorm1d(6).double()
        for norm in (ours, theirs):
            torch.nn.init.uniform_(norm.weight, generator=torch.Generator().manual_seed(0))
        moments = whole_moments(x)
        y = WholeBatchNorm.apply(x, ours.weight, ours.bias, moments, ours.eps)
        expected = theirs(x)
        torch.testing.assert_close(y, expected)
        towards = torch.randn_like(x)
        found = torch.autograd.grad((y * towards).sum(), (x, ours.weight, ours.bias))
        wanted = torch.autograd.grad((expected * towards).sum(), (x, theirs.weight, theirs.bias))
        torch.testing.assert_close(found, wanted)
    finally:
        torch.distributed.destroy_process_group()

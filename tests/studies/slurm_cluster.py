"""A real Slurm of one node on this machine: munged, slurmctld and slurmd with everything in a folder of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm(folder: Path) -> Iterator[dict[str, str]]:
    """The variables of the environment that lead to a running Slurm; skips, with the reason, where it cannot start."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no Slurm: {', '.join(missing)} not found (Debian: slurmctld, slurmd, slurm-client, munge)")
    if os.geteuid() != 0:
        pytest.skip("no Slurm: its daemons are started as root")
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    configuration = folder / "slurm.conf"
    host = socket.gethostname().split(".")[0]
    configuration.write_text(CONFIGURATION.format(host=host, folder=folder, ports=_free_ports()))
    files = {name: f"{folder}/munge.{name}" for name in ("socket", "key", "pid", "log", "seed")}
    names = {"socket": "socket", "key": "key-file", "pid": "pid-file", "log": "log-file", "seed": "seed-file"}
    munge = ["munged", "--force", *(f"--{names[kind]}={file}" for kind, file in files.items())]
    variables = {"SLURM_CONF": str(configuration)}
    try:
        _start(munge)
        _start(["slurmctld", "-f", str(configuration)])
        _start(["slurmd", "-f", str(configuration), "-N", host])
        _wait_until_idle(variables, folder)
        yield variables
    finally:
        _empty_queue(variables)
        for name in ("slurmd", "slurmctld", "munge"):
            _stop(folder / f"{name}.pid")


def _start(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if result.returncode:
        pytest.skip(f"no Slurm: {command[0]} ended with {result.returncode}: {result.stderr.strip()}")


def _wait_until_idle(variables: dict[str, str], folder: Path) -> None:
    for _ in range(60):
        command = ["sinfo", "-h", "-o", "%T"]
        result = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
        if result.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    pytest.skip(f"no Slurm: the node did not become idle: {(folder / 'slurmd.log').read_text()[-300:]}")


def _empty_queue(variables: dict[str, str]) -> None:
    """Without jobs, lest what watches over them outlives the daemons."""
    for _ in range(40):
        subprocess.run(["scancel", "--user=root"], env=os.environ | variables, check=False, capture_output=True)
        command = ["squeue", "-h"]
        result = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
        if result.returncode or not result.stdout.strip():
            return
        time.sleep(0.5)


def _stop(file: Path) -> None:
    """Ask, and insist."""
    if not file.is_file():
        return
    process = int(file.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
        for _ in range(50):
            time.sleep(0.1)
            os.kill(process, 0)
        os.kill(process, signal.SIGKILL)


def _free_ports() -> list[int]:
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports

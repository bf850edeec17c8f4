"""The machine and what is installed on it. Imports no torch unless it is asked for a device."""

from __future__ import annotations

import importlib.metadata as metadata
import importlib.util
import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton import __version__

DISTRIBUTION = "zsl-skeleton"
PURPOSES: Mapping[str, str] = {
    "minilm": "weights of the default text encoder; without it they come from the model hub",
    "local": "holds a local language model to the answer's schema (--backend transformers)",
    "tensorboard": "shows the metrics of runs (zsl-train tensorboard)",
    "slurm": "hands the runs of a study to a cluster (zsl-train study)",
    "test": "the project's own tests",
}
"""Extra -> what it is for."""
_VARIABLES = ("OPENAI_BASE_URL", "HF_HOME", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
_PREFIXES = ("ZSL_", "MALLOC_")
_KEYS = ("OPENAI_API_KEY", "HF_TOKEN")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|URL")  # a URL may carry a password
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*\bextra == ['\"](?P<extra>[\w-]+)['\"])?")
_NVIDIA = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Extra:
    """An optional group of packages and those of it that are not installed."""

    name: str
    purpose: str
    missing: tuple[str, ...]

    @property
    def command(self) -> str:
        """What installs it; empty where nothing is missing."""
        return f"pip install '{DISTRIBUTION}[{self.name}]'" if self.missing else ""


@dataclass(frozen=True)
class Machine:
    """What a command works with.

    Args:
        version: of this project.
        python: version of the interpreter.
        system: name and architecture.
        cores: that this process may use.
        device: where tensors will lie, and why.
        memory: free and total bytes; None where the system does not say.
        disk: free bytes where artifacts go.
        packages: required package -> version; None: not installed.
        extras: optional groups of packages.
        variables: of the environment, so far as they matter; of a secret only whether it is set.
    """

    version: str
    python: str
    system: str
    cores: int
    device: str
    memory: tuple[int, int] | None
    disk: int
    packages: Mapping[str, str | None]
    extras: tuple[Extra, ...]
    variables: Mapping[str, str]


def examine(store: Path, device: str | None = None) -> Machine:
    """Look at this machine.

    Args:
        store: folder of the artifacts, which need not exist.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``: ask torch for it; None: see what its build says.

    Raises:
        UsageError: there is no such device.
    """
    requirements = dict[str, list[str]]()
    for name, extra in _requirements():
        requirements.setdefault(extra, []).append(name)
    return Machine(
        version=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        device=_build() if device is None else _asked(device),
        memory=_memory(),
        disk=shutil.disk_usage(next(p for p in (store.absolute(), *store.absolute().parents) if p.exists())).free,
        packages={name: _version(name) for name in sorted(requirements.pop("", []))},
        extras=tuple(
            Extra(extra, PURPOSES.get(extra, ""), tuple(name for name in names if _version(name) is None))
            for extra, names in sorted(requirements.items())
        ),
        variables=dict(_variables(os.environ)),
    )


def _requirements() -> Iterator[tuple[str, str]]:
    """Package and extra (or an empty one) of every requirement of the installed project."""
    try:
        texts = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return
    for text in texts:
        found = _REQUIREMENT.match(text)
        if found:
            yield found["name"], found["extra"] or ""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _asked(device: str) -> str:
    from zsl_skeleton.training.device import choose_device

    return str(choose_device(device))


def _build() -> str:
    """The device as torch's build and the driver let expect; importing torch would take a second or two."""
    found = importlib.util.find_spec("torch")
    version = _version("torch")
    if found is None or found.origin is None or version is None:
        return "none (torch is not installed: pip install torch)"
    facts = Path(found.origin).with_name("version.py")
    built = re.search(r"^(?:cuda|hip)\b[^=]*= *'([^']+)'", facts.read_text() if facts.is_file() else "", re.MULTILINE)
    driver = _NVIDIA.is_file() or shutil.which("nvidia-smi") is not None
    if not built:
        idle = "; there is an NVIDIA driver, so a CUDA build would use the GPU" if driver else ""
        return f"cpu (torch {version} is built without GPU support{idle})"
    if not driver and os.environ.get("CUDA_VISIBLE_DEVICES") is None and "rocm" not in version:
        return f"cpu (torch {version} is built for GPUs, but there is no NVIDIA driver)"
    return f"cuda, probably (torch {version} is built for GPUs; to be sure: zsl-data doctor --device auto)"


def _memory() -> tuple[int, int] | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = {line.partition(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.endswith("kB")}
        return found["MemAvailable"], found["MemTotal"]
    except (OSError, ValueError, KeyError):  # another system than Linux
        return None


def _variables(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _KEYS:
        yield name, "set" if environment.get(name) else "not set"
    for name in sorted(environment):
        if name in _VARIABLES or name.startswith(_PREFIXES):
            value = "set" if _SECRET.search(name) else environment[name]
            gone = name.startswith("ZSL_") and not _SECRET.search(name) and not Path(value).exists()
            yield name, value + " (does not exist)" * gone

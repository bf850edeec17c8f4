"""The wheel, installed into an empty environment, has the prompts, facts and presets and no stray top-level names."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(repository)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(folder.glob("*.whl"))


def test_top_level_names(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"zsl_skeleton", "zsl_skeleton_cli"}


def test_data_is_packaged(wheel: Path, repository: Path) -> None:
    packaged = {name.removeprefix("zsl_skeleton/_packaged/") for name in zipfile.ZipFile(wheel).namelist()}
    for folder in ("prompts", "semantics"):
        files = [p for p in (repository / folder).rglob("*") if p.is_file() and p.name != ".gitkeep"]
        assert files
        assert {p.relative_to(repository).as_posix() for p in files} <= packaged


def test_commands_run_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """The dependencies come from this interpreter's environment; the project itself only from the wheel."""
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    install = [binaries / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True)
    site = next((tmp_path / "venv").glob("lib/*/site-packages"))
    _borrow_dependencies(site)

    def run(*arguments: str) -> str:
        command = [binaries / arguments[0], *arguments[1:]]
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert "texts for the 27 classes of UTD-MHAD" in run("zsl-semantics", "generate", "--dataset", "utd-mhad")
    assert "presets of mla" in run("zsl-train", "list")


def _borrow_dependencies(site: Path) -> None:
    """Link what is installed beside this interpreter, except the project, into ``site``."""
    here = Path(pytest.__file__).resolve().parents[1]
    for entry in here.iterdir():
        own = entry.name.startswith(("zsl_skeleton", "__editable__", "_editable", "_zsl"))
        if not own and not (site / entry.name).exists() and entry.suffix != ".pth":
            (site / entry.name).symlink_to(entry)

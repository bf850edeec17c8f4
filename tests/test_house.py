"""The rules of the house that a machine can check: style, types, sizes, the packaged data."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = ("src", "cli")


def _run(repository: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


def _python_files(repository: Path) -> list[Path]:
    return sorted(path for root in SOURCES for path in (repository / root).rglob("*.py"))


@pytest.mark.parametrize("arguments", [["check", "."], ["format", "--check", "."]], ids=["lint", "format"])
def test_ruff(repository: Path, arguments: list[str]) -> None:
    result = _run(repository, sys.executable, "-m", "ruff", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_mypy_strict(repository: Path) -> None:
    result = _run(repository, sys.executable, "-m", "mypy")
    assert result.returncode == 0, result.stdout


def test_sizes(repository: Path) -> None:
    lines = {p: sum(1 for line in p.read_text().splitlines() if line.strip()) for p in _python_files(repository)}
    assert statistics.median(lines.values()) <= 120
    assert {str(p): n for p, n in lines.items() if n > 400} == {}


def test_library_code_has_no_assert_print_or_silent_except(repository: Path) -> None:
    found = []
    for path in _python_files(repository):
        for node in ast.walk(ast.parse(path.read_text())):
            silent = isinstance(node, ast.ExceptHandler) and len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            printed = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            if silent or printed or isinstance(node, ast.Assert):
                found.append(f"{path}:{node.lineno}")
    assert found == []


def test_nothing_is_unpickled(repository: Path) -> None:
    found = []
    for path in _python_files(repository):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            loads = isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
            if loads or {m.split(".")[0] for m in modules} & {
                "pickle",
                "pickletools",
                "cPickle",
                "dill",
                "joblib",
                "cloudpickle",
            }:
                found.append(path.relative_to(repository).as_posix())
    # It reads the opcodes of a pickle of plain arrays, and carries out none of them.
    assert found == ["src/zsl_skeleton/skeletons/arrays/pickles/restricted_unpickler.py"]


def test_every_public_name_is_documented(repository: Path) -> None:
    found = []
    for path in sorted((repository / "src").rglob("*.py")):
        module = ast.parse(path.read_text())
        public = [node for node in module.body if _is_public(node)]
        methods = [m for node in public if isinstance(node, ast.ClassDef) for m in node.body if _is_public(m)]
        found += [f"{path}:{n.lineno} {n.name}" for n in [*public, *methods] if not ast.get_docstring(n)]  # type: ignore
    assert found == []


def _is_public(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")

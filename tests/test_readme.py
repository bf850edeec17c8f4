"""The README's recipes for adding something, followed word for word in a copy of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

_BLOCK = re.compile(r"<!-- (file|line in \w+|try)(?:: (\S+))? -->\n```\w*\n(.*?)```", re.DOTALL)
_PROMISE = re.compile(r"^\*\*(An? [^*]*?|Recordings[^*]*?) in (\d+) lines", re.MULTILINE)
_PROGRAMS = {name: name.removeprefix("zsl-") for name in ("zsl-data", "zsl-semantics", "zsl-train")}


@dataclass
class Chapter:
    """One recipe: what it promises, the files and lines it adds, the commands it tries."""

    title: str
    promised: int | None
    files: dict[str, str] = field(default_factory=dict)
    lines: dict[str, tuple[str, str]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    @property
    def written(self) -> int:
        """Lines that are not blank, without docstrings' neighbours being counted twice."""
        texts = [*self.files.values(), *(line for _, line in self.lines.values())]
        return sum(bool(line.strip()) for text in texts for line in text.splitlines())


def chapters(repository: Path) -> list[Chapter]:
    text = (repository / "README.md").read_text().partition("\n## Add your own")[2].partition("\n## ")[0]
    found = []
    for part in re.split(r"^(?=\*\*)", text, flags=re.MULTILINE)[1:]:
        promise = _PROMISE.match(part)
        chapter = Chapter(part.splitlines()[0], int(promise.group(2)) if promise else None)
        for kind, target, body in _BLOCK.findall(part):
            if kind == "file":
                chapter.files[target] = body
            elif kind == "try":
                chapter.commands += body.splitlines()
            else:
                chapter.lines[target] = (kind.removeprefix("line in "), body)
        found.append(chapter)
    return found


def test_every_recipe_keeps_to_its_number_of_lines(repository: Path) -> None:
    promising = [chapter for chapter in chapters(repository) if chapter.promised]
    assert len(promising) == 6
    for chapter in promising:
        assert 0 < chapter.written <= chapter.promised, (chapter.title, chapter.written)


@pytest.mark.slow
def test_following_the_recipes(repository: Path, tmp_path: Path) -> None:
    for name in ("src", "cli", "prompts", "semantics"):
        shutil.copytree(repository / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    _recordings(tmp_path / "recordings")
    _program(tmp_path / "answer.py")
    tried = 0
    for chapter in chapters(repository):
        for target, body in chapter.files.items():
            # A version of a prompt is made by a command before it is edited.
            if not target.startswith("my-prompts"):
                (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / target).write_text(body)
        for target, (table, line) in chapter.lines.items():
            _insert(tmp_path / target, table, line)
        for command in chapter.commands:
            said = _run(command, tmp_path)
            assert said.returncode == 0, f"{command}\n{said.stdout}{said.stderr}"
            for target, body in chapter.files.items():
                if target.startswith("my-prompts"):
                    assert (tmp_path / target).is_file()
                    (tmp_path / target).write_text(body)
            tried += 1
    assert tried == 7
    bank = next((tmp_path / "artifacts" / "banks").glob("demo-echo-*"))
    assert "motion@v2" in (bank / "card.json").read_text()
    report = json.loads(next((tmp_path / "artifacts" / "runs").glob("cosine-*/report.json")).read_text())
    assert report["method"] == "cosine" and report["clips"] > 0


def _insert(path: Path, table: str, line: str) -> None:
    text = path.read_text()
    start = re.search(rf"^{table}\b.*\{{\n", text, re.MULTILINE)
    assert start is not None, f"{path} has no table {table}"
    path.write_text(text[: start.end()] + line + text[start.end() :])


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program, _, arguments = command.partition(" ")
    code = f"from zsl_skeleton_cli.{_PROGRAMS[program]} import main; main()"
    words = [sys.executable, "-c", code, *re.findall(r"'[^']*'|\S+", arguments)]
    paths = os.pathsep.join([str(folder / "src"), str(folder / "cli")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZSL_")}
    environment = {**kept, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _recordings(folder: Path) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    for action in range(1, 5):
        for subject in (1, 2, 3):
            rows = random.normal(size=(8, 75)).round(4)
            np.savetxt(folder / f"a{action:02d}_s{subject:02d}_t01.csv", rows, delimiter=",", fmt="%.4f")


def _program(path: Path) -> None:
    """A program that answers every slot with sentences that fit the demo classes' word limits."""
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "properties = json.load(sys.stdin)['schema']['properties']\n"
        "text = 'The right arm rises slowly beside the body, stays level for a moment and then sinks down again.'\n"
        "print(json.dumps({key: text if rule['type'] == 'string' else [text] for key, rule in properties.items()}))\n"
    )
    path.chmod(0o755)

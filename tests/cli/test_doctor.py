"""``zsl-data doctor`` as a new user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from zsl_testing import environment

_PROGRAM = """
import sys
from zsl_skeleton_cli.common import new_app, run
from zsl_skeleton_cli.doctor import doctor
app = new_app("test")
app.command()(doctor)
try:
    run(app)
finally:
    sys.stderr.write(" torch" * ("torch" in sys.modules))
"""


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(folder / "artifacts"),
    )


def test_in_an_empty_folder_all_is_well_and_torch_is_not_imported(tmp_path: Path) -> None:
    result = doctor(tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "does not exist yet" in result.stdout
    assert result.stdout.rstrip().endswith("zsl-train --method mla --dataset demo")
    assert list(tmp_path.iterdir()) == []


def test_missing_recordings_exit_with_3_and_one_json_document(tmp_path: Path) -> None:
    result = doctor(tmp_path, "--dataset", "utd-mhad", "--method", "mla", "--json")
    assert result.returncode == 3
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1 and document["sound"] is False
    steps = {step["role"]: step["state"] for step in document["training"]["steps"]}
    assert steps["recordings"] == "yours" and steps["class embeddings"] == "made"


def test_a_method_without_a_data_set_is_a_usage_error(tmp_path: Path) -> None:
    result = doctor(tmp_path, "--method", "smie")
    assert result.returncode == 2
    assert "mend: zsl-data doctor --dataset demo --method smie" in result.stderr

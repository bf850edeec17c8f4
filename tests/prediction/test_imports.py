"""A machine that only predicts, of classes the export has texts of, needs what the trainer needs and nothing else."""

from __future__ import annotations

import subprocess
import sys

DEPENDENCIES = "torch, numpy, pydantic, annotated_types, yaml, safetensors.numpy, safetensors.torch, rich.progress"


def loaded_by(imports: str, after: str = "sys") -> set[str]:
    """What ``imports`` load that was not there ``after`` others."""
    code = f"""
import sys
names = lambda: {{name.partition('.')[0] for name in sys.modules}}
import {after}
before = names()
import {imports}
print(*(names() - before))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name for name in result.stdout.split() if not name.startswith("_")}


def test_exporting_and_predicting_import_nothing_else() -> None:
    own = {"zsl_skeleton", *sys.stdlib_module_names}
    imports = "zsl_skeleton.prediction.predictor, zsl_skeleton.prediction.export"
    assert loaded_by(imports, DEPENDENCIES) - own == set()


def test_the_package_itself_imports_no_torch() -> None:
    assert "torch" not in loaded_by("zsl_skeleton")

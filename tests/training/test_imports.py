"""A GPU server that never encodes a text needs torch, numpy, pydantic, PyYAML, safetensors, typer and rich."""

from __future__ import annotations

import subprocess
import sys

DEPENDENCIES = (
    "torch, numpy, pydantic, annotated_types, yaml, safetensors.numpy, safetensors.torch, typer, rich.progress"
)


def loaded_by(imports: str) -> set[str]:
    code = f"import sys, {imports}; print(*{{m.partition('.')[0] for m in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name for name in result.stdout.split() if not name.startswith("_")}


def test_training_imports_nothing_else() -> None:
    own = {"zsl_skeleton", *sys.stdlib_module_names}
    assert loaded_by("zsl_skeleton.training.train") - loaded_by(DEPENDENCIES) - own == set()

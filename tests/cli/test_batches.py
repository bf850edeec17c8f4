"""``zsl-semantics batch``: hand in, look, collect, turn after turn, until ``generate`` has nothing left to ask."""

from __future__ import annotations

import json
from pathlib import Path

from batch_server import BatchApi
from three_classes import write_catalog
from zsl_testing import run_command


def test_submit_status_collect_generate(tmp_path: Path) -> None:
    with BatchApi() as api:
        catalog = write_catalog(tmp_path / "catalog")
        asked = ("--dataset", "three", "--catalog", str(catalog), "--family", "temporal")
        asked = (*asked, "--model", "tiny", "--base-url", api.url)

        def run(*arguments: str) -> dict[str, object]:
            environment = {"OPENAI_API_KEY": "sk-secret-key"}
            result = run_command("zsl-semantics", *arguments, "--json", artifacts=tmp_path / "artifacts", **environment)
            assert result.returncode == 0, result.stderr
            assert "secret" not in result.stdout + result.stderr
            found: dict[str, object] = json.loads(result.stdout)
            assert found["schema_version"] == 1
            return found

        for turn in range(3):
            (count,) = run("batch", "submit", *asked)["batches"].values()  # type: ignore[attr-defined]
            assert count == 3, f"turn {turn}: one request per class"
            assert run("batch", "status")["batches"]
            api.finish()
            found = run("batch", "collect")
            assert found["answered"] == 3, found["failures"]
        assert run("batch", "submit", *asked)["batches"] == {}
        account = run("generate", "--backend", "openai", *asked)["card"]["summary"]["account"]  # type: ignore[index]
        assert account["temporal@v1"]["calls"] == 0 and account["temporal@v1"]["cached"] == 9

"""``cli/README.md`` says what the commands say."""

from __future__ import annotations

from pathlib import Path

from zsl_skeleton_cli.reference import reference


def test_the_reference_is_that_of_the_commands(repository: Path) -> None:
    written = (repository / "cli" / "README.md").read_text()
    assert written == reference(), "write it anew: python -m zsl_skeleton_cli.reference > cli/README.md"


def test_every_option_says_what_it_does() -> None:
    silent = [line for line in reference().splitlines() if line.startswith("| `--") and line.endswith("|  |")]
    assert silent == []

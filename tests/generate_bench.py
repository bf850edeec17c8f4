"""A generation that asks a scripted server, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scripted_server import Scripted, ScriptedServer, Seen, completion
from sound_answers import sound_answer
from zsl_testing import command_line, contents, environment

AT_ONCE = 4
FAMILIES = ("motion", "temporal", "codebook")
REQUESTS = 3 * (1 + 3 + 5)


def slowly(seen: Seen) -> Scripted:
    """A sound answer after a while."""
    answer = completion(sound_answer(seen.body))
    return Scripted(answer.status, answer.body, answer.headers, delay=0.04)


@dataclass
class Bench:
    """A server, a data set, and the command that asks the one about the other."""

    server: ScriptedServer
    folder: Path

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def command(self, *families: str) -> list[str]:
        options = ["--backend", "openai", "--model", "tiny", "--max-concurrency", str(AT_ONCE)]
        options += [word for family in families or FAMILIES for word in ("--family", family)]
        url = ["--base-url", self.server.url]
        catalog = ["--catalog", str(self.folder / "catalog")]
        return command_line("zsl-semantics", "generate", "--dataset", "three", *options, *url, *catalog)

    def start(self, *families: str, artifacts: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*families),
            env=environment(artifacts or self.artifacts, OPENAI_API_KEY="sk-secret-key", **variables),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *families: str, artifacts: Path | None = None) -> tuple[int, str]:
        """Exit code and stderr of the command, run to its end."""
        process = self.start(*families, artifacts=artifacts)
        _, stderr = process.communicate(timeout=120)
        return process.returncode, stderr

    def wait_for(self, count: int, process: subprocess.Popen[str]) -> None:
        """Until the server has been asked so often."""
        while len(self.server.asked) < count and process.poll() is None:
            time.sleep(0.002)

    def asked(self) -> Counter[str]:
        """Every distinct request, and how often it came."""
        return Counter(json.dumps(seen.body, sort_keys=True) for seen in self.server.asked)

    def banks(self) -> list[Path]:
        return sorted((self.artifacts / "banks").glob("[!.]*"))


def same_bank(found: Path, expected: Path) -> None:
    """Equal but for what the texts took: a resumed run finds answers in its cache."""
    assert found.name == expected.name
    assert _without_account(found) == _without_account(expected)


def _without_account(bank: Path) -> dict[str, bytes]:
    files = contents(bank)
    card = json.loads(files["card.json"])
    del card["summary"]["account"]
    return {**files, "card.json": json.dumps(card).encode()}


def counted(bank: Path) -> dict[str, tuple[int, ...]]:
    """Family -> requests and tokens of the account."""
    accounts = json.loads((bank / "card.json").read_text())["summary"]["account"]
    names = ("requests", "prompt_tokens", "completion_tokens")
    return {family: tuple(account[name] for name in names) for family, account in accounts.items()}

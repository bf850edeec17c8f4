"""A generation that asks a server, disturbed in every way: nothing is lost, nothing is asked twice, the user is told.

Everything is real but the model: the commands run as processes and talk to a scripted server over a socket.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generate_bench import AT_ONCE, REQUESTS, Bench, counted, same_bank, slowly
from scripted_server import Scripted, ScriptedServer, Seen, completion, failure
from sound_answers import sound_answer
from three_classes import write_catalog
from zsl_testing import environment


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    write_catalog(tmp_path / "catalog")
    with ScriptedServer(slowly) as server:
        yield Bench(server, tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_catalog(folder / "catalog")
    with ScriptedServer(slowly) as server:
        bench = Bench(server, folder)
        code, stderr = bench.run()
        assert code == 0, stderr
        assert len(server.asked) == len(bench.asked()) == REQUESTS
        assert server.most_under_way == AT_ONCE
        (bank,) = bench.banks()
    return bank


@pytest.mark.slow
def test_killed_at_several_moments_and_started_again(bench: Bench, undisturbed: Path) -> None:
    kills = 0
    for more in (1, 3, 5, 8):
        process = bench.start()
        bench.wait_for(len(bench.server.asked) + more, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills == 4
    code, stderr = bench.run()
    assert code == 0, stderr
    same_bank(bench.banks()[0], undisturbed)
    asked = bench.asked()
    assert len(asked) == REQUESTS
    # What was under way at a kill was never answered to anybody.
    assert sum(asked.values()) - REQUESTS <= kills * AT_ONCE
    assert len(list((bench.artifacts / "banks").iterdir())) == 1, "nothing half-made is left"


@pytest.mark.slow
def test_killed_once_asks_only_what_was_not_answered(bench: Bench, undisturbed: Path) -> None:
    process = bench.start()
    bench.wait_for(REQUESTS // 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(0.1)
    before = bench.asked()
    code, stderr = bench.run()
    assert code == 0, stderr
    same_bank(bench.banks()[0], undisturbed)
    twice = bench.asked() - Counter(bench.asked().keys())
    assert sum(twice.values()) <= AT_ONCE
    assert set(twice) <= set(list(before)[-2 * AT_ONCE :]), "only the last before the kill come again"


def test_two_processes_that_make_the_same_bank_ask_once(bench: Bench, undisturbed: Path) -> None:
    processes = [bench.start(), bench.start()]
    ends = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    assert ends[0][0] == ends[1][0]
    same_bank(bench.banks()[0], undisturbed)
    assert len(bench.server.asked) == REQUESTS


@pytest.mark.slow
def test_two_processes_that_share_the_cache(bench: Bench, undisturbed: Path) -> None:
    processes = [bench.start("motion", "temporal"), bench.start("temporal", "codebook")]
    ends = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    asked = bench.asked()
    assert len(asked) == REQUESTS and max(asked.values()) <= 2
    assert sum(asked.values()) <= REQUESTS + 9, "only the shared family can be asked by both"
    first, second = bench.banks()
    assert (first / "temporal.jsonl").read_bytes() == (second / "temporal.jsonl").read_bytes()
    for bank in (first, second):
        for path in bank.glob("*.jsonl"):
            assert path.read_bytes() == (undisturbed / path.name).read_bytes()


def test_ctrl_c_waits_for_the_answers_under_way(bench: Bench, undisturbed: Path) -> None:
    def very_slowly(seen: Seen) -> Scripted:
        answer = completion(sound_answer(seen.body))
        return Scripted(answer.status, answer.body, answer.headers, delay=0.04 if seen.number < 6 else 1.0)

    bench.server.script = very_slowly
    process = bench.start()
    bench.wait_for(6 + AT_ONCE, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "waiting for the answers under way" in stderr and "the same command continues" in stderr
    assert "Traceback" not in stderr
    assert len(bench.server.asked) == 6 + AT_ONCE, "nothing new was sent"
    bench.server.script = slowly
    code, stderr = bench.run()
    assert code == 0, stderr
    assert len(bench.server.asked) == REQUESTS, "every answer that was waited for is used"
    same_bank(bench.banks()[0], undisturbed)


def test_used_up_quota_midway(bench: Bench, undisturbed: Path) -> None:
    quota = failure(429, "You exceeded your current quota", "insufficient_quota")
    bench.server.script = lambda seen: slowly(seen) if seen.number < 10 else quota
    code, stderr = bench.run()
    assert code == 4
    assert "the account at the server is used up" in stderr and "not asked again" in stderr
    assert len(bench.server.asked) <= 10 + AT_ONCE, "a quota is not asked for again and again"
    answered = set(list(bench.asked())[:10])
    bench.server.script, before = slowly, len(bench.server.asked)
    code, stderr = bench.run()
    assert code == 0, stderr
    (bank,) = bench.banks()
    again = {json.dumps(seen.body, sort_keys=True) for seen in bench.server.asked[before:]}
    assert not again & answered and len(again) == REQUESTS - 10
    same_bank(bank, undisturbed)


def test_the_account_of_a_resumed_run_is_whole(bench: Bench, undisturbed: Path) -> None:
    quota = failure(429, "You exceeded your current quota", "insufficient_quota")
    bench.server.script = lambda seen: slowly(seen) if seen.number < 10 else quota
    assert bench.run()[0] == 4
    bench.server.script = slowly
    assert bench.run()[0] == 0
    assert counted(bench.banks()[0]) == counted(undisturbed)


def test_wrong_key(bench: Bench) -> None:
    bench.server.script = lambda seen: failure(401, "Incorrect API key provided: sk-secret-key", "invalid_api_key")
    code, stderr = bench.run("motion")
    assert code == 4
    assert "export OPENAI_API_KEY=" in stderr and "sk-secret" not in stderr and "Traceback" not in stderr
    assert len(bench.server.asked) <= AT_ONCE and bench.banks() == []


def test_no_server(bench: Bench) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        bench.server.port = reserved.getsockname()[1]
        code, stderr = bench.run("motion")
    assert code == 4
    assert f"no server at {bench.server.url}" in stderr
    assert f"mend: start the server, or check --base-url: curl {bench.server.url}/models" in stderr
    assert "Traceback" not in stderr


def test_a_file_in_place_of_the_artifacts_folder(bench: Bench) -> None:
    bench.artifacts.write_text("not a folder")
    code, stderr = bench.run("motion")
    assert code == 3
    assert "artifacts" in stderr and "--artifacts" in stderr and "Traceback" not in stderr
    assert bench.server.asked == [], "nothing is paid for that cannot be kept"


Mounted = Callable[[str, list[str]], subprocess.CompletedProcess[str]]


@pytest.fixture
def mounted(bench: Bench) -> Mounted:
    """Runs a shell script in which ``$D`` is a folder of its own file system and ``"$@"`` the command that uses it."""
    tool = shutil.which("unshare")
    if tool is None:
        pytest.skip("unshare is not installed")
    own = [tool, "--map-root-user", "--mount", "sh", "-c"]
    folder = bench.folder / "mounted"
    folder.mkdir()
    if subprocess.run([*own, f"mount -t tmpfs tmpfs {folder}"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount anything, not even for one process")

    def run(script: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        variables = environment(folder / "artifacts", OPENAI_API_KEY="sk-secret-key", D=str(folder))
        return subprocess.run(
            [*own, script, "sh", *command], env=variables, cwd=bench.folder, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("taken", ["480k", "350k"], ids=["from the start", "midway"])
def test_full_disk(bench: Bench, mounted: Mounted, undisturbed: Path, taken: str) -> None:
    script = """
    mount -t tmpfs -o size=640k tmpfs $D && head -c TAKEN /dev/zero > $D/filler || exit 99
    "$@" ; echo "code $?" >&2
    rm $D/filler && mount -o remount,size=100m $D && "$@" && cp -r $D/artifacts/banks $D/../kept
    """
    result = mounted(script.replace("TAKEN", taken), bench.command())
    assert "code 3" in result.stderr, result.stderr
    assert "disk" in result.stderr and ("make room (df -h" in result.stderr or "free disk space" in result.stderr)
    assert "Traceback" not in result.stderr
    assert result.returncode == 0, result.stderr
    (bank,) = (bench.folder / "kept").iterdir()
    same_bank(bank, undisturbed)
    assert len(bench.asked()) == REQUESTS
    assert len(bench.server.asked) <= REQUESTS + AT_ONCE, "only what could not be stored is asked again"


def test_read_only_folder(bench: Bench, mounted: Mounted) -> None:
    script = 'mount -t tmpfs tmpfs $D && mkdir $D/artifacts && mount -o remount,ro $D || exit 99; "$@"'
    result = mounted(script, bench.command("motion"))
    assert result.returncode == 3, result.stderr
    assert "cannot be written" in result.stderr and "--artifacts" in result.stderr
    assert "Traceback" not in result.stderr
    assert bench.server.asked == []

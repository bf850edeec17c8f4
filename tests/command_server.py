"""Runs commands in forks of a process that has imported torch: a command then starts in milliseconds, not seconds.

A fork is a process of its own, with its own working folder, environment, standard streams and exit code, and calls what
the installed script calls. Only its imports are done already; tests of those start an interpreter themselves.

Run as a script it serves: a request per line on stdin, the exit code per line on stdout.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TypedDict

import zsl_skeleton
import zsl_skeleton_cli


class Request(TypedDict):
    """A command: its module, words, working folder and environment, and the files of its output."""

    module: str
    argv: list[str]
    cwd: str
    env: dict[str, str]
    stdout: str
    stderr: str


def serve(request: Request) -> int:
    """Exit code of a command that one of this process's server runs; negative: the signal that ended it."""
    server = _server()
    assert server.stdin and server.stdout
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


@cache
def _server() -> subprocess.Popen[str]:
    here = [sys.executable, str(Path(__file__))]
    server = subprocess.Popen(here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)
    return server


def _become(request: Request) -> None:
    """In a fork: do what was asked, and end as the command ends."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, file in enumerate((os.devnull, request["stdout"], request["stderr"])):
        os.dup2(os.open(file, flags if number else os.O_RDONLY), number)
    sys.argv = request["argv"]
    importlib.import_module(request["module"]).main()


def _serve() -> None:
    for package in (zsl_skeleton, zsl_skeleton_cli):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    gc.freeze()  # a fork neither copies nor visits what all forks share
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(json.loads(line))
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()

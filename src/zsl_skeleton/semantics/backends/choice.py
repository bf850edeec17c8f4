"""Which backend ``auto`` means, and why."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.backends import BACKENDS, Setting
from zsl_skeleton.semantics.facts import facts_path

_KEY = "OPENAI_API_KEY"
_WAYS = (
    "choose one: zsl-semantics facts --dataset {dataset} drafts semantics/{dataset}/facts.yaml; correct it, then add "
    "--facts semantics; or export OPENAI_API_KEY=... and name --model, or --base-url of your own server; "
    "or name a local model: --model FOLDER (pip install 'zsl-skeleton[local]')"
)


def choose_backend(name: str, setting: Setting) -> tuple[str, str]:
    """The backend that ``name`` means for a data set, and one clause that says why.

    ``auto`` takes what the options point to, else the facts of the data set. A key in the environment alone decides
    nothing: nobody's money is spent without a model being named.

    Args:
        name: a key of ``BACKENDS`` in any spelling, or ``"auto"``.
        setting: the data set, the ``semantics`` folder, and what the user said.

    Raises:
        UsageError: there is no such backend, or ``auto`` finds nobody who has the model that was named.
        InputError: ``auto`` finds neither facts nor a model.
    """
    if name.strip().lower() != "auto":
        return find_name("backend", name, BACKENDS), "named by --backend"
    options = setting.options
    if options.recording is not None:
        return "replay", f"--recording names {options.recording}"
    if options.base_url:
        return "openai", f"--base-url names the server {options.base_url}"
    if options.model:
        return _holder(options.model, setting)
    if _facts(setting).is_file():
        return "compose", f"{_facts(setting)} holds the facts of every class; no model was named"
    why = f"there are no facts ({_facts(setting)}), and no --model or --base-url was named"
    if os.environ.get(_KEY):
        why += f"; {_KEY} is set, but it is not used unasked"
    raise InputError(f"nobody can write texts for {setting.dataset.name}", why=why, mend=_ways(setting))


def _holder(model: str, setting: Setting) -> tuple[str, str]:
    """Who has the model that was named."""
    if Path(model).expanduser().is_dir() or model.startswith((".", "/", "~")):
        return "transformers", f"--model names the folder {model}"
    if os.environ.get(_KEY):
        return "openai", f"--model names {model}, and {_KEY} is set"
    if importlib.util.find_spec("llguidance") is not None:
        return "transformers", f"--model names {model}, {_KEY} is not set, and local models can be run here"
    why = f"it is no folder, {_KEY} is not set, and llguidance, which local models need, is not installed"
    raise UsageError(f"nobody here has the model {model!r}", why=why, mend=_ways(setting))


def _facts(setting: Setting) -> Path:
    return facts_path(setting.dataset.name, setting.semantics)


def _ways(setting: Setting) -> str:
    return _WAYS.format(dataset=setting.dataset.name)

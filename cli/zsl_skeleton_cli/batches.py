"""``zsl-semantics batch submit | status | collect``: requests handed to a server's Batch API, at half the price."""

from __future__ import annotations

from dataclasses import asdict

from zsl_skeleton.semantics.options import Options
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    DatasetOption,
    FactsOption,
    FamilyOption,
    JsonOption,
    KeepOption,
    PromptsOption,
    emit,
    new_app,
    open_store,
)
from zsl_skeleton_cli.options import takes

app = new_app("Hand what generate would ask to an OpenAI-compatible Batch API; answers go into the response cache.")


@app.command()
@takes(Options)
def submit(
    dataset: DatasetOption,
    family: FamilyOption = None,
    keep: KeepOption = None,
    prompts: PromptsOption = None,
    facts: FactsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
    options: Options = Options(),
) -> None:
    """Hand in all requests that can be asked now: the first turns, later the turns after those that are answered."""
    from zsl_skeleton.banks import find_bank
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.errors import QualityError
    from zsl_skeleton.semantics.batch import render_submitted, submit
    from zsl_skeleton.semantics.generate import GenerateConfig

    store, entry = open_store(artifacts), load_dataset(dataset, catalog)
    families = tuple(family) if family else None
    config = GenerateConfig(families=families, backend="openai", prompts=prompts, semantics=facts, options=options)
    kept = find_bank(store, entry, keep, facts) if keep else None
    found = submit(store, entry, config, kept, catalog)
    emit(asdict(found), render_submitted(found), as_json=as_json)
    if found.given_up:
        about, reason = next(iter(found.given_up.items()))
        raise QualityError(f"{len(found.given_up)} requests were given up", why=f"{about}: {reason}", mend=found.next)


@app.command()
def status(artifacts: ArtifactsOption = DEFAULT_ARTIFACTS, as_json: JsonOption = False) -> None:
    """Ask the server how far all batches are."""
    from zsl_skeleton.semantics.batch import render_status, status

    found = status(open_store(artifacts))
    emit({"batches": [asdict(item) for item in found]}, render_status(found), as_json=as_json)


@app.command()
def collect(artifacts: ArtifactsOption = DEFAULT_ARTIFACTS, as_json: JsonOption = False) -> None:
    """Fetch the answers of finished batches, check them, and put the sound ones into the cache."""
    from zsl_skeleton.semantics.batch import collect, render_collected

    found = collect(open_store(artifacts))
    emit(asdict(found), render_collected(found), as_json=as_json)

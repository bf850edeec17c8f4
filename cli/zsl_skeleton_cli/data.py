"""``zsl-data``: recordings -> skeleton sets -> backbones -> features."""

from __future__ import annotations

from typing import Any

from zsl_skeleton_cli.arrays import convert, inspect
from zsl_skeleton_cli.backbones import extract, pretrain
from zsl_skeleton_cli.common import CatalogOption, JsonOption, emit_tables, new_app, run
from zsl_skeleton_cli.doctor import doctor
from zsl_skeleton_cli.merge import merge
from zsl_skeleton_cli.recordings import import_
from zsl_skeleton_cli.synthesis import synthesize

app = new_app(
    "Recordings: import, inspect, convert, merge, synthesize; backbones: pretrain on seen classes, extract features; "
    "doctor says what is missing."
)
app.command("import")(import_)
for command in (doctor, inspect, convert, merge, synthesize, pretrain, extract):
    app.command()(command)


@app.command("list")
def list_(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """List data sets with their splits, readers, recipes and backbones."""
    from zsl_skeleton.backbones import BACKBONES
    from zsl_skeleton.catalog import dataset_names, load_dataset
    from zsl_skeleton.skeletons.arrays import LAYOUTS
    from zsl_skeleton.skeletons.readers import READERS
    from zsl_skeleton.skeletons.recipes import RECIPES

    tables: dict[str, Any] = {
        "readers": list(READERS),
        "layouts of features": list(LAYOUTS),
        "recipes": list(RECIPES),
        "backbones": list(BACKBONES),
    }
    splits = {f"splits of {name}": list(load_dataset(name, catalog).splits) for name in dataset_names(catalog)}
    emit_tables({"datasets": list(dataset_names(catalog)), **tables, **splits}, as_json=as_json)


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()

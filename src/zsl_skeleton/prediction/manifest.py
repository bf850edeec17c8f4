"""``export.json``: what an export holds, as typed data. Light: no torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError

from zsl_skeleton.artifacts import FileRef
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_json, sha256_file
from zsl_skeleton.text.class_embeddings import EncoderCard

MANIFEST = "export.json"
METHOD, BACKBONE, CLASSES = "method.safetensors", "backbone.safetensors", "classes.safetensors"
TEXTS, LINEAGE = "texts.json", "lineage.json"
CARDS = "cards"
VERSION = 1

Side = Literal["seen", "unseen", "all"]
"""Which classes are candidates: some that were trained on, some that were not, or both kinds."""
_KINDS: dict[Side, str] = {"unseen": "classes held out", "seen": "classes trained on", "all": "both kinds"}
_EXPORT_AGAIN = "export the run again: zsl-train export RUN --out DIR"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExportedClass(_Part):
    """A class that the export has texts of; ``seen``: the method was trained on its clips."""

    name: str = Field(min_length=1)
    seen: bool


class Reliability(_Part):
    """How far probabilities can be believed on some clips, with temperature 1 and with the fitted one.

    ``ece`` is the expected calibration error over 15 bins of equal width, in [0, 1]; ``nll`` the mean negative
    log-likelihood in nats.
    """

    clips: NonNegativeInt
    classes: PositiveInt
    accuracy: float
    ece_before: float
    ece: float
    nll_before: float
    nll: float

    def __str__(self) -> str:
        return (
            f"ECE {100 * self.ece:.1f} % (without: {100 * self.ece_before:.1f} %), "
            f"accuracy {100 * self.accuracy:.1f} % among {self.classes}, {self.clips} clips"
        )


class Scale(_Part):
    """A temperature, and what temperatures do on held-out clips: in each draw the one that the other draws ask for.

    With a single draw there are no others; then it is measured on the very clips that it was fitted on.
    """

    temperature: PositiveFloat
    held_out: Reliability


class Calibration(_Part):
    """What held-out *seen* classes say about scores; nothing here was fitted on a clip of an unseen class.

    ``constant`` is subtracted from the scores of seen classes where both kinds are candidates; ``scales`` has a
    temperature for each kind of candidates. ``draws``: how often ``held_out`` classes were held out. ``test_unseen``:
    the temperature of ``unseen`` on the run's unseen test clips, measured afterwards.
    """

    constant: float
    scales: dict[Side, Scale]
    draws: PositiveInt
    held_out: PositiveInt
    test_unseen: Reliability | None


class BackboneEntry(_Part):
    """The backbone: its name in the table, its options, and how many classes its head has (None: untrained)."""

    name: str
    options: dict[str, Any]
    classes: PositiveInt | None
    id: str


class RecipeEntry(_Part):
    """The preprocessing of clips, how many persons a clip has room for, and who they are.

    ``bodies``: which of the tracked bodies count as persons, in formats that list more; ``copy_first``: whether a copy
    of the first person stands for a missing second one.
    """

    name: str
    version: int
    persons: PositiveInt
    bodies: str | None = None
    copy_first: bool = False


class MethodEntry(_Part):
    """The method and everything needed to build it again before its weights are loaded."""

    name: str
    preset: str
    settings: dict[str, Any]
    visual: dict[str, PositiveInt]
    text: PositiveInt
    classes: PositiveInt
    seed: NonNegativeInt


class Manifest(_Part):
    """An export as a whole.

    ``joined``: each phase of the temporal slots was read after the phases before it. ``selection``: how the weights
    were chosen; ``accuracy`` is the run's zero-shot accuracy. ``made_by``: the command that made the run. ``files``
    lists every other file with its hash and size.
    """

    kind: Literal["zsl-skeleton export"] = "zsl-skeleton export"
    version: Literal[1] = 1
    run: str
    dataset: str
    split: str
    protocol: str
    synthetic: bool
    classes: tuple[ExportedClass, ...] = Field(min_length=2)
    method: MethodEntry
    backbone: BackboneEntry
    recipe: RecipeEntry
    encoder: EncoderCard
    slots: tuple[str, ...] = Field(min_length=1)
    joined: bool
    calibration: Calibration | None
    selection: str
    accuracy: float
    made_by: str
    files: dict[str, FileRef]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(entry.name for entry in self.classes)

    def render(self) -> str:
        """What the export holds and how far its probabilities can be believed, for people."""
        seen = sum(entry.seen for entry in self.classes)
        lines = [
            f"  {self.method.name} ({self.method.preset}) trained on {seen} of {len(self.classes)} classes of "
            f"{self.dataset}, split {self.split}{'  SYNTHETIC DATA' if self.synthetic else ''}",
            f"  clips      {self.recipe.name}, {self.recipe.persons} person(s), backbone {self.backbone.name}",
            f"  texts      {', '.join(self.slots)}; encoder {self.encoder.name}",
        ]
        found = self.calibration
        if found is None:
            return "\n".join([*lines, "  calibration none: too few seen classes"])
        lines.append(
            f"  calibrated in {found.draws} trainings without {found.held_out} seen classes each; ECE with 15 bins"
        )
        for side, kind in _KINDS.items():
            scale = found.scales[side]
            lines.append(f"    {kind:<22} T {scale.temperature:<8.4g} {scale.held_out}")
        if found.test_unseen:
            lines.append(f"    {'unseen test clips':<22} {'measured':<10} {found.test_unseen}")
        return "\n".join(lines)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an export whose files are all there, whole and unchanged.

    Raises:
        InputError: it is no export, of another version, or a file is missing, damaged or was changed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        why = f"it has no {MANIFEST}"
        raise InputError(f"{folder} is not an export", why=why, mend="zsl-train export RUN --out DIR")
    try:
        manifest = Manifest.model_validate(_known_version(path))
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(f"{path} is not a valid description of an export", why=why, mend=_EXPORT_AGAIN) from error
    for name, ref in manifest.files.items():
        _check_file(folder, name, ref)
    missing = {METHOD, CLASSES, *([BACKBONE] if manifest.backbone.classes else [])} - manifest.files.keys()
    if missing:
        raise InputError(f"{path} does not list {', '.join(sorted(missing))}", mend=_EXPORT_AGAIN)
    return manifest


def _known_version(path: Path) -> Any:
    content = read_json(path)
    version = content.get("version") if isinstance(content, dict) else None
    if version != VERSION:
        why = f"it says version {version!r}; this program reads version {VERSION}"
        raise InputError(f"{path} cannot be read", why=why, mend=_EXPORT_AGAIN)
    return content


def _check_file(folder: Path, name: str, ref: FileRef) -> None:
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"{folder / MANIFEST} lists a file outside of the export: {name}", mend=_EXPORT_AGAIN)
    size = path.stat().st_size if path.is_file() else None
    if size != ref.bytes:
        found = "missing" if size is None else f"{size} bytes instead of {ref.bytes}"
        raise InputError(f"the export {folder} is damaged", why=f"{name} is {found}", mend=_EXPORT_AGAIN)
    if sha256_file(path) != ref.sha256:
        raise InputError(f"the export {folder} was changed", why=f"{name} has another hash", mend=_EXPORT_AGAIN)

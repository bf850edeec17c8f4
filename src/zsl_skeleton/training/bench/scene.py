"""Random clips and texts of a real data set's size, holding only what the method asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from zsl_skeleton.catalog import Dataset, Split, SplitClips, load_dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.methods.base import ClassText
from zsl_skeleton.registry import find_name
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import Clips
from zsl_skeleton.training.settings import Settings, resolve_settings

SIZES: Mapping[str, tuple[str, str]] = {
    "ntu60": ("ntu60", "synse-55-5"),
    "ntu120": ("ntu120", "synse-110-10"),
    "pku": ("pku-mmd", "smie-7"),
}
"""Size -> data set and split of the catalog."""

_WIDTH, _JOINTS, _FRAMES, _VIEWS = 256, 25, 16, 8
_TEXT_WIDTHS = {"msf": 512}
_TEXT_WIDTH = 768
_TEXTS = {"codebook": 100, "spatial": 10, "temporal": 10}
_LARGE_TABLE, _PART_TABLE = 2**29, 2**27  # bytes: of a larger table a part is held, since rows are drawn by index


@dataclass(frozen=True)
class Scene:
    """What one measurement trains on and scores.

    Args:
        settings: method and optimisation.
        clips: as many training clips as are held, beside the texts of the seen classes.
        unseen: texts of the unseen classes.
        counts: clips of the real split.
        classes: of the data set.
    """

    settings: Settings
    clips: Clips
    unseen: ClassText
    counts: SplitClips
    classes: int


def make_scene(run: RunConfig, size: str, device: torch.device) -> Scene:
    """Random data for ``run``'s method in the size of ``SIZES[size]``.

    Raises:
        UsageError: an unknown size, method, preset or setting, or a method that reads whole clips.
    """
    dataset_name, split_name = SIZES[find_name("size", size, SIZES)]
    dataset = load_dataset(dataset_name)
    split = dataset.split(split_name)
    settings = resolve_settings(run, dataset.name)
    counts = clip_counts(dataset, split)
    generator = torch.Generator(device).manual_seed(run.seed)
    text = _text(settings, len(dataset.classes), generator)
    seen = dataset.seen(split)
    shapes = {name: _shape(name, len(seen)) for name in settings.method.needed_inputs}
    row = 4 * sum(torch.Size(shape).numel() for shape in shapes.values())
    held = counts.seen_train if counts.seen_train * row <= _LARGE_TABLE else max(_PART_TABLE // row, 1)
    features = {name: torch.rand(held, *shape, generator=generator, device=device) for name, shape in shapes.items()}
    labels = torch.randint(len(seen), (held,), generator=generator, device=device)
    clips = Clips(features, labels, text.select(torch.tensor(seen, device=device)), seen)
    return Scene(settings, clips, text.select(torch.tensor(split.unseen, device=device)), counts, len(dataset.classes))


def clip_counts(dataset: Dataset, split: Split) -> SplitClips:
    """Clips of a split by the usual protocol; estimated by the share of classes where the catalog has no counts.

    Raises:
        UsageError: the catalog does not even count the protocol's clips.
    """
    protocol = dataset.protocol()
    if protocol.name in split.clips:
        return split.clips[protocol.name]
    if protocol.counts is None:
        raise UsageError(f"the catalog does not say how many clips {dataset.name} has", mend="choose another --size")
    unseen = len(split.unseen) / len(dataset.classes)
    unseen_test = round(protocol.counts.test * unseen)
    return SplitClips(
        seen_train=round(protocol.counts.train * (1 - unseen)),
        unseen_test=unseen_test,
        seen_test=protocol.counts.test - unseen_test,
    )


def _shape(name: str, seen: int) -> tuple[int, ...]:
    """Of one clip in a visual input."""
    shapes: dict[str, tuple[int, ...]] = {
        "pooled": (_WIDTH,),
        "joints": (_JOINTS, _WIDTH),
        "frames": (_FRAMES, _WIDTH),
        "masked": (_VIEWS, _WIDTH),
        "logits": (seen,),
    }
    if name not in shapes:
        raise UsageError(
            f"a bench makes up no {name!r}",
            why=f"it has no backbone to run; it knows: {', '.join(shapes)}",
            mend="choose extracted inputs by --set, e.g. --set temporal=views",
        )
    return shapes[name]


def _text(settings: Settings, classes: int, generator: torch.Generator) -> ClassText:
    width = _TEXT_WIDTHS.get(settings.name, _TEXT_WIDTH)
    slots, masks, device = {}, {}, generator.device
    for name in settings.method.needed_slots:
        texts = _TEXTS.get(name.partition(".")[0], 1)
        slots[name] = F.normalize(torch.randn(classes, texts, width, generator=generator, device=device), dim=-1)
        masks[name] = torch.ones(classes, texts, dtype=torch.bool, device=device)
    return ClassText(slots, masks)

"""What a comparison is asked to do. Light: imported by the command line, so no torch here."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_SLOTS, ALL_SLOTS = "default", "all"


class CompareConfig(BaseModel):
    """How banks are compared. The same for all candidates, so that differences are paired."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: list[str] = Field(default=["minilm"], min_length=1, description="Text encoder; repeatable.")
    slots: list[str] = Field(
        default=[DEFAULT_SLOTS, ALL_SLOTS],
        min_length=1,
        description="Slots or families averaged per class, e.g. codebook+motion, all, default (the ridge's); "
        "repeatable, one text set each.",
    )
    controls: bool = Field(default=True, description="Measure name-only, random-words and shuffled texts as well.")
    folds: int = Field(default=30, ge=2, description="How often some seen classes are held out.")
    shuffles: int = Field(default=10, ge=1, description="Permutations of the classes for the control shuffled.")
    permutations: int = Field(default=999, ge=1, description="Permutations behind the p of RSA and CKA.")
    resamples: int = Field(default=2000, ge=100, description="Bootstrap resamples behind the intervals.")
    neighbours: int = Field(default=5, ge=1, description="k of neighbourhood agreement and hubness.")
    seed: int = Field(default=0, ge=0, description="Seed of folds, permutations and resamples.")

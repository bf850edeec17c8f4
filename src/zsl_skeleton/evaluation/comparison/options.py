"""What a comparison of runs is asked for. Light: imported by the command line, so no numpy here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Metric = Literal["accuracy", "class-mean", "harmonic", "area"]
Rule = Literal["held-out", "gate", "uncalibrated", "oracle"]
DEFAULT_REFERENCE = "ridge"


class ComparisonOptions(BaseModel):
    """Which finished runs are compared, and with what. A list may also be written as one text with commas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str | None = Field(default=None, description="Data set. Default: the only one that has runs.")
    protocol: str | None = Field(default=None, description="Protocol. Default: the only one that has runs.")
    splits: list[str] = Field(default=[], description="Splits, as a,b. Default: all that have runs.")
    methods: list[str] = Field(default=[], description="Methods, as mla or mla:paper (one preset), a,b. Default: all.")
    against: str | None = Field(
        default=None, description="Reference of the differences: METHOD or METHOD:PRESET. Default: ridge:default."
    )
    metric: Metric = Field(
        default="accuracy",
        description="What differences are about: accuracy (ZSL), class-mean (ZSL), harmonic or area (generalised).",
    )
    rule: Rule = Field(
        default="held-out", description="How the generalised figures choose between seen and unseen classes."
    )
    encoder: str | None = Field(default=None, description="Only runs with this text encoder.")
    bank: str | None = Field(default=None, description="Only runs with banks whose name begins like this.")
    backbone: str | None = Field(default=None, description="Only runs with this backbone, e.g. st-gcn.")
    controls: bool = Field(default=True, description="Also show the controls, below their method.")
    overridden: bool = Field(default=True, description="Also show runs whose settings differ from their preset.")
    level: float = Field(default=0.95, gt=0, lt=1, description="Level of the intervals.")
    resamples: int = Field(default=10_000, ge=100, description="Bootstrap resamples behind the intervals.")
    seed: int = Field(default=0, ge=0, description="Seed of the resamples.")

    @field_validator("splits", "methods", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple):
            return value
        return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]

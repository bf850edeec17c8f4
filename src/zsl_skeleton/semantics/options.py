"""What a user can say to a language model (imports nothing heavy: the commands' ``--help`` reads it)."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What a user can say to a language model; ``None`` leaves it to the model or server. Each is a command option."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(default=None, description="Id of the model (openai), id or folder (transformers).")
    base_url: str | None = Field(default=None, description="Address of an OpenAI-compatible server.")
    temperature: float | None = Field(default=None, ge=0, description="Sampling temperature; default: the model's own.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="Nucleus sampling.")
    max_tokens: int | None = Field(default=None, ge=1, description="Longest answer in tokens.")
    seed: int | None = Field(default=None, description="Seed of the sampling, where the model takes one.")
    max_concurrency: int = Field(default=8, ge=1, description="Requests under way at a time.")
    requests_per_minute: float | None = Field(default=None, gt=0, description="Limit that is kept.")
    tokens_per_minute: float | None = Field(default=None, gt=0, description="Limit that is kept.")
    timeout: float = Field(default=120.0, gt=0, description="Seconds until a request is given up.")
    repairs: int = Field(default=2, ge=0, description="How often an unusable answer is sent back with what was wrong.")
    max_cost: float | None = Field(default=None, ge=0, description="US dollars that are not exceeded.")
    prices: Path | None = Field(default=None, description="Price table (YAML) instead of the embedded one.")
    device: str = Field(default="auto", description="Where a local model runs: auto, cpu, cuda or cuda:N.")
    recording: Path | None = Field(default=None, description="Recorded answers (replay).")
    refresh: bool = Field(default=False, description="Ask again what the cache knows.")

    def words(self) -> list[str]:
        """The options that were set, as words of a command line."""
        found = []
        for name, value in self.model_dump(mode="json", exclude_defaults=True).items():
            found += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
        return found

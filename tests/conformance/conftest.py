"""A small world for every registered method: clips, texts and a catalog entry, with a learnable relation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import ActionClass, Dataset, Protocol, Split
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.text.class_embeddings import ClassEmbeddings, EncoderCard
from zsl_skeleton.training.train import Task

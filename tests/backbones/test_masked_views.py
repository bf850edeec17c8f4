"""Masked views: which frames are left, and that extraction, training and any division of the clips agree on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zsl_skeleton.backbones import extract as extract_package
from zsl_skeleton.backbones.config import ExtractConfig, PretrainConfig
from zsl_skeleton.backbones.extract import extract
from zsl_skeleton.backbones.masked_views import (
    draw_positions,
    kept_frames,
    mask_size,
    masked_view,
    motion,
    shared_positions,
)
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training.frozen import frozen_clips

CPU = torch.device("cpu")


def clips_of(frames: int, count: int = 3) -> torch.Tensor:
    return torch.randn(count, 3, frames, 4, 2, generator=torch.Generator().manual_seed(frames))


@pytest.mark.parametrize(("frames", "mask"), [(50, 15), (64, 19), (10, 3), (4, 1), (2, 0), (1, 0)])
def test_mask_size_keeps_its_share_and_leaves_a_frame(frames: int, mask: int) -> None:
    assert mask_size(frames) == mask
    positions = draw_positions(frames, mask, torch.Generator().manual_seed(0))
    assert masked_view(clips_of(frames), positions).shape == (3, 3, frames - 2 * mask, 4, 2)
    assert frames - 2 * mask_size(frames, 0.499) >= 1


def test_motion_is_the_mean_square_of_both_steps() -> None:
    clips = clips_of(5, count=1)
    x = clips[0].numpy()
    for t in range(5):
        steps = [(x[:, t + d] - x[:, t]) ** 2 for d in (-1, 1) if 0 <= t + d < 5]
        assert motion(clips)[0, t].item() == pytest.approx(sum(step.mean() for step in steps), rel=1e-5)


def test_the_liveliest_frames_go_and_time_stays_in_order() -> None:
    clips = torch.zeros(1, 3, 10, 4, 2)
    clips[:, :, 6] = 1.0  # frames 5, 6 and 7 lie next to a step, 6 next to two
    assert kept_frames(clips, 3).tolist() == [[0, 1, 2, 3, 4, 8, 9]]
    assert kept_frames(torch.zeros(1, 3, 10, 4, 2), 3).tolist() == [[0, 1, 2, 3, 4, 5, 6]]
    view = masked_view(clips + torch.arange(10.0)[None, None, :, None, None] / 1e3, torch.tensor([0, 2, 5, 6]))
    np.testing.assert_allclose(view[0, 0, :, 0, 0], [0, 0.002, 0.008, 0.009], atol=1e-6)


def test_every_clip_has_its_own_frames_and_all_share_the_positions() -> None:
    clips, positions = clips_of(20, count=4), torch.tensor([0, 3, 5, 6, 7, 8, 9, 13])
    whole = masked_view(clips, positions)
    for i in range(4):
        assert torch.equal(masked_view(clips[i : i + 1], positions)[0], whole[i])
    assert len({tuple(row) for row in kept_frames(clips, 6).tolist()}) > 1


def test_positions_are_distinct_ascending_and_cover_the_kept_frames() -> None:
    generator = torch.Generator().manual_seed(0)
    seen = set[int]()
    for _ in range(50):
        positions = draw_positions(50, 15, generator).tolist()
        assert len(positions) == len(set(positions)) == 20
        assert positions == sorted(positions)
        seen |= set(positions)
    assert seen == set(range(35))


def test_shared_positions_depend_on_the_seed_alone() -> None:
    first = shared_positions(50, 8, seed=3)
    assert torch.equal(first[:3], shared_positions(50, 3, seed=3))
    assert not torch.equal(first, shared_positions(50, 8, seed=4))
    assert len({tuple(row) for row in first.tolist()}) == 8


@pytest.fixture
def clips(skeletons):
    return skeletons(persons=2)


@pytest.fixture
def backbone(store, clips, dataset, split):
    return pretrain(store, clips, dataset, split, PretrainConfig(epochs=1, batch=8, device="cpu"))


@pytest.mark.parametrize("chunk", [7, 256])
def test_extracted_views_are_the_backbones_features_of_the_masked_clips(store, clips, backbone, monkeypatch, chunk):
    monkeypatch.setattr(extract_package, "CHUNK", chunk)
    artifact = extract(store, clips, backbone, ExtractConfig(masked_views=3, keep=("pooled",)))
    features = FeatureSet.open(artifact)
    assert features.arrays["masked"].shape == (60, 3, 256)
    source = frozen_clips(features.source, CPU)
    chosen = source.only([features.ids[row] for row in (41, 2, 30)])
    raw = chosen.read(torch.arange(3))
    for view, positions in enumerate(shared_positions(12, 3)):
        expected = features.arrays["masked"][[41, 2, 30], view]
        np.testing.assert_allclose(chosen.encode(masked_view(raw, positions)), expected, atol=1e-5)
    np.testing.assert_allclose(chosen.encode(raw), features.arrays["pooled"][[41, 2, 30]], atol=1e-5)
    assert np.abs(features.arrays["masked"] - features.arrays["pooled"][:, None]).max() > 1e-3
    with pytest.raises(InputError, match="hold no clip"):
        chosen.only([features.ids[0]])


def test_views_make_another_artifact_and_leave_the_pooled_features_alone(store, clips, backbone):
    plain = extract(store, clips, backbone, ExtractConfig())
    views = extract(store, clips, backbone, ExtractConfig(masked_views=2))
    others = extract(store, clips, backbone, ExtractConfig(masked_views=2, view_seed=1))
    assert len({plain.id, views.id, others.id}) == 3
    without, first, second = (FeatureSet.open(artifact).arrays for artifact in (plain, views, others))
    assert sorted(set(first) - set(without)) == ["masked"]
    for name, array in without.items():
        np.testing.assert_array_equal(first[name], array)
    assert not np.array_equal(first["masked"], second["masked"])


def test_raw_joints_have_no_masked_views(store, skeletons):
    with pytest.raises(InputError, match="cannot encode masked views"):
        extract(store, skeletons(recipe="hip-32"), None, ExtractConfig(masked_views=2))

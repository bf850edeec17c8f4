"""Choice of the device."""

from __future__ import annotations

import pytest
import torch

from zsl_skeleton.errors import UsageError
from zsl_skeleton.training.device import choose_device


def test_the_choice_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    choice = choose_device()
    assert choice.device.type == "cpu"
    assert "no GPU" in str(choice)
    assert "as asked for" in str(choose_device("cpu"))


@pytest.mark.parametrize("wanted", ["gpu", "meta", "cuda:99", "mps"])
def test_what_does_not_exist_is_refused(wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted):
        choose_device(wanted)

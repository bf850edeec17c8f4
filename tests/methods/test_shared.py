"""One product per head is the batched product, in value and gradients, for an own bias per row and a shared one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from zsl_skeleton.methods.shared import headwise


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("rows", [1, 5])
def test_three_heads_on_two_threads_equal_the_batched_product(rows: int) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = (3, 5, 4), (3, 4, 6), (3, rows, 6)
    inputs = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]
    outer = torch.randn(3, 5, 6, generator=generator, dtype=torch.float64)
    x, weight, bias = inputs
    product, expected = headwise(x, weight, bias), torch.baddbmm(bias, x, weight)
    assert "Headwise" in type(product.grad_fn).__name__
    torch.testing.assert_close(product, expected)
    found = torch.autograd.grad((product * outer).sum(), inputs)
    torch.testing.assert_close(found, torch.autograd.grad((expected * outer).sum(), inputs))


@pytest.mark.usefixtures("two_threads")
def test_a_row_shared_by_all_heads_needs_no_copy() -> None:
    x, weight, bias = torch.randn(5, 4), torch.randn(3, 4, 6), torch.randn(3, 1, 6)
    expected = torch.stack([x @ w + b for w, b in zip(weight, bias, strict=True)])
    torch.testing.assert_close(headwise(x.expand(3, -1, -1), weight, bias), expected)

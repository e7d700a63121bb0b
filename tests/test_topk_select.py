"""Soft top-k and the smooth top-k loss, against brute force."""

from __future__ import annotations

import itertools

import pytest
import torch

from gendr.sort import DiffSort, SoftSort
from gendr.topk import SmoothTopKLoss, log_symmetric_polynomials, selector, topk


@pytest.mark.parametrize("k", [1, 3, 9])
@pytest.mark.parametrize("largest", [True, False])
def test_steep_networks_select_hard(k, largest):
    x = torch.randn(2, 3, 9, dtype=torch.float64)
    values, rows, mask = topk(x, k, selector(9, k, distribution="logistic", steepness=1e4), largest=largest)
    expected = x.topk(k, largest=largest)
    assert torch.allclose(values, expected.values, atol=1e-6)
    assert torch.equal(rows.argmax(-1), expected.indices)
    assert torch.allclose(mask, torch.zeros_like(x).scatter(-1, expected.indices, 1.0), atol=1e-6)


def test_the_mask_is_soft_k_hot():
    x = torch.randn(4, 50)
    mask = topk(x, 5).mask
    assert torch.allclose(mask.sum(-1), torch.full((4,), 5.0), atol=1e-4)
    assert mask.min() >= 0
    assert mask.max() <= 1 + 1e-5
    along = topk(x.T, 5, dim=0)
    assert torch.allclose(along.mask.T, mask)
    assert along.values.shape == (5, 4)


@pytest.mark.parametrize("by", [None, SoftSort(0.1), DiffSort(6, "odd_even")])
def test_values_are_rows_times_x(by):
    x = torch.randn(6, dtype=torch.float64, requires_grad=True)
    values, rows, _ = topk(x, 2, by)
    assert torch.allclose(values, rows @ x)
    values.sum().backward()
    assert x.grad.isfinite().all()


def test_half_precision_goes_in_and_out():
    assert topk(torch.randn(8).bfloat16(), 2).values.dtype == torch.bfloat16


@pytest.mark.parametrize("k", [0, 5, 2.0])
def test_an_impossible_k_is_refused(k):
    with pytest.raises((ValueError, TypeError), match="k: expected an int from 1 to 4"):
        topk(torch.randn(4), k)


def test_symmetric_polynomials():
    x = torch.rand(7, dtype=torch.float64)
    expected = [sum(x[list(s)].prod() for s in itertools.combinations(range(7), j)) for j in range(1, 5)]
    got = log_symmetric_polynomials(x.log(), 4).exp()
    assert torch.allclose(got, torch.stack([torch.tensor(1.0, dtype=torch.float64), *expected]), rtol=1e-12)


@pytest.mark.parametrize(("k", "tau"), [(1, 1.0), (2, 0.5), (3, 2.0), (5, 1.0)])
def test_smooth_loss_is_its_definition(k, tau):
    scores, labels = torch.randn(3, 6, dtype=torch.float64), torch.tensor([0, 3, 5])
    for s, y, loss in zip(scores, labels, SmoothTopKLoss(k, tau, reduction="none")(scores, labels), strict=True):
        sets = [(set(c), s[list(c)].sum() / k) for c in itertools.combinations(range(6), k)]
        every = torch.stack([((int(y) not in c) + total) / tau for c, total in sets])
        own = torch.stack([total / tau for c, total in sets if int(y) in c])
        assert torch.allclose(loss, tau * (every.logsumexp(0) - own.logsumexp(0)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4, 1e30])
def test_smooth_loss_is_finite(scale):
    for k in (1, 3, 8):
        scores = (scale * torch.randn(4, 8)).requires_grad_()
        loss = SmoothTopKLoss(k)(scores, torch.tensor([0, 1, 2, 3]))
        loss.backward()
        assert loss.isfinite()
        assert scores.grad.isfinite().all()
    assert SmoothTopKLoss(8)(torch.randn(2, 8), torch.tensor([0, 1])) == 0


def test_smooth_loss_gradients():
    scores = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: SmoothTopKLoss(2)(s, torch.tensor([0, 3, 5])), (scores,))
    with pytest.raises(ValueError, match="k: expected at most 6"):
        SmoothTopKLoss(7)(scores, torch.tensor([0, 3, 5]))

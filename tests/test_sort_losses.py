"""Losses and metrics of ranking."""

from __future__ import annotations

import math

import pytest
import scipy.stats
import torch

from gendr.distributions import Logistic
from gendr.sort import (
    DiffSort,
    Sigmoid,
    binary_cross_entropy,
    cross_entropy,
    element_wise,
    exact_match,
    exact_match_of_five,
    kendall,
    rank_mse,
    spearman,
    true_permutation,
    true_ranks,
)

SCORES = torch.randn(8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
WANTED = torch.randn(8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_true_ranks_and_permutation():
    ranks = true_ranks(SCORES)
    assert torch.equal(ranks, torch.from_numpy(scipy.stats.rankdata(SCORES.numpy(), axis=-1) - 1).long())
    assert torch.equal(true_ranks(SCORES, descending=True), 5 - ranks)
    assert torch.equal(true_ranks(SCORES.T, dim=0), ranks.T)
    sorted_ = (true_permutation(ranks).double() @ SCORES.unsqueeze(-1)).squeeze(-1)
    assert torch.equal(sorted_, SCORES.sort(-1).values)
    assert true_ranks(torch.tensor([2, 1, 2, 1])).tolist() == [2, 0, 3, 1]


def test_cross_entropies_are_torchs():
    p = DiffSort(6, steepness=3.0).permutation(SCORES)
    ranks = true_ranks(WANTED)
    q = true_permutation(ranks).double()
    by_column = -(q * p.log()).sum(-2).mean(-1)  # 3.12
    assert cross_entropy(p, ranks).item() == pytest.approx(by_column.mean().item())
    wanted = torch.nn.functional.binary_cross_entropy(p, q)
    assert binary_cross_entropy(p, ranks).item() == pytest.approx(wanted.item())


def test_cross_entropies_are_finite_at_hard_matrices():
    p = torch.eye(3, requires_grad=True)
    for loss in (cross_entropy, binary_cross_entropy):
        value = loss(p, torch.tensor([1, 0, 2]))
        assert value.isfinite()
        assert torch.autograd.grad(value, p)[0].isfinite().all()


def test_rank_losses_against_scipy():
    ranks = true_ranks(SCORES)
    wanted = true_ranks(WANTED)
    rho = [scipy.stats.spearmanr(a, b).statistic for a, b in zip(SCORES.numpy(), WANTED.numpy(), strict=True)]
    assert spearman(ranks.double(), wanted).item() == pytest.approx(1 - sum(rho) / 8)
    tau = [scipy.stats.kendalltau(a, b).statistic for a, b in zip(SCORES.numpy(), WANTED.numpy(), strict=True)]
    hard = Sigmoid(Logistic(), 1e6)
    assert kendall(SCORES, WANTED, hard).item() == pytest.approx(1 - sum(tau) / 8)
    assert rank_mse(ranks.double(), wanted).item() == pytest.approx((ranks - wanted).double().square().mean().item())


def test_losses_teach_an_order():
    for loss in (
        lambda x: cross_entropy(DiffSort(6).permutation(x), true_ranks(WANTED)),
        lambda x: rank_mse(DiffSort(6).rank(x), true_ranks(WANTED)),
        lambda x: spearman(DiffSort(6).rank(x), true_ranks(WANTED)),
        lambda x: kendall(x, WANTED),
    ):
        x = (SCORES * 0.3).clone().requires_grad_()
        optimiser = torch.optim.Adam([x], lr=0.1)
        before = element_wise(x, WANTED)
        for _ in range(60):
            optimiser.zero_grad()
            loss(x).backward()
            optimiser.step()
        assert element_wise(x, WANTED) > max(before, 0.8)


def test_equal_ranks_have_no_correlation():
    ranks = torch.ones(4, requires_grad=True)
    loss = spearman(ranks, torch.arange(4))
    assert loss.item() == 1.0
    assert torch.equal(torch.autograd.grad(loss, ranks)[0], torch.zeros(4))
    assert kendall(torch.rand(3), torch.zeros(3)).item() == 1.0


def test_metrics():
    wanted = torch.tensor([[1, 2, 3], [1, 2, 3]])
    scores = torch.tensor([[0.1, 0.2, 0.3], [0.2, 0.1, 0.3]])
    assert exact_match(scores, wanted) == 0.5
    assert element_wise(scores, wanted) == pytest.approx(4 / 6)
    scores = torch.arange(11.0)
    scores[[0, 1]] = scores[[1, 0]]
    assert exact_match_of_five(scores, torch.arange(11)) == 0.5
    chance = exact_match(torch.rand(20000, 3), torch.rand(20000, 3)).item()
    assert chance == pytest.approx(1 / 6, abs=4 * math.sqrt(5 / 36 / 20000))


def test_errors_say_what_was_wanted():
    for wrong, message in [
        (lambda: cross_entropy(torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)), "p: expected"),
        (lambda: cross_entropy(torch.eye(3), torch.zeros(3)), "ranks: expected int64"),
        (lambda: rank_mse(torch.zeros(3), torch.zeros(2, dtype=torch.int64)), "wanted: expected int64"),
        (lambda: kendall(torch.zeros(3), torch.zeros(2)), "wanted: expected the shape of scores"),
        (lambda: exact_match(torch.zeros(3), torch.zeros(2)), "wanted: expected the shape of scores"),
        (lambda: exact_match_of_five(torch.zeros(3), torch.zeros(3)), "scores: expected at least five elements"),
    ]:
        with pytest.raises(ValueError, match=message):
            wrong()

"""The top-k loss: what it computes, against the permutation matrix; its options, limits and refusals."""

from __future__ import annotations

import math

import pytest
import torch

from gendr.distributions import Cauchy, Optimal
from gendr.sort import DiffSort, NeuralSort, Sinkhorn, SoftSort, bitonic
from gendr.topk import TopKLoss, highest_scores, rank_weights, selector, topk

HALF = [0.5, 0.0, 0.0, 0.0, 0.5]


def some(batch=6, n=20, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, n, dtype=dtype, generator=generator), torch.randint(n, (batch,), generator=generator)


def by_hand(scores, labels, p_k, steepness, network="auto"):
    """Equation 4.3 from rows of P, one sum after the other."""
    rows = topk(scores, len(p_k), selector(scores.shape[1], len(p_k), network, "optimal", steepness)).rows
    total = 0.0
    for k, chance in enumerate(p_k, 1):
        for m in range(k):
            total = total + chance * rows[torch.arange(len(labels)), m, labels]
    return -total.log()


@pytest.mark.parametrize("network", ["auto", "bitonic", "odd_even", "splitter"])
def test_ranked_loss_is_equation_4_3(network):
    scores, labels = some()
    loss = TopKLoss(
        [0.1, 0.2, 0.3, 0.4], top1="ranked", distribution="optimal", steepness=3.0, network=network, reduction="none"
    )
    expected = by_hand(scores, labels, [0.1, 0.2, 0.3, 0.4], 3.0, network)
    assert torch.allclose(loss(scores, labels), expected, rtol=1e-12)


def test_whole_sorter_s_rows_give_the_same():
    # The first rows of a bitonic selection are those of the whole sorter.
    scores, labels = some(n=16)
    rows = DiffSort(16, bitonic(16), "optimal", 3.0).permutation(scores, k=3, descending=True)
    mass = (rows.sum(1)).gather(1, labels[:, None])[:, 0]
    loss = TopKLoss(
        [0, 0, 1.0], top1="ranked", distribution="optimal", steepness=3.0, network="bitonic", reduction="sum"
    )
    assert loss(scores, labels).item() == pytest.approx(-mass.log().sum().item(), rel=1e-12)


def test_mixture_of_softmax_is_equation_4_4():
    scores, labels = some()
    options = {"distribution": "optimal", "steepness": 3.0, "reduction": "none"}
    cross_entropy = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    later = TopKLoss([0.0, 0.0, 1.0], top1="ranked", **options)(scores, labels)
    expected = 0.3 * cross_entropy + 0.7 * (later - math.log(0.7))
    assert torch.allclose(TopKLoss([0.3, 0.0, 0.7], **options)(scores, labels), expected, rtol=1e-12)
    inside = -(0.3 * torch.exp(-cross_entropy) + 0.7 * torch.exp(-later)).log()
    assert torch.allclose(TopKLoss([0.3, 0.0, 0.7], top1="mixture", **options)(scores, labels), inside, rtol=1e-12)
    assert torch.equal(TopKLoss([1.0], **options)(scores, labels), cross_entropy)


def test_weights_of_ranks():
    assert torch.allclose(rank_weights(torch.tensor([0.2, 0.3, 0.5])), torch.tensor([1.0, 0.8, 0.5]))


@pytest.mark.parametrize("method", ["network", "neuralsort", "softsort"])
@pytest.mark.parametrize("m", [None, 7, 20, 50])
def test_only_the_highest_scores_are_ranked(method, m):
    scores, labels = some()
    options = {"top1": "ranked", "tau": 0.3, "steepness": 4.0, "reduction": "none"}
    loss = TopKLoss([0.2] * 5, m, method, **options)(scores, labels)
    kept, places = (scores, labels) if m is None or m >= 20 else highest_scores(scores, labels, m)
    assert torch.equal(kept[torch.arange(6), places], scores[torch.arange(6), labels])
    assert torch.allclose(loss, TopKLoss([0.2] * 5, None, method, **options)(kept, places), rtol=1e-9)


@pytest.mark.parametrize(
    "by", [Sinkhorn(0.2), SoftSort(0.2), NeuralSort(0.5), DiffSort(20, "odd_even", Optimal(), 5.0)]
)
def test_any_operator_serves(by):
    scores, labels = some()
    mass = by.permutation(scores, k=2, descending=True).sum(1).gather(1, labels[:, None])[:, 0]
    loss = TopKLoss([0.0, 1.0], method=by, top1="ranked", reduction="none")(scores, labels)
    assert torch.allclose(loss, -mass.clamp(1e-30, 1).log(), rtol=1e-12)


def test_distributions_per_sample_and_per_class():
    scores, labels = some()
    table = torch.softmax(torch.randn(20, 3, dtype=torch.float64), -1)
    options = {"top1": "ranked", "steepness": 3.0, "reduction": "none"}
    per_class = TopKLoss(table, **options)(scores, labels)
    per_sample = TopKLoss([1.0, 0.0, 0.0], **options)(scores, labels, table[labels])
    each = torch.stack(
        [TopKLoss(table[y], **options)(s[None], y[None])[0] for s, y in zip(scores, labels, strict=True)]
    )
    assert torch.allclose(per_class, each, rtol=1e-12)
    assert torch.allclose(per_sample, each, rtol=1e-12)


def test_ignored_samples_weights_and_reductions():
    scores, labels = some()
    labels[2] = -100
    weight = torch.rand(20, dtype=torch.float64)
    each = TopKLoss(HALF, reduction="none")(scores, labels)
    assert each[2] == 0
    kept = torch.arange(6) != 2
    assert torch.allclose(each[kept], TopKLoss(HALF, reduction="none")(scores[kept], labels[kept]), rtol=1e-12)
    assert TopKLoss(HALF)(scores, labels).item() == pytest.approx(each[kept].mean().item())
    assert TopKLoss(HALF, reduction="sum")(scores, labels).item() == pytest.approx(each.sum().item())
    w = weight[labels[kept]]
    expected = (each[kept] * w).sum() / w.sum()
    assert TopKLoss(HALF, weight=weight)(scores, labels).item() == pytest.approx(expected.item())
    nothing = TopKLoss(HALF)(scores.requires_grad_(), torch.full((6,), -100))
    nothing.backward()
    assert nothing == 0
    assert scores.grad.abs().max() == 0


def test_label_smoothing_is_the_mean_over_targets():
    scores, labels = some(n=7)
    options = {"reduction": "none", "steepness": 3.0, "top1": "ranked"}
    exact = torch.stack([TopKLoss([0, 1.0], **options)(scores, torch.full((6,), c)) for c in range(7)], 1)
    smoothed = TopKLoss([0, 1.0], label_smoothing=0.3, **options)(scores, labels)
    expected = 0.7 * exact.gather(1, labels[:, None])[:, 0] + 0.3 * exact.mean(1)
    assert torch.allclose(smoothed, expected, rtol=1e-12)
    only_softmax = TopKLoss([1.0], label_smoothing=0.3)(scores, labels)
    assert torch.allclose(only_softmax, torch.nn.functional.cross_entropy(scores, labels, label_smoothing=0.3))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 5)])
def test_shapes_and_dtypes(dtype, shape):
    scores, labels = torch.randn(shape, dtype=dtype), torch.randint(5, shape[:-1])
    loss = TopKLoss([0.5, 0.5], reduction="none")(scores, labels)
    assert loss.shape == labels.shape
    assert loss.dtype == dtype
    wide = TopKLoss([0.5, 0.5], reduction="none")(scores.float(), labels)
    assert torch.allclose(loss.float(), wide, rtol=1e-2)  # bfloat16 has 8 binary digits


EXTREMES = [
    torch.zeros(1, 9),
    torch.full((1, 9), 3e38),
    torch.tensor([[-3e38, 3e38, 0, 1e-38, -1e-38, 1e20, -1e20, 1.0, 2.0]]),
    torch.tensor([[-torch.inf] * 8 + [1.0]]),
    torch.tensor([[torch.inf, -torch.inf, 0.0, 1, 2, 3, 4, 5, 6]]),
]


@pytest.mark.parametrize("distribution", ["cauchy", "logistic", "optimal", "reciprocal", "gaussian"])
@pytest.mark.parametrize("m", [None, 4])
@pytest.mark.parametrize("steepness", [1e-6, 1.0, 1e6])
def test_finite_for_any_scores(distribution, m, steepness):
    loss = TopKLoss([0, 0.5, 0.5], m, distribution=distribution, steepness=steepness, top1="ranked")
    for row in EXTREMES:
        for label in range(9):
            scores = row.clone().requires_grad_()
            value = loss(scores, torch.tensor([label]))
            value.backward()
            assert value.isfinite()
            assert scores.grad.isfinite().all()


def test_a_row_with_nan_spoils_no_other():
    scores, labels = some(dtype=torch.float32)
    scores[3, 5] = torch.nan
    for m in (None, 8):
        leaf = scores.clone().requires_grad_()
        each = TopKLoss([0, 1.0], m, top1="ranked", reduction="none")(leaf, labels)
        assert each.isnan().tolist() == [i == 3 for i in range(6)]
        each[torch.arange(6) != 3].sum().backward()
        assert leaf.grad.isfinite().all()
        assert (leaf.grad[3] == 0).all()


@pytest.mark.parametrize("n", [2, 3, 20_000])
def test_few_and_many_classes(n):
    scores, labels = some(batch=2, n=n, dtype=torch.float32)
    k = min(n, 5)
    leaf = scores.clone().requires_grad_()
    loss = TopKLoss([0.0] * (k - 1) + [1.0], top1="ranked")(leaf, labels)
    loss.backward()
    assert loss.isfinite()
    assert leaf.grad.isfinite().all()
    if k == n:  # every label is among all
        assert loss.abs() < 1e-6


def test_descent_brings_the_label_into_the_top():
    scores, labels = some(n=30)
    scores = scores.requires_grad_()
    loss = TopKLoss([0, 0, 1.0], top1="ranked")
    optimizer = torch.optim.Adam([scores], lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        loss(scores, labels).backward()
        optimizer.step()
    assert (scores.topk(3).indices == labels[:, None]).any(1).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"p_k": [0.5, 0.4]}, "p_k: expected probabilities that sum to 1"),
        ({"p_k": [1.5, -0.5]}, "p_k"),
        ({"p_k": []}, "p_k"),
        ({"p_k": HALF, "m": 4}, "m: expected None or an int of at least 5"),
        ({"p_k": HALF, "method": "bubble"}, "method: expected one of network"),
        ({"p_k": HALF, "top1": "hard"}, "top1"),
        ({"p_k": HALF, "distribution": "exponential"}, "distribution"),
        ({"p_k": HALF, "steepness": 0.0}, "steepness"),
        ({"p_k": HALF, "network": "bubble"}, "network"),
        ({"p_k": HALF, "reduction": "max"}, "reduction"),
        ({"p_k": HALF, "label_smoothing": 1.5}, "label_smoothing"),
        ({"p_k": HALF, "backend": "gpu"}, "backend"),
    ],
)
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        TopKLoss(**arguments)


def test_wrong_inputs_are_refused():
    scores, labels = some()
    with pytest.raises(ValueError, match=r"labels: expected 0 to 19, or -100, got 0 to 20|labels: expected 0 to 19"):
        TopKLoss(HALF)(scores, labels.clamp(max=0) + 20)
    with pytest.raises(ValueError, match="labels"):
        TopKLoss(HALF)(scores, labels[:3])
    with pytest.raises(ValueError, match="p_k: expected at most 3"):
        TopKLoss(HALF)(scores[:, :3], labels.clamp(max=2))
    with pytest.raises(ValueError, match="p_k: expected a row for each"):
        TopKLoss(HALF)(scores, labels, torch.ones(3, 1))
    with pytest.raises(ValueError, match="weight"):
        TopKLoss(HALF, weight=torch.ones(3))(scores, labels)
    with pytest.raises(TypeError, match="scores"):
        TopKLoss(HALF)([1.0], labels)


def test_buffers_travel():
    loss = TopKLoss(HALF, weight=torch.ones(20)).to(torch.float32)
    assert loss.p_k.dtype == torch.float32
    assert set(loss.state_dict()) == {"p_k", "weight"}
    assert isinstance(loss.family, Cauchy)

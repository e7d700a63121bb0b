"""The top-k classification loss: `k` is drawn from a distribution of your choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from gendr import _check
from gendr.distributions import Distribution, from_spec
from gendr.distributions._values import concrete, extremes
from gendr.sort import NeuralSort, Sigmoid, Sinkhorn, SoftSort, Sorter, auto_steepness
from gendr.topk.odds import KnownOdds, Odds, probabilities
from gendr.topk.ranked import (
    BACKENDS,
    class_masses,
    highest_scores,
    network_mass,
    network_surprise,
    operator_masses,
    surprise,
)
from gendr.topk.selection import SELECTIONS, selection_network

METHODS = ("network", "neuralsort", "softsort", "sinkhorn")
TOP1 = ("softmax", "mixture", "ranked")
REDUCTIONS = ("mean", "sum", "none")


class TopKLoss(nn.Module):
    """`-log sum_k P_K(k) sum_{r <= k} P[r, label]`: the label should be among the `k` highest scores, `k ~ P_K`.

    With `top1="softmax"` the part of `k = 1` is softmax cross-entropy, and the loss the mixture (4.4), for training
    from scratch: `P_K(1) CE - (1 - P_K(1)) log sum_{k >= 2} P_K(k) sum_{r <= k} P[r, label]`. It is finite for
    all finite scores, and with infinities among them; a NaN among a sample's scores gives NaN for this sample only.

    Args:
        p_k: probabilities of `k = 1, 2, ...`, which sum to 1: a sequence, a tensor `[K]`, or `[n, K]` with a row for
            each class; `forward` takes a row for each sample.
        m: only the `m` highest scores are ranked, the label always among them (16 for 1,000 classes, 50 for more
            than 10,000 are the published choices); None ranks all.
        method: "network", a relaxed selection network; "neuralsort", "softsort", "sinkhorn"; or an operator of
            `gendr.sort` of your own.
        top1: "softmax", as above; "mixture", the softmax probability within the logarithm, in the place of `k = 1`'s;
            "ranked", everything by the operator (4.3).
        distribution: of the network's comparators, or its spec.
        steepness: of the sigmoid at 0, in 1 / units of the scores: look around 1 in steps of 2, gentle is better in
            the beginning; "auto" goes by the number of layers, as for sorting.
        network: "auto", "splitter", "bitonic", "odd_even", ...; see `selection_network`.
        tau: temperature of the other methods.
        reduction: "mean" (over the weights of the labels that count), "sum", or "none".
        label_smoothing: in [0, 1): this share of the target is spread evenly over all ranked classes. It takes plain
            torch for the network.
        ignore_index: samples with this label count as nothing.
        weight: of each class, `[n]`.
        backend: of `network_mass`.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.

    Source: Petersen 2022, equations 4.3 and 4.4; Petersen et al. 2022, "Differentiable Top-k Classification Learning".

    >>> scores = torch.tensor([[0.1, 3.0, 2.0, 0.2]], requires_grad=True)
    >>> loss = TopKLoss([0.5, 0.5], steepness=10.0, top1="ranked")(scores, torch.tensor([2]))
    >>> loss
    tensor(0.6939, grad_fn=<MeanBackward0>)
    """

    p_k: Tensor
    weight: Tensor | None

    def __init__(
        self,
        p_k: Sequence[float] | Tensor,
        m: int | None = None,
        method: str | Sorter = "network",
        *,
        top1: Literal["softmax", "mixture", "ranked"] = "softmax",
        distribution: Distribution | str = "cauchy",
        steepness: float | Literal["auto"] = 1.0,
        network: str = "auto",
        tau: float = 1.0,
        reduction: Literal["mean", "sum", "none"] = "mean",
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        weight: Tensor | None = None,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.register_buffer("p_k", probabilities(p_k))
        if m is not None and (not isinstance(m, int) or m < self.p_k.shape[-1]):
            _check.fail("m", f"None or an int of at least {self.p_k.shape[-1]}, the length of p_k", m)
        self.m = m
        self.by = method if isinstance(method, Sorter) else _operator(method, tau)
        self.top1 = _check.choice("top1", top1, TOP1)
        self._known = KnownOdds(all_ranked=top1 == "ranked")
        self.family = from_spec(distribution) if isinstance(distribution, str) else distribution
        Sigmoid(self.family, 1.0)
        self.steepness = steepness if steepness == "auto" else _check.number("steepness", steepness, 0, open_low=True)
        self.network = _check.choice("network", network, ("auto", *SELECTIONS))
        self.reduction = _check.choice("reduction", reduction, REDUCTIONS)
        self.label_smoothing = _check.number("label_smoothing", label_smoothing, 0.0, 1.0)
        self.ignore_index = ignore_index
        self.register_buffer("weight", None if weight is None else _check.tensor("weight", weight, ("n",)))
        self.backend = _check.choice("backend", backend, BACKENDS)
        self._parts = {"softmax": bool((self.p_k[..., 0] > 0).any()), "rest": bool((self.p_k[..., 1:] > 0).any())}

    def forward(self, scores: Tensor, labels: Tensor, p_k: Tensor | None = None) -> Tensor:
        """The loss.

        Args:
            scores: `[*, n]`, float16 or bfloat16 (computed in float32), float32 or float64.
            labels: int64 `[*]`, from 0 to `n - 1`, or `ignore_index`.
            p_k: `[*, K]` instead of the constructor's.

        Returns:
            A number, or `[*]` without reduction. The mean of no sample is 0.

        Raises:
            TypeError, ValueError: shapes, dtypes, labels or probabilities that do not fit.
        """
        rows, at = _entered(scores, labels)
        n = rows.shape[1]
        counted = self._counted(at, n)
        if counted is not None:
            at = torch.where(counted, at, 0)
        odds = self._odds(at, p_k, n, rows.dtype)
        loss = self._reduced(self._each(rows, at, odds, given=p_k is not None), at, counted, n)
        return (loss.reshape(labels.shape) if self.reduction == "none" else loss).to(scores.dtype)

    def _counted(self, labels: Tensor, n: int) -> Tensor | None:
        """Which labels count, `[B]`; None where all of them are seen to."""
        ends = extremes(labels)
        if ends is not None and ends[0] >= 0 and ends[1] < n and not ends[0] <= self.ignore_index <= ends[1]:
            return None
        counted = labels != self.ignore_index
        if concrete((((labels < 0) | (labels >= n)) & counted).any()):
            least, most = labels.aminmax()
            _check.fail("labels", f"0 to {n - 1}, or {self.ignore_index}", f"{least.item()} to {most.item()}")
        return counted

    def _reduced(self, each: Tensor, labels: Tensor, counted: Tensor | None, n: int) -> Tensor:
        """The losses of the samples that count, their sum, or their mean."""
        if counted is None and self.weight is None:
            return each if self.reduction == "none" else each.mean() if self.reduction == "mean" else each.sum()
        share = torch.ones_like(each) if counted is None else counted
        if self.weight is not None:
            _check.tensor("weight", self.weight, (n,))
            share = self.weight.to(each)[labels] * share
            each = each * share
        each = torch.where(share != 0, each, 0.0)
        if self.reduction == "none":
            return each
        total = each.sum()
        if self.reduction == "mean":
            weights = share.sum()
            total = total / torch.where(weights > 0, weights, 1)
        return total

    def _odds(self, labels: Tensor, given: Tensor | None, n: int, dtype: torch.dtype) -> Odds:
        """Of each sample, or of all."""
        chances = self.p_k if given is None else _check.tensor("p_k", given, ("*", "K"))
        limit = n if self.m is None else min(self.m, n)
        if chances.shape[-1] > limit:
            _check.fail("p_k", f"at most {limit} probabilities, one for each rank", f"{chances.shape[-1]}")
        if given is None and chances.dim() == 1:
            return self._known.of(chances, dtype)
        if given is None:
            chances = _check.tensor("p_k", chances, (n, "K"))[labels]
        elif given.numel() != len(labels) * given.shape[-1]:
            _check.fail("p_k", f"a row for each of {len(labels)} samples", given)
        else:
            chances = probabilities(given).reshape(len(labels), -1)
        return Odds.of(chances.to(dtype), all_ranked=self.top1 == "ranked")

    def _each(self, scores: Tensor, labels: Tensor, odds: Odds, *, given: bool) -> Tensor:
        """The loss of each sample."""
        if self.top1 == "ranked":
            return self._ranked(scores, labels, odds.weights)
        cross_entropy = torch.zeros_like(odds.first)
        if given or self._parts["softmax"]:
            smoothing = self.label_smoothing if self.top1 == "softmax" else 0.0
            cross_entropy = nn.functional.cross_entropy(
                scores.clamp(min=-1e30), labels, reduction="none", label_smoothing=smoothing
            )
        if self.top1 == "mixture":
            return self._ranked(scores, labels, odds.weights, odds.first * torch.exp(-cross_entropy))
        if not given and not self._parts["rest"]:
            return odds.first * cross_entropy
        return odds.first * cross_entropy + (1 - odds.first) * self._ranked(scores, labels, odds.weights)

    def _ranked(self, scores: Tensor, labels: Tensor, weights: Tensor, more: Tensor | None = None) -> Tensor:
        """`-log(mass + more)`, smoothed if need be; every mass is held within what a probability can be."""
        ranked = scores.shape[1] if self.m is None else min(self.m, scores.shape[1])
        if self.by is None and not self.label_smoothing:
            sigmoid = self._sigmoid(ranked, weights.shape[1])
            how = (sigmoid, self.m, self.network, self.backend)
            if more is None:
                return network_surprise(scores, labels, weights, *how)
            return surprise(network_mass(scores, labels, weights, *how) + more)
        if ranked < scores.shape[1]:
            scores, labels = highest_scores(scores, labels, ranked)
        if self.by is None:
            masses = class_masses(scores, weights, self._sigmoid(ranked, weights.shape[1]), self.network)
        else:
            masses = operator_masses(scores, weights, self.by)
        mass = masses.gather(1, labels.unsqueeze(1)).squeeze(1)
        own = surprise(mass if more is None else mass + more)
        if not self.label_smoothing:
            return own
        return (1 - self.label_smoothing) * own + self.label_smoothing * surprise(masses).mean(1)

    def _sigmoid(self, n: int, k: int) -> Sigmoid:
        if self.steepness == "auto":
            layers = selection_network(n, k, self.network).n_layers
            return Sigmoid(self.family, auto_steepness(layers, self.family))
        return Sigmoid(self.family, float(self.steepness))


def _operator(method: str, tau: float) -> Sorter | None:
    _check.choice("method", method, METHODS)
    _check.number("tau", tau, 0.0, open_low=True)
    if method == "network":
        return None
    operators: dict[str, Callable[[float], Sorter]] = {
        "neuralsort": NeuralSort,
        "softsort": SoftSort,
        "sinkhorn": Sinkhorn,
    }
    return operators[method](tau)


def _entered(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Scores `[B, n]` in float32 or float64, and labels `[B]`."""
    _check.tensor("scores", scores, ("*", "n"), (torch.float16, torch.bfloat16, torch.float32, torch.float64))
    _check.tensor("labels", labels, tuple(scores.shape[:-1]), (torch.int64,))
    if scores.shape[-1] == 0:
        _check.fail("scores", "at least one class", scores)
    wide = scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores
    if wide.dim() == 2:  # a view of itself would be one more step back
        return wide, labels
    return wide.reshape(-1, scores.shape[-1]), labels.reshape(-1)

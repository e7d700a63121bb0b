"""How much of the label is among the top ranks: the number of which the loss is the logarithm."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check
from gendr.sort import Sorter, reference
from gendr.sort.sigmoid import Sigmoid
from gendr.topk._ops import MassOptions, label_mass
from gendr.topk.selection import selection_network

BACKENDS = ("auto", "cpu", "reference")

LEAST_MASS = 1e-30
"""A label with less probability than this counts as having it, without a gradient: its surprise is at most 69.1."""

MOST_CHOSEN = 64
"""Up to so many scores the kernel picks the highest itself; beyond, torch does."""


def rank_weights(p_k: Float[Tensor, "*B K"]) -> Float[Tensor, "*B K"]:
    """`w_m = sum_{k >= m} P_K(k)`: what the label is worth at rank `m`.

    >>> rank_weights(torch.tensor([0.5, 0.0, 0.5]))
    tensor([1.0000, 0.5000, 0.5000])
    """
    return p_k.flip(-1).cumsum(-1).flip(-1)


def highest_scores(
    scores: Float[Tensor, "B n"], labels: Int64[Tensor, " B"], m: int
) -> tuple[Float[Tensor, "B m"], Int64[Tensor, " B"]]:
    """The `m` highest scores of each row, the highest first, and the label's place among them.

    A label that is not among them takes the last place (section 4.3.1).

    >>> highest_scores(torch.tensor([[0.1, 0.4, 0.3, 0.2]]), torch.tensor([0]), 2)
    (tensor([[0.4000, 0.1000]]), tensor([1]))
    """
    index = scores.detach().topk(m, dim=-1).indices
    found = index == labels.unsqueeze(-1)
    last = torch.where(found.any(-1), index[:, -1], labels)
    index = torch.cat([index[:, :-1], last.unsqueeze(-1)], -1)
    return scores.gather(-1, index), (index == labels.unsqueeze(-1)).int().argmax(-1)


def network_mass(
    scores: Float[Tensor, "B n"],
    labels: Int64[Tensor, " B"],
    weights: Float[Tensor, "W K"],
    sigmoid: Sigmoid,
    m: int | None = None,
    network: str = "auto",
    backend: str = "auto",
) -> Float[Tensor, " B"]:
    """`sum_r weights[r] P[r, label]` of each sample, by a relaxed selection network of the `m` highest scores.

    A one-hot vector at the label goes through the network along with the scores: it comes out as the label's column
    of `P`, for the price of the scores alone and whatever `K`.

    Args:
        scores: the higher the better; infinities are compared hard.
        labels: from 0 to `n - 1`.
        weights: of the ranks from the first on; a row for each sample, or one for all.
        sigmoid: of the comparators.
        m: how many scores go through the network; None for all.
        network: of `selection_network`.
        backend: "cpu", the kernel; "reference", plain torch, for derivatives of any order; "auto", the kernel on the
            CPU without ART, which has first derivatives only.

    Raises:
        ValueError: `backend="cpu"` for what the kernel cannot do.

    Source: Petersen 2022, chapter 4.

    >>> from gendr.distributions import Optimal
    >>> scores, label, weight = torch.tensor([[0.1, 3.0, 2.0]]), torch.tensor([2]), torch.tensor([[0.0, 1.0]])
    >>> network_mass(scores, label, weight, Sigmoid(Optimal(), 10.0))
    tensor([0.9873])
    """
    return _through_network(scores, labels, weights, sigmoid, m, network, backend, 0.0)


def network_surprise(
    scores: Float[Tensor, "B n"],
    labels: Int64[Tensor, " B"],
    weights: Float[Tensor, "W K"],
    sigmoid: Sigmoid,
    m: int | None = None,
    network: str = "auto",
    backend: str = "auto",
) -> Float[Tensor, " B"]:
    """`-log` of `network_mass`, whose arguments and errors it has, as `surprise` has it; the kernel takes it along.

    >>> from gendr.distributions import Optimal
    >>> scores, label, weight = torch.tensor([[0.1, 3.0, 2.0]]), torch.tensor([2]), torch.tensor([[0.0, 1.0]])
    >>> network_surprise(scores, label, weight, Sigmoid(Optimal(), 10.0))
    tensor([0.0128])
    """
    return _through_network(scores, labels, weights, sigmoid, m, network, backend, LEAST_MASS)


def surprise(mass: Tensor) -> Tensor:
    """`-log(mass)` of a mass that is held within what a probability can be, from `LEAST_MASS` to 1.

    >>> surprise(torch.tensor([0.5, 1.0000001, 0.0]))
    tensor([ 0.6931, -0.0000, 69.0776])
    """
    return -mass.clamp(LEAST_MASS, 1.0).log()


def _through_network(
    scores: Tensor,
    labels: Tensor,
    weights: Tensor,
    sigmoid: Sigmoid,
    m: int | None,
    network: str,
    backend: str,
    least_mass: float,
) -> Tensor:
    n, k = scores.shape[1], weights.shape[1]
    ranked = n if m is None else min(m, n)
    layers = selection_network(ranked, k, network)
    able = scores.device.type == "cpu" and not sigmoid.art
    if backend == "cpu" and not able:
        _check.fail("backend", "'auto' or 'reference' for tensors that are not on the CPU and for ART", "'cpu'")
    if backend != "reference" and able:
        if MOST_CHOSEN < ranked < n:
            scores, labels = highest_scores(scores, labels, ranked)
        options = MassOptions(sigmoid.distribution.name, sigmoid.scale, ranked, least_mass)
        return label_mass(scores, labels, weights, layers.pairs, layers.starts, options)
    if ranked < n:
        scores, labels = highest_scores(scores, labels, ranked)
    _, steps = reference.run(-scores, layers, sigmoid)
    column = torch.zeros_like(scores).scatter(-1, labels.unsqueeze(-1), 1.0).unsqueeze(-1)
    mass = (reference.columns(column, layers, steps)[:, :k, 0] * weights).sum(-1)
    return surprise(mass) if least_mass > 0 else mass


def class_masses(
    scores: Float[Tensor, "B n"], weights: Float[Tensor, "W K"], sigmoid: Sigmoid, network: str = "auto"
) -> Float[Tensor, "B n"]:
    """`sum_r weights[r] P[r, c]` for every class `c` at once, as `network_mass` has it for one; in plain torch.

    >>> from gendr.distributions import Optimal
    >>> class_masses(torch.tensor([[0.1, 3.0, 2.0]]), torch.tensor([[1.0, 1.0]]), Sigmoid(Optimal(), 10.0)).sum()
    tensor(2.)
    """
    n, k = scores.shape[1], weights.shape[1]
    layers = selection_network(n, k, network)
    _, steps = reference.run(-scores, layers, sigmoid)
    row = torch.nn.functional.pad(weights, (0, n - k)).unsqueeze(1)
    return reference.rows(row, layers, steps).squeeze(1)


def operator_masses(scores: Float[Tensor, "B n"], weights: Float[Tensor, "W K"], by: Sorter) -> Float[Tensor, "B n"]:
    """The same by any operator of `gendr.sort` that has a permutation matrix.

    >>> from gendr.sort import SoftSort
    >>> operator_masses(torch.tensor([[0.1, 3.0, 2.0]]), torch.tensor([[1.0, 1.0]]), SoftSort(0.01)).round()
    tensor([[0., 1., 1.]])
    """
    rows = by.permutation(scores, k=weights.shape[1], descending=True)
    return (weights.unsqueeze(1) @ rows).squeeze(1)

"""T-conorms whose generator is a power, `g(a) = r(a)^p`: Yager, Aczel-Alsina, Dombi, and Schweizer-Sklar (less 1).

The joined `R = (sum r_i^p)^(1/p)` is a p-norm. It is formed from logarithms with the largest one taken out, because the
powers themselves overflow for large `p` and for probabilities close to 0 or 1.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from gendr.tnorms.base import WithParameter
from gendr.tnorms.stable import expm1, expm1_quotient, log1p_quotient, logistic_pair, neg_log1m, smallest

__all__ = ["AczelAlsina", "Dombi", "PowerForm", "SchweizerSklar", "Yager"]


class PowerForm(WithParameter):
    """A T-conorm given by `ln r(a)` and by what follows from `ln R`.

    Attributes:
        is_strict: whether an input of probability 1 has an infinite `r`; it then saturates the aggregate.
    """

    is_strict: ClassVar[bool] = True
    p_range = (1e-18, 1e18)

    @abstractmethod
    def _log_base(self, a: Tensor, q: Tensor) -> Tensor:
        """`ln r` from `a > 0` and `q = 1 - a`, which is positive when the T-conorm is strict."""

    @abstractmethod
    def _finish(self, log_r: Tensor) -> tuple[Tensor, Tensor]:
        """The aggregate and its complement from `ln R`."""

    def face_cutoff(self, cutoff: float) -> float:
        """`min(cutoff, cutoff^(1/p))`: for `p < 1` the generator is infinitely steep at 0. See `TNorm.face_cutoff`.

        >>> Dombi(p=0.5).face_cutoff(1e-6), Dombi(p=2).face_cutoff(1e-6)
        (1e-12, 1e-06)
        """
        cutoff = super().face_cutoff(cutoff)
        return cutoff if self._number >= 1 else cutoff ** (1 / self._number)

    def _join(self, a: Tensor, q: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        certain = (q <= smallest(q)) & self.is_strict
        skip = (a <= smallest(a)) | certain
        log_r = self._log_base(torch.where(skip, 0.5, a), torch.where(skip, 0.5, q))
        total, empty = _log_p_norm(log_r, skip, self._exponent(a), dim)
        out, complement = self._finish(total)
        saturated = certain.any(dim)
        constant = saturated | empty
        return torch.where(constant, saturated.to(a), out), torch.where(constant, (~saturated).to(a), complement)

    def _exponent(self, like: Tensor) -> Tensor:
        """`p`, but at most `1000 / eps`: from there on the p-norm is the maximum to the last digit."""
        return self._parameter(like).clamp(max=1e3 / torch.finfo(like.dtype).eps)


def _log_p_norm(log_r: Tensor, skip: Tensor, p: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """`ln (sum r^p)^(1/p)` over the entries not skipped, and where there are none (0 stands there)."""
    peak = torch.where(skip, -torch.inf, log_r.detach()).amax(dim, keepdim=True)
    empty = peak == -torch.inf
    peak = torch.where(empty, 0, peak)
    powers = torch.exp(p * (torch.where(skip, peak, log_r) - peak))
    total = torch.where(skip, 0, powers).sum(dim)
    empty = empty.squeeze(dim)
    return peak.squeeze(dim) + torch.log(torch.where(empty, 1, total)) / p, empty


class Yager(PowerForm):
    """`conorm(a, b) = min(1, (a^p + b^p)^(1/p))`: the p-norm, capped; its gradient is 0 where it is capped.

    `p = 1` is the bounded sum (Lukasiewicz), `p -> inf` Maximum, `p -> 0` the drastic sum.

    Args:
        p: in [1e-18, 1e18], a number or a 0-d tensor.

    Raises:
        ValueError: `p` is out of range.

    >>> Yager(p=2).conorm(torch.tensor(0.3), torch.tensor(0.4))
    tensor(0.5000)
    """

    name = "yager"
    formula = "min(1, (a^p + b^p)^(1/p))"
    source = "Petersen 2022, B.2; Yager 1980"
    is_strict = False

    def _log_base(self, a: Tensor, q: Tensor) -> Tensor:
        return -neg_log1m(q, a)

    def _finish(self, log_r: Tensor) -> tuple[Tensor, Tensor]:
        below = torch.where(log_r < 0, log_r, torch.where(log_r.isnan(), log_r, 0))
        return torch.exp(below), -expm1(below)


class AczelAlsina(PowerForm):
    """`conorm(a, b) = 1 - exp(-(|ln(1-a)|^p + |ln(1-b)|^p)^(1/p))`.

    `p = 1` is Probabilistic, `p -> inf` Maximum, `p -> 0` the drastic sum.

    Args:
        p: in [1e-18, 1e18], a number or a 0-d tensor.

    Raises:
        ValueError: `p` is out of range.

    >>> AczelAlsina(p=1).conorm(torch.tensor(0.5), torch.tensor(0.5))
    tensor(0.7500)
    """

    name = "aczel_alsina"
    formula = "1 - exp(-(|ln(1-a)|^p + |ln(1-b)|^p)^(1/p))"
    source = "Petersen 2022, B.2; Aczel and Alsina 1982"

    def _log_base(self, a: Tensor, q: Tensor) -> Tensor:
        return torch.log(neg_log1m(a, q))

    def _finish(self, log_r: Tensor) -> tuple[Tensor, Tensor]:
        r = torch.exp(log_r.clamp(max=7))  # e^-(e^7) = e^-1097 is 0 in float64: beyond it nothing changes
        return -expm1(-r), torch.exp(-r)


class Dombi(PowerForm):
    """`conorm(a, b) = 1 - 1 / (1 + ((a/(1-a))^p + (b/(1-b))^p)^(1/p))`: the p-norm of the odds.

    The dual of Dombi's T-norm; the T-conorm as printed in Petersen 2022 (B.2) has no neutral element. `p = 1` is
    `Hamacher(p -> 0)`, `p -> inf` Maximum, `p -> 0` the drastic sum.

    Args:
        p: in [1e-18, 1e18], a number or a 0-d tensor.

    Raises:
        ValueError: `p` is out of range.

    >>> Dombi(p=1).conorm(torch.tensor(0.5), torch.tensor(0.5))
    tensor(0.6667)
    """

    name = "dombi"
    formula = "1 - 1 / (1 + ((a/(1-a))^p + (b/(1-b))^p)^(1/p))"
    source = "Petersen 2022, dual of B.1; Dombi 1982"

    def _log_base(self, a: Tensor, q: Tensor) -> Tensor:
        return neg_log1m(a, q) - neg_log1m(q, a)

    def _finish(self, log_r: Tensor) -> tuple[Tensor, Tensor]:
        return logistic_pair(log_r)


class SchweizerSklar(WithParameter):
    """`conorm(a, b) = 1 - ((1-a)^p + (1-b)^p - 1)^(1/p)` for `p < 0`.

    `p -> 0` is Probabilistic, `p = -1` is `Hamacher(p -> 0)`, `p -> -inf` Maximum.

    Args:
        p: in [-1e18, -1e-18], a number or a 0-d tensor.

    Raises:
        ValueError: `p` is out of range.

    >>> SchweizerSklar(p=-1).conorm(torch.tensor(0.5), torch.tensor(0.5))
    tensor(0.6667)
    """

    name = "schweizer_sklar"
    formula = "1 - ((1-a)^p + (1-b)^p - 1)^(1/p)"
    source = "Petersen 2022, B.2; Schweizer and Sklar 1963"
    p_range = (-1e18, -1e-18)

    def _join(self, a: Tensor, q: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        certain = q <= smallest(q)
        logs = neg_log1m(torch.where(certain, 0, a), torch.where(certain, 1, q))
        height = self._height(logs, dim)
        saturated = certain.any(dim)
        return (
            torch.where(saturated, 1, -expm1(-height)),
            torch.where(saturated, 0, torch.exp(-height)),
        )

    def _height(self, logs: Tensor, dim: int) -> Tensor:
        """`-ln(1 - out) = ln(1 + sum expm1(k l_i)) / k` with `k = -p` and `l_i = -ln q_i`.

        Small arguments go through quotients that are regular at `k = 0`; for the others the largest exponential is
        taken out, where `expm1(x) / e^x = -expm1(-x)`.
        """
        k = -self._parameter(logs)
        peak = (k * logs).detach().amax(dim, keepdim=True)
        near = peak < 0.5
        small = torch.where(near, logs, 0)
        total = (small * expm1_quotient(k * small)).sum(dim)
        height_near = total * log1p_quotient(k * total)
        far = torch.where(near, 0, k * logs)
        peak = torch.where(near, 0, peak)
        scaled = (torch.exp(far - peak) * -expm1(-far)).sum(dim)
        peak, near = peak.squeeze(dim), near.squeeze(dim)
        height_far = (peak + torch.log(scaled + torch.exp(-peak))) / k
        return torch.where(near, height_near, height_far)

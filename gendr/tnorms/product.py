"""T-conorms that are the probabilistic sum in a changed variable: Probabilistic, Einstein, Hamacher and Frank.

Each maps `a` to a `z(a)`, increasing from 0 to 1, in which its T-norm is multiplication: `1 - z(out)` is the product of
the `1 - z(a_i)`. The generator is `g(a) = -ln(1 - z(a))`, and a pixel needs one running sum of it.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor

from gendr.tnorms.base import TNorm, WithParameter
from gendr.tnorms.stable import expm1, expm1_quotient, log1p_quotient, neg_log1m, shares, smallest

__all__ = ["Einstein", "Frank", "Hamacher", "Probabilistic", "ProductForm"]


class ProductForm(TNorm):
    """A T-conorm given by `z(a)` and its inverse, both as pairs with the complement.

    The binary forms multiply the complements, so their derivatives are right at 0 and 1 too; the aggregate sums
    logarithms, so that many small probabilities keep their digits.
    """

    @abstractmethod
    def _split(self, a: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        """`z` and `1 - z` from `a` and `q = 1 - a`."""

    @abstractmethod
    def _unsplit(self, z: Tensor, zbar: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of `_split`."""

    def _binary(self, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        (z1, zbar1), (z2, zbar2) = self._split(*first), self._split(*second)
        zbar = zbar1 * zbar2
        z = (z1 * zbar2 + z2 * zbar1) + z1 * z2  # symmetric to the last bit, as is the choice that makes 1 exact
        return self._unsplit(torch.where(zbar < 0.5, 1 - zbar, z), zbar)

    def _join(self, a: Tensor, q: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        z, zbar = self._split(a, q)
        certain = (q <= smallest(q)) | (zbar <= smallest(q))
        total = neg_log1m(torch.where(certain, 0, z), torch.where(certain, 1, zbar)).sum(dim)
        out, complement = self._unsplit(-expm1(-total), torch.exp(-total))
        saturated = certain.any(dim)
        return torch.where(saturated, 1, out), torch.where(saturated, 0, complement)


class Probabilistic(ProductForm):
    """Independent events: `conorm(a, b) = a + b - ab`, `norm(a, b) = ab`; `z(a) = a`.

    Equal to `Hamacher(p=1)`, the limit `p -> 1` of Frank, `p -> 0` of SchweizerSklar, and `AczelAlsina(p=1)`.

    >>> Probabilistic().conorm(torch.tensor(0.5), torch.tensor(0.5))
    tensor(0.7500)
    """

    name = "probabilistic"
    formula = "a + b - a b"
    source = "Petersen 2022, B.2; Klement, Mesiar and Pap 2000, example 1.14"

    def _split(self, a: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        return a, q

    def _unsplit(self, z: Tensor, zbar: Tensor) -> tuple[Tensor, Tensor]:
        return z, zbar


class Einstein(ProductForm):
    """Relativistic addition of velocities: `conorm(a, b) = (a + b) / (1 + ab)`; `z(a) = 2a / (1 + a)`.

    Equal to `Hamacher(p=2)`. The generator is twice `atanh a`.

    >>> Einstein().conorm(torch.tensor(0.5), torch.tensor(0.5))
    tensor(0.8000)
    """

    name = "einstein"
    formula = "(a + b) / (1 + a b)"
    source = "Petersen 2022, B.2; Klement, Mesiar and Pap 2000, section 4.2"

    def _split(self, a: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * a / (1 + a), q / (1 + a)

    def _unsplit(self, z: Tensor, zbar: Tensor) -> tuple[Tensor, Tensor]:
        return z / (1 + zbar), 2 * zbar / (1 + zbar)


class Hamacher(ProductForm, WithParameter):
    """`conorm(a, b) = (a + b + (p - 2) ab) / (1 + (p - 1) ab)`; `z(a) = pa / (q + pa)`, `q = 1 - a`.

    `p = 1` is Probabilistic, `p = 2` Einstein, `p -> 0` Hamacher's own product, which is also `Dombi(p=1)` and
    `SchweizerSklar(p=-1)`, and `p -> inf` the drastic sum.

    Args:
        p: in [1e-18, 1e18], a number or a 0-d tensor.

    Raises:
        ValueError: `p` is out of range.

    >>> Hamacher(p=2).conorm(torch.tensor(0.5), torch.tensor(0.5))
    tensor(0.8000)
    """

    name = "hamacher"
    formula = "(a + b + (p - 2) a b) / (1 + (p - 1) a b)"
    source = "Petersen 2022, B.2; Hamacher 1978"
    p_range = (1e-18, 1e18)

    def face_cutoff(self, cutoff: float) -> float:
        """`cutoff / max(1, p)`: the generator's slope at 0 is `p`. See `TNorm.face_cutoff`.

        >>> Hamacher(p=4).face_cutoff(1e-6)
        2.5e-07
        """
        return super().face_cutoff(cutoff) / max(1.0, self._number)

    def _split(self, a: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        return shares(self._parameter(a) * a, q)

    def _unsplit(self, z: Tensor, zbar: Tensor) -> tuple[Tensor, Tensor]:
        return shares(z, self._parameter(z) * zbar)


class Frank(ProductForm, WithParameter):
    """`conorm(a, b) = 1 - log_p(1 + (p^(1-a) - 1)(p^(1-b) - 1) / (p - 1))`; `1 - z(a) = (p^(1-a) - 1) / (p - 1)`.

    With `norm(a, b) + conorm(a, b) = a + b`, as no other family. `p -> 1` is Probabilistic, `p -> 0` Maximum, and
    `p -> inf` the bounded sum, `Yager(p=1)`. Values and gradients stay accurate for `p` close to 1.

    Args:
        p: in [1e-18, 1e18], except 1; a number or a 0-d tensor.

    Raises:
        ValueError: `p` is out of range, or exactly 1 (use Probabilistic).

    >>> Frank(p=100).conorm(torch.tensor(0.5), torch.tensor(0.25))
    tensor(0.7110)
    """

    name = "frank"
    formula = "1 - log_p(1 + (p^(1-a) - 1) (p^(1-b) - 1) / (p - 1))"
    source = "Petersen 2022, B.2; Frank 1979"
    p_range = (1e-18, 1e18)

    def _checked(self, p: float | Tensor) -> float:
        value = super()._checked(p)
        if value == 1:
            raise ValueError(
                f"frank p: expected a number in [1e-18, 1e+18] other than 1, got {value!r}: use Probabilistic"
            )
        return value

    def _log_parameter(self, like: Tensor) -> Tensor:
        """`ln p`, taken before rounding to `like`'s dtype, so that `p` close to 1 keeps its digits."""
        self._checked(self.p)
        if isinstance(self.p, Tensor):
            return torch.log(self.p.double()).to(like)
        return torch.as_tensor(math.log(self.p), dtype=like.dtype, device=like.device)

    # With mu = abs(ln p), v(x) = expm1(-mu x) / expm1(-mu) and its complement v(1 - x) e^(-mu x): for p > 1 z is v(a),
    # for p < 1 z is the complement of v(q). No exponential here grows with mu, and mu -> 0 is regular.

    def _split(self, a: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        mu = self._log_parameter(a)
        if self._number > 1:
            return _curved(a, mu), _curved(q, mu) * torch.exp(-mu * a)
        return _curved(a, -mu) * torch.exp(mu * q), _curved(q, -mu)

    def _unsplit(self, z: Tensor, zbar: Tensor) -> tuple[Tensor, Tensor]:
        mu = self._log_parameter(z)
        if self._number > 1:
            return _uncurved(z, zbar, mu)
        complement, out = _uncurved(zbar, z, -mu)
        return out, complement


def _curved(x: Tensor, mu: Tensor) -> Tensor:
    """`expm1(-mu x) / expm1(-mu)` for `x` in [0, 1] and `mu > 0`, regular at `mu = 0`."""
    return x * expm1_quotient(-mu * x) / expm1_quotient(-mu)


def _uncurved(y: Tensor, ybar: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
    """The `x` with `_curved(x, mu) = y`, and `1 - x`, from `y` and `ybar = 1 - y`."""
    scaled = y * expm1_quotient(-mu)  # x = -log1p(-mu scaled) / mu
    near = mu * scaled < 0.5
    x_near = scaled * log1p_quotient(torch.where(near, -mu * scaled, 0))
    x_far = -torch.log(torch.where(near, 1, ybar + y * torch.exp(-mu))) / mu
    scaled_bar = ybar * expm1_quotient(mu)  # 1 - x = log1p(mu scaled_bar) / mu
    x, xbar = torch.where(near, x_near, x_far), scaled_bar * log1p_quotient(mu * scaled_bar)
    # the derivative with respect to mu is as small as the smaller of the two, and only that one has its digits
    below = x < xbar
    return torch.where(below, x, 1 - xbar), torch.where(below, 1 - x, xbar)

"""The baseline that is no T-conorm: the mean."""

from __future__ import annotations

from typing import NoReturn

from torch import Tensor

from gendr.tnorms.base import TNorm

__all__ = ["Average"]


class Average(TNorm):
    """`aggregate(a_1 ... a_n) = (a_1 + ... + a_n) / n`, the mean over all inputs, zeros included.

    Not associative, without a neutral element and an annihilator: no T-conorm, and no binary form. It is the baseline
    that T-conorms are compared with.

    >>> import torch
    >>> Average().aggregate(torch.tensor([0.25, 0.75, 0.5]))
    tensor(0.5000)
    """

    name = "average"
    formula = "(a_1 + ... + a_n) / n"
    source = "Petersen 2022, section 5.4"
    is_t_conorm = False

    def conorm(self, a: Tensor, b: Tensor) -> NoReturn:
        """Raise: the mean is no T-conorm.

        Raises:
            TypeError: always.

        >>> import torch
        >>> Average().conorm(torch.tensor(0.5), torch.tensor(0.5))
        Traceback (most recent call last):
        TypeError: average: expected a T-conorm for a binary form, got the mean, which is none
        """
        raise TypeError("average: expected a T-conorm for a binary form, got the mean, which is none")

    def norm(self, a: Tensor, b: Tensor) -> NoReturn:
        """Raise, as `conorm` does.

        Raises:
            TypeError: always.

        >>> import torch
        >>> Average().norm(torch.tensor(0.5), torch.tensor(0.5))
        Traceback (most recent call last):
        TypeError: average: expected a T-conorm for a binary form, got the mean, which is none
        """
        self.conorm(a, b)

    def _join(self, a: Tensor, q: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        return a.mean(dim), q.mean(dim)

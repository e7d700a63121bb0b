"""What every T-norm / T-conorm pair is: a name, a formula, a parameter, and how it joins many probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from gendr import _check
from gendr.tnorms.bounded import bounded
from gendr.tnorms.stable import paired, smallest

TNORMS: dict[str, type[TNorm]] = {}
"""Every named class by its spec name, in the order of definition."""


class TNorm(ABC):
    """A T-norm and its T-conorm: "and" and "or" on probabilities in [0, 1].

    The T-conorm is commutative, associative, monotone, has the neutral element 0 and the annihilator 1; the T-norm is
    its De Morgan dual, `norm(a, b) = 1 - conorm(1 - a, 1 - b)`. Objects are immutable and equal when their specs are.

    Conventions of the many-input forms, the same in every backend; each probability comes as a pair `(a, q = 1 - a)`:

    - An input of zero probability (`a` at or below the dtype's smallest normal number) contributes nothing: no value
      and no gradient, also where the generator's slope at 0 is infinite.
    - A strict T-conorm (all but Maximum, Yager and Average) is exactly 1, and all its gradients 0, as soon as one input
      is certain (`q` at or below the smallest normal number).
    - The binary forms of Probabilistic, Einstein, Hamacher and Frank need neither convention: their derivatives are
      the true ones at 0 and 1 too (`d norm(a, b) / da = b` at `a = 0`). The others follow both.
    - No inputs give 0. Inputs are not checked to lie in [0, 1]; a NaN stays a NaN.

    Values and first derivatives are finite for all inputs in [0, 1]. Derivatives of any order exist; from the second on
    those that overflow at an extreme probability (below 1e-77 in float64, 3e-10 in float32) are 0.

    Source: Petersen, *Learning with Differentiable Algorithms* (2022), chapter 5 and supplement B; Klement, Mesiar and
    Pap, *Triangular Norms* (2000).

    Attributes:
        name: the spec name, which is also the kernels' name.
        formula: the T-conorm's binary form.
        source: where the pair comes from.
        is_t_conorm: False for a baseline that breaks the laws.
        p_range: the smallest and the largest allowed `p`, None without a parameter. Mathematics allows all of (0, inf);
            the range is what the squares of float32 hold.
        parameters: the ranges as text, by parameter name.
        p: the parameter, None without one.

    >>> Probabilistic, Yager = TNORMS["probabilistic"], TNORMS["yager"]
    >>> Probabilistic().aggregate(torch.tensor([0.5, 0.5, 0.5]))
    tensor(0.8750)
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    is_t_conorm: ClassVar[bool] = True
    p_range: ClassVar[tuple[float, float] | None] = None
    parameters: ClassVar[Mapping[str, str]] = {}
    p: float | Tensor | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.p_range is not None:
            cls.parameters = {"p": _check.interval(*cls.p_range)}
        if "name" in cls.__dict__:
            if cls.name in TNORMS:
                raise TypeError(f"name: expected a new T-norm name, got {cls.name!r}, which {TNORMS[cls.name]} has")
            TNORMS[cls.name] = cls

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"{self}: T-norms are immutable, make a new one instead of setting {key}")

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TNorm) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def conorm(self, a: Tensor, b: Tensor) -> Tensor:
        """The T-conorm of two tensors of probabilities, element by element.

        Args:
            a: probabilities in [0, 1], float32 or float64.
            b: the same dtype, broadcast against `a`.

        Returns:
            "a or b", of the broadcast shape.

        Raises:
            TypeError: not tensors, or a baseline that has no binary form (Average).
            ValueError: not a float dtype, or two different ones.

        >>> TNORMS["maximum"]().conorm(torch.tensor([0.25, 0.5]), torch.tensor(0.375))
        tensor([0.3750, 0.5000])
        """
        a, b = _two(a, b)
        return self._binary((a, 1 - a), (b, 1 - b))[0]

    def norm(self, a: Tensor, b: Tensor) -> Tensor:
        """The T-norm of two tensors of probabilities: `1 - conorm(1 - a, 1 - b)`, computed without cancellation.

        Args:
            a: probabilities in [0, 1], float32 or float64.
            b: the same dtype, broadcast against `a`.

        Returns:
            "a and b", of the broadcast shape.

        Raises:
            TypeError: not tensors, or a baseline that has no binary form (Average).
            ValueError: not a float dtype, or two different ones.

        >>> TNORMS["probabilistic"]().norm(torch.tensor(1e-20), torch.tensor(0.5))
        tensor(5.0000e-21)
        """
        a, b = _two(a, b)
        return self._binary((1 - a, a), (1 - b, b))[1]

    def aggregate(self, a: Tensor, dim: int = -1, *, q: Tensor | None = None) -> Tensor:
        """Join all probabilities along one dimension: `conorm(a_1, conorm(a_2, ...))`, in any order.

        Args:
            a: probabilities in [0, 1], float32 or float64, any shape.
            dim: the dimension that is joined.
            q: `1 - a` of the same shape and dtype, computed without cancellation (a survival function). It makes the
                result accurate when some `a` is close to 1, and is taken as a value only: the derivative with respect
                to `a` is `d out / d a_i` with `dq_i = -da_i`, of any order, and nothing flows back through `q`.

        Returns:
            The joined probability, of `a`'s shape without `dim`. Differentiable in `a`, and in `p` when that is a
            tensor that requires a gradient.

        Raises:
            TypeError: not a tensor.
            ValueError: not a float dtype, no such dimension, or `q` unlike `a`.

        >>> a = torch.tensor([1.0, 0.5], dtype=torch.float64, requires_grad=True)
        >>> TNORMS["probabilistic"]().aggregate(a, q=torch.tensor([1e-20, 0.5]).double()).backward()
        >>> a.grad
        tensor([5.0000e-01, 1.0000e-20], dtype=torch.float64)
        """
        return self._aggregated(a, dim, q)[0]

    def aggregate_complement(self, a: Tensor, dim: int = -1, *, q: Tensor | None = None) -> Tensor:
        """`1 - aggregate(a, dim, q=q)` without cancellation: accurate when the aggregate is close to 1.

        Arguments, shapes, gradients and errors are those of `aggregate`.

        >>> TNORMS["probabilistic"]().aggregate_complement(torch.ones(2), q=torch.tensor([1e-10, 0.5]))
        tensor(5.0000e-11)
        """
        return self._aggregated(a, dim, q)[1]

    def face_cutoff(self, cutoff: float) -> float:
        """The probability below which a face may be skipped.

        Chosen so that `n` skipped faces change the generator sum by at most `n * cutoff`, to first order, where the
        generator is scaled to slope 1 at 0 if it has one. Then `alpha` changes by at most `n * cutoff` too, unless the
        generator is steep at 0 (a parameter below 1), where `alpha` follows from the sum.

        Args:
            cutoff: the allowed change of the sum per face, at least 0.

        Returns:
            `cutoff`, or less where the generator is steep at 0.

        >>> TNORMS["yager"](p=0.5).face_cutoff(1e-6)
        1e-12
        """
        return _check.number("cutoff", cutoff, 0.0)

    def _aggregated(self, a: Tensor, dim: int, q: Tensor | None) -> tuple[Tensor, Tensor]:
        _check.tensor("a", a, ["*"])
        if q is not None:
            _check.tensor("q", q, list(a.shape), [a.dtype])
        if not -a.ndim <= dim < a.ndim:
            _check.fail("dim", f"a dimension of a {a.ndim}-dimensional tensor", dim)
        a, q = paired(bounded(a, 1 - a if q is None else q), q)
        if a.shape[dim] == 0:
            nothing = a.sum(dim)
            return nothing, 1 - nothing
        absent = a <= smallest(a)
        return self._join(torch.where(absent, 0, a), torch.where(absent, 1, q), dim)

    def _binary(self, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        a, q = (torch.stack(pair, -1) for pair in zip(first, second, strict=True))
        return self._join(a, q, -1)

    @abstractmethod
    def _join(self, a: Tensor, q: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        """The T-conorm of all `a` along `dim`, which is not empty, and its complement."""


class WithParameter(TNorm):
    """A T-norm with one parameter `p`: a number, or a 0-d tensor that may require a gradient.

    A number keeps the derivatives with respect to `p` out of the graph; a tensor's range is checked again at every use,
    because an optimiser may have moved it. (On a GPU by the plain formulas alone, since looking waits for the device.)
    """

    p: float | Tensor

    def __init__(self, p: float | Tensor) -> None:
        object.__setattr__(self, "p", p if isinstance(p, Tensor) else self._checked(p))
        if isinstance(p, Tensor) and p.device.type != "cpu":  # to see its value loops would wait at every step
            _check.tensor(f"{self.name} p", p, [])
        else:
            self._checked(p)

    def __str__(self) -> str:
        return f"{self.name}(p={repr(self._number).removesuffix('.0')})"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p!r})"

    @property
    def _number(self) -> float:
        return float(self.p.detach()) if isinstance(self.p, Tensor) else self.p

    def _checked(self, p: float | Tensor) -> float:
        """The parameter's value, when it is in range."""
        assert self.p_range is not None  # a class without a range is a programming error, not a user's
        if isinstance(p, Tensor):
            p = float(_check.tensor(f"{self.name} p", p, []).detach())
        return _check.number(f"{self.name} p", p, *self.p_range)

    def _parameter(self, like: Tensor) -> Tensor:
        """The parameter as a 0-d tensor of the dtype and on the device of `like`."""
        self._checked(self.p)
        return torch.as_tensor(self.p, dtype=like.dtype, device=like.device)


def _two(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    _check.tensor("a", a, ["*"])
    _check.tensor("b", b, ["*"], [a.dtype])
    try:
        shape = torch.broadcast_shapes(a.shape, b.shape)
    except RuntimeError:
        _check.fail("b", f"a shape that broadcasts against {list(a.shape)}", b)
    return bounded(a, 1 - a).expand(shape), bounded(b, 1 - b).expand(shape)

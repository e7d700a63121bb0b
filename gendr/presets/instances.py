"""The 1,242 renderers of the thesis: 23 distributions, plain and squared, times 27 ways to join faces.

The thesis benchmarks "a total of 1,242 renderers" and does not list them. Its figures and text name the families; the
numbers of columns that the text mentions (3 of finite support, 4 exponential, 2 linear, 4 of Levy's) and the parameters
that it discusses fit one grid, which is this one:

- 23 distributions: Uniform, Cubic Hermite, Wigner; Gaussian, Laplace, Logistic, hyperbolic secant; Cauchy, reciprocal;
  Gumbel-Max, Gumbel-Min; exponential and Gamma with p of 0.5, 1 and 2, each also reversed; Levy, plain and shifted by
  one scale, each also reversed;
- each plain and squared;
- 27 T-conorms: Maximum, Probabilistic, Einstein; Hamacher, Yager, Aczel-Alsina and Dombi with p of 0.5, 1, 2 and 4,
  Schweizer-Sklar with their negatives; Frank with 0.5, 2 and 4, as it has no p = 1; and the average, the baseline.

`23 * 2 * 27 = 1,242`. Some of them coincide: Gamma with p = 1 is the exponential; Hamacher and Aczel-Alsina with p = 1
are Probabilistic, Hamacher with p = 2 is Einstein, and Schweizer-Sklar with p = -1 is Dombi with p = 1. Without
repetitions there are `21 * 2 * 23 = 966`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from torch import Tensor

from gendr import _check, distributions, tnorms
from gendr.distributions import (
    Cauchy,
    CubicHermite,
    Distribution,
    Exponential,
    Gamma,
    Gaussian,
    GumbelMax,
    GumbelMin,
    HyperbolicSecant,
    Laplace,
    Levy,
    Logistic,
    Reciprocal,
    Uniform,
    WignerSemicircle,
)
from gendr.render import Renderer
from gendr.tnorms import (
    AczelAlsina,
    Average,
    Dombi,
    Einstein,
    Frank,
    Hamacher,
    Maximum,
    Probabilistic,
    SchweizerSklar,
    TNorm,
    Yager,
)

LEVY_SHIFT = 1.0
"""In scales, out of the triangle for Levy and back into it for the reversed one: 0.317 and 0.683 at the edge."""


@dataclass(frozen=True)
class Instance:
    """One member of the family: a distribution and a T-conorm.

    Attributes:
        distribution: its CDF turns signed distance into occlusion.
        t_conorm: joins the faces over a pixel.

    >>> instance = Instance.from_spec("gamma(p=0.5, reversed) + yager(p=2)")
    >>> str(instance), instance.renderer(64, tau=1e-2).t_conorm
    ('gamma(p=0.5, reversed) + yager(p=2)', Yager(p=2.0))
    """

    distribution: Distribution
    t_conorm: TNorm

    def __str__(self) -> str:
        return f"{self.distribution} + {self.t_conorm}"

    @staticmethod
    def from_spec(text: str) -> Instance:
        """Read `DISTRIBUTION + T_CONORM`, the inverse of `str`.

        Raises:
            TypeError: not a string.
            ValueError: no such distribution or T-conorm, or not two of them.

        >>> Instance.from_spec("logistic(squared) + probabilistic").t_conorm
        Probabilistic()
        """
        if not isinstance(text, str):
            raise TypeError(f"instance: expected a spec, got {_check.describe(text)}")
        first, plus, second = text.partition(" + ")
        if not plus:
            _check.fail("instance", "DISTRIBUTION + T_CONORM", repr(text))
        return Instance(distributions.from_spec(first), tnorms.from_spec(second.strip()))

    def renderer(self, image_size: int | Sequence[int] = 256, tau: float | Tensor | str = 1e-2) -> Renderer:
        """The renderer with this distribution and T-conorm; `tau` in half image heights, squared for a squared one."""
        return Renderer(image_size, self.distribution, tau, self.t_conorm)


class Grid(Sequence[Instance]):
    """All pairs of some distributions and some T-conorms, each made when it is asked for.

    A sequence: `len`, iteration, `in`, `grid[i]`, slices. The T-conorm runs fastest.

    Args:
        distributions: the rows.
        t_conorms: the columns.

    >>> grid = Grid((Logistic(), Logistic().squared()), (Probabilistic(), Maximum()))
    >>> len(grid), str(grid[2])
    (4, 'logistic(squared) + probabilistic')
    """

    def __init__(self, distributions: Sequence[Distribution], t_conorms: Sequence[TNorm]) -> None:
        self.distributions = tuple(distributions)
        self.t_conorms = tuple(t_conorms)

    def __len__(self) -> int:
        return len(self.distributions) * len(self.t_conorms)

    def __iter__(self) -> Iterator[Instance]:
        return (Instance(distribution, t_conorm) for distribution in self.distributions for t_conorm in self.t_conorms)

    @overload
    def __getitem__(self, index: int) -> Instance: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Instance, ...]: ...
    def __getitem__(self, index: int | slice) -> Instance | tuple[Instance, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"index: expected within {len(self)} instances, got {index}")
        row, column = divmod(index % len(self), len(self.t_conorms))
        return Instance(self.distributions[row], self.t_conorms[column])

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Where an instance stands.

        Raises:
            ValueError: it is not in the grid.

        >>> THESIS.index(Instance(Uniform(), Probabilistic()))
        1
        """
        place = self._places.get(value, -1)
        if place not in range(*slice(start, stop).indices(len(self))):
            _check.fail("instance", f"one of the grid's {len(self)}", str(value))
        return place

    def __contains__(self, value: object) -> bool:
        return value in self._places

    @cached_property
    def _places(self) -> dict[object, int]:
        return {instance: place for place, instance in enumerate(self)}

    def where(
        self,
        distribution: str | Distribution | None = None,
        t_conorm: str | TNorm | None = None,
        *,
        squared: bool | None = None,
    ) -> Grid:
        """The part of the grid with a certain distribution or T-conorm.

        Args:
            distribution: a name, such as "gamma", for the family with all its parameters and combinators; a
                distribution, or its spec with parentheses, for that one.
            t_conorm: likewise.
            squared: only the squared ones, or only the others.

        Returns:
            A grid, empty where nothing fits.

        Raises:
            ValueError: a name or spec that does not exist.

        >>> len(THESIS.where("gamma", "yager")), len(THESIS.where(Logistic(), squared=False))
        (48, 27)
        """
        rows, columns = list(self.distributions), list(self.t_conorms)
        if distribution is not None:
            wanted = distribution_choice(distribution)
            rows = [d for d in rows if wanted in (d, d.name)]
        if t_conorm is not None:
            sought = t_conorm_choice(t_conorm)
            columns = [t for t in columns if sought in (t, t.name)]
        if squared is not None:
            rows = [d for d in rows if d.is_squared == squared]
        return Grid(rows, columns)


def distribution_choice(choice: str | Distribution) -> str | Distribution:
    """A family by its name, such as "gamma", or one member: a distribution, or its spec with parentheses.

    Returns:
        The name, or the distribution; either is what `wanted in (d, d.name)` asks a distribution `d` for.

    Raises:
        ValueError: a name or spec that does not exist.

    >>> distribution_choice("gamma"), str(distribution_choice("gamma(p=2, reversed)"))
    ('gamma', 'gamma(p=2, reversed)')
    """
    if not isinstance(choice, str):
        return choice
    if "(" in choice:
        return distributions.from_spec(choice)
    return _check.choice("distribution", choice, list(distributions.DISTRIBUTIONS))


def t_conorm_choice(choice: str | TNorm) -> str | TNorm:
    """A T-conorm's family by its name, or one member: likewise.

    Raises:
        ValueError: a name or spec that does not exist.

    >>> t_conorm_choice("yager"), t_conorm_choice("yager(p=2)")
    ('yager', Yager(p=2.0))
    """
    if not isinstance(choice, str):
        return choice
    return tnorms.from_spec(choice) if "(" in choice else _check.choice("t_conorm", choice, list(tnorms.TNORMS))


def _plain() -> list[Distribution]:
    """The 23 distributions in the thesis's order: of finite support, symmetric ones, two-sided, one-sided, Levy's."""
    one_sided = [Exponential(), Gamma(p=0.5), Gamma(p=1), Gamma(p=2), Levy(), Levy().shifted(LEVY_SHIFT)]
    symmetric = [Uniform, CubicHermite, WignerSemicircle, Gaussian, Laplace, Logistic, HyperbolicSecant, Cauchy]
    both_sides: list[Distribution] = [cls() for cls in (*symmetric, Reciprocal, GumbelMax, GumbelMin)]
    return both_sides + [d for base in one_sided for d in (base, base.reversed())]


def _t_conorms() -> list[TNorm]:
    """The 27 ways to join faces."""
    families: list[Callable[[float], TNorm]] = [Hamacher, Frank, Yager, AczelAlsina, Dombi]
    with_p = [cls(p) for cls in families for p in (0.5, 1.0, 2.0, 4.0) if cls is not Frank or p != 1]
    schweizer_sklar: list[TNorm] = [SchweizerSklar(p) for p in (-0.5, -1.0, -2.0, -4.0)]
    return [Maximum(), Probabilistic(), Einstein(), *with_p, *schweizer_sklar, Average()]


THESIS = Grid([*_plain(), *(d.squared() for d in _plain())], _t_conorms())
"""The 1,242 instances, plain distributions first."""

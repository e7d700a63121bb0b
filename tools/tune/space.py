"""What is searched: which distributions and T-conorms, and the numbers that a trial of Optuna's chooses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gendr import _check, distributions, tnorms
from gendr.distributions import Distribution
from gendr.presets.instances import THESIS, distribution_choice, t_conorm_choice
from gendr.render.softness import edge_width, tau_for_width
from gendr.tnorms import TNorm
from gendr.tools.fit.config import SCHEDULES
from gendr.tools.renderer_file import Setting
from gendr.tools.tune.task import CONSTANT, Task

if TYPE_CHECKING:
    import optuna

DISTRIBUTIONS = (
    "uniform",
    "cubic_hermite",
    "wigner_semicircle",
    "gaussian",
    "laplace",
    "logistic",
    "hyperbolic_secant",
    "gumbel_max",
    "gumbel_min",
    "exponential(reversed)",
    "gamma(p=0.5, reversed)",
    "gamma(p=2, reversed)",
    "uniform(squared)",
    "gaussian(squared)",
    "logistic(squared)",
    "gamma(p=0.5, reversed, squared)",
)
"""Those that are searched unless others are asked for: neither those that did poorly on both tasks of the benchmark nor
those of heavy tails, which take fifty times as long."""

T_CONORMS = (
    "maximum",
    "probabilistic",
    "einstein",
    "hamacher(p=2)",
    "frank(p=2)",
    "yager(p=2)",
    "aczel_alsina(p=2)",
    "dombi(p=0.5)",
    "schweizer_sklar(p=-0.5)",
)
"""Likewise: one of each family."""

ALL = "all"


@dataclass(frozen=True)
class Space:
    """The settings that a search may come to.

    A softness is searched as the width of a softened edge in pixels (10 to 90 %), so that the same numbers mean about
    the same softness for every distribution, and one's trials tell something about another.

    Attributes:
        distributions: specs.
        t_conorms: specs.
        widths: range of the width at the first step, in pixels, for the scale of logarithms.
        falls: range of the decades by which the width falls to the last step.
        rates: range of the learning rate, likewise.
        schedules: of the softness; "constant" is one.
        image_size: rows of pixels.

    >>> space = Space(("logistic",), ("maximum",), (0.1, 10.0), (0.0, 2.0), (0.1, 1.0), ("cosine",), 64)
    >>> setting = Setting("logistic", "maximum", (1e-2, 1e-3), "cosine", 0.3)
    >>> space.setting(space.values(setting)) == setting
    True
    """

    distributions: tuple[str, ...]
    t_conorms: tuple[str, ...]
    widths: tuple[float, float]
    falls: tuple[float, float]
    rates: tuple[float, float]
    schedules: tuple[str, ...]
    image_size: int

    @staticmethod
    def of(task: Task, distributions: Sequence[str], t_conorms: Sequence[str]) -> Space:
        """The space of a task with these members."""
        members = tuple(distributions), tuple(t_conorms)
        return Space(*members, task.widths, task.falls, task.rates, task.schedules, task.image_size)

    def suggest(self, trial: optuna.Trial) -> Setting:
        """What a trial chooses."""
        values = {
            "distribution": trial.suggest_categorical("distribution", self.distributions),
            "t_conorm": trial.suggest_categorical("t_conorm", self.t_conorms),
            "width": trial.suggest_float("width", *self.widths, log=True),
            "schedule": trial.suggest_categorical("schedule", self.schedules),
            "fall": trial.suggest_float("fall", *self.falls),
            "lr": trial.suggest_float("lr", *self.rates, log=True),
        }
        return self.setting(values)

    def setting(self, values: Mapping[str, Any]) -> Setting:
        """The setting that a trial's numbers stand for; with the constant schedule the fall does not count."""
        distribution = distributions.from_spec(values["distribution"])
        one, width = edge_width(distribution), 2.0 * values["width"] / self.image_size
        is_constant = values["schedule"] == CONSTANT
        narrow = width if is_constant else width * 10.0 ** -values["fall"]
        tau = tau_for_width(distribution, width, one), tau_for_width(distribution, narrow, one)
        schedule = next(iter(SCHEDULES)) if is_constant else values["schedule"]
        rounded = float(f"{tau[0]:.4g}"), float(f"{tau[1]:.4g}")
        return Setting(values["distribution"], values["t_conorm"], rounded, schedule, float(f"{values['lr']:.4g}"))

    def values(self, setting: Setting) -> dict[str, Any] | None:
        """The numbers of a trial that stand for a setting; None where it lies outside."""
        distribution = distributions.from_spec(setting.distribution)
        root = 0.5 if distribution.is_squared else 1.0
        first, last = (edge_width(distribution) * tau**root * self.image_size / 2.0 for tau in setting.tau)
        fall, schedule = math.log10(first / last), CONSTANT if setting.tau[0] == setting.tau[1] else setting.schedule
        inside = (
            setting.distribution in self.distributions
            and setting.t_conorm in self.t_conorms
            and self.widths[0] <= first <= self.widths[1]
            and self.falls[0] <= fall <= self.falls[1]
            and self.rates[0] <= setting.lr <= self.rates[1]
            and schedule in self.schedules
        )
        if not inside:
            return None
        return {
            "distribution": setting.distribution,
            "t_conorm": setting.t_conorm,
            "width": first,
            "schedule": schedule,
            "fall": fall,
            "lr": setting.lr,
        }


def chosen_distributions(specs: Sequence[str] | None) -> tuple[str, ...]:
    """The distributions to search: each a family's name, a spec with parentheses, or "all" the thesis's; None for 16.

    Raises:
        ValueError: a name or spec that does not exist, one without a softness, or none at all.

    >>> chosen_distributions(["logistic", "gamma(p=3)"])
    ('logistic', 'logistic(squared)', 'gamma(p=3)')
    """
    chosen = _chosen("distribution", specs, DISTRIBUTIONS, THESIS.distributions, distribution_choice)
    for spec in chosen:
        if edge_width(distributions.from_spec(spec)) <= 0.0:
            _check.fail("distribution", "one with a softness to search", spec)
    return chosen


def chosen_t_conorms(specs: Sequence[str] | None) -> tuple[str, ...]:
    """The T-conorms to search, likewise; None for nine.

    Raises:
        ValueError: a name or spec that does not exist, or none at all.

    >>> chosen_t_conorms(["einstein", "dombi(p=3)"])
    ('einstein', 'dombi(p=3)')
    """
    return _chosen("t_conorm", specs, T_CONORMS, THESIS.t_conorms, t_conorm_choice)


def _chosen(
    name: str, specs: Sequence[str] | None, usual: Sequence[str], all_: Sequence[Any], choice: Callable[[str], Any]
) -> tuple[str, ...]:
    if specs is None:
        return tuple(str(_spec(name, spec)) for spec in usual)
    if not specs:
        _check.fail(name, f"at least one to search, or {ALL}", "none")
    found: dict[str, None] = {}
    for spec in specs:
        if spec == ALL:
            found |= dict.fromkeys(map(str, all_))
            continue
        wanted = choice(spec)
        members = [member for member in all_ if wanted == member.name] if isinstance(wanted, str) else [wanted]
        found |= dict.fromkeys(str(member) for member in members or [_spec(name, spec)])
    return tuple(found)


def _spec(name: str, text: str) -> Distribution | TNorm:
    return distributions.from_spec(text) if name == "distribution" else tnorms.from_spec(text)

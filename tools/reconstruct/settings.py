"""What a training run is: the settings that decide its numbers."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from gendr import _check, distributions, tnorms
from gendr.distributions import Distribution
from gendr.tnorms import TNorm
from gendr.tools.reconstruct.model import MODELS, PRECISIONS, Reconstructor, build

DECAY_AT = 0.6
"""Share of the steps after which rates without an end of their own are multiplied by `DECAY`."""
DECAY = 0.3


@dataclass(frozen=True)
class Rate:
    """A number that falls in the course of a run.

    `value` alone is the published schedule: `value`, and 0.3 of it after 60 % of the steps. With an `end` it goes there
    along half a cosine wave of its logarithm's share: `start^(1 - t) end^t` with `t = (1 - cos(pi s)) / 2` and `s` the
    share of the steps done.

    >>> [Rate(1e-4).at(step, 10) for step in (0, 5, 6, 9)]
    [0.0001, 0.0001, 3e-05, 3e-05]
    >>> [round(Rate(1.0, 0.01).at(step, 11), 4) for step in (0, 5, 10)]
    [1.0, 0.1, 0.01]
    """

    value: float
    end: float | None = None

    def at(self, step: int, steps: int) -> float:
        """Its value at `step`, from 0, of `steps`."""
        if self.end is None:
            return self.value * DECAY if step >= DECAY_AT * steps else self.value
        done = 0.5 - 0.5 * math.cos(math.pi * min(step / max(steps - 1, 1), 1.0))
        return math.exp((1.0 - done) * math.log(self.value) + done * math.log(self.end))


def rate(name: str, text: str) -> Rate:
    """A rate from `VALUE`, the published schedule, or `START:END`.

    Raises:
        ValueError: not one or two positive numbers.

    >>> rate("lr", "1e-4"), rate("tau", "1e-3:1e-5")
    (Rate(value=0.0001, end=None), Rate(value=0.001, end=1e-05))
    """
    try:
        numbers = [_check.number(name, float(part), 1e-30, 1e30) for part in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        _check.fail(name, "V or V0:V1 with positive numbers, such as 1e-4 or 1e-3:1e-5", repr(text))
    return Rate(*numbers)


@dataclass(frozen=True)
class Settings:
    """A run's settings; the defaults are the published ones.

    Attributes:
        classes: ShapeNet's numbers.
        counts: how many training objects each class has.
        model: "published", "modern", or another of `MODELS`.
        distribution: of the occlusion test, as a spec.
        t_conorm: joins the faces over a pixel, as a spec.
        tau: softness, as `rate` reads it.
        lr: Adam's step size, as `rate` reads it.
        steps: of the whole run.
        batch: objects a step, over all processes; the network sees two images of each.
        silhouettes: in how many views of an object its meshes are compared with it, from 2: those of the images, as
            published, and others.
        laplacian: weight of the Laplacian term.
        flatten: weight of the dihedral term.
        area: weight of the surface's area; 0, as published, does without it.
        clip: largest norm of the gradient.
        augment: whether the images' colours are changed at random.
        precision: of the encoder's arithmetic, "float32" or "bfloat16".
        codes: how many of the steps, the first ones, fit codes of the objects, which the encoder then learns to tell
            from an image; 0 trains encoder and decoder together, as published.
        seed: of weights and batches.

    Raises:
        TypeError, ValueError: a value out of its range, or a spec of nothing.

    >>> Settings(classes=("02691156",), counts=(200,)).lr
    '1e-4'
    """

    classes: tuple[str, ...]
    counts: tuple[int, ...]
    model: str = "published"
    distribution: str = "logistic(squared)"
    t_conorm: str = "probabilistic"
    tau: str = "1e-4"
    lr: str = "1e-4"
    steps: int = 250_000
    batch: int = 64
    silhouettes: int = 2
    laplacian: float = 5e-3
    flatten: float = 5e-4
    area: float = 0.0
    clip: float = 10.0
    augment: bool = False
    precision: str = "float32"
    codes: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        _check.choice("model", self.model, MODELS)
        _check.choice("precision", self.precision, PRECISIONS)
        for name in ("steps", "batch"):
            _check.number(name, getattr(self, name), 1)
        _check.number("silhouettes", self.silhouettes, 2)
        _check.number("codes", self.codes, 0, self.steps - 1)
        _check.number("seed", self.seed, 0, 2**63 - 1)
        for name in ("laplacian", "flatten", "area"):
            _check.number(name, getattr(self, name), 0.0)
        _check.number("clip", self.clip, 0.0, open_low=True)
        rate("tau", self.tau), rate("lr", self.lr), self.family, self.conorm

    @property
    def family(self) -> Distribution:
        """The distribution itself."""
        return distributions.from_spec(self.distribution)

    @property
    def conorm(self) -> TNorm:
        """The T-conorm itself."""
        return tnorms.from_spec(self.t_conorm)

    def rates(self, step: int) -> tuple[float, float]:
        """Learning rate and tau at a step, from 0; the steps that fit codes have whole schedules of their own."""
        done, steps = (step, self.codes) if step < self.codes else (step - self.codes, self.steps - self.codes)
        return rate("lr", self.lr).at(done, steps), rate("tau", self.tau).at(done, steps)

    def network(self) -> Reconstructor:
        """The network with fresh weights, and with codes where some are fitted."""
        return build(self.model, self.precision, sum(self.counts) if self.codes else 0)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_plain(cls, name: str, values: object) -> Settings:
        """What `plain` gave, checked.

        Args:
            name: what errors call it, such as a file's name.
            values: the dictionary.

        Raises:
            ValueError: it is no such dictionary, or a value is out of range.

        >>> settings = Settings(("02691156",), (200,), lr="1e-3")
        >>> Settings.from_plain("run.json", settings.plain()) == settings
        True
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            _check.fail(name, "the settings of a run", "none" if not isinstance(values, dict) else "others")
        try:
            given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from None

    def same_until(self, other: Settings, step: int) -> str | None:
        """What of another run's settings would have made this one's first `step` steps other than they were, if any.

        `steps` may differ where neither schedule has noticed.

        >>> run = Settings(("02691156",), (200,), steps=1000)
        >>> run.same_until(dataclasses.replace(run, steps=2000), 600)
        >>> run.same_until(dataclasses.replace(run, steps=2000), 601)
        'steps=1000'
        >>> run.same_until(dataclasses.replace(run, lr="1e-3"), 0)
        "lr='1e-4'"
        """
        own, theirs = self.plain(), other.plain()
        unlike = [name for name in own if own[name] != theirs[name]]
        if unlike == ["steps"] and all(self.rates(i) == other.rates(i) for i in range(step)):
            return None
        return ", ".join(f"{name}={own[name]!r}" for name in unlike) or None

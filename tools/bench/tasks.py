"""What the benchmark runs: one record per run, whose key says all of it, and what comes out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gendr import _check, distributions, tnorms

PAIRS = 600
"""Problems of the published pose protocol."""


class Run:
    """One run of the benchmark, either a `ShapeRun` or a `PoseRun`: a plain value, equal where all fields are.

    Attributes:
        protocol: "shape" or "pose".
        mesh: a scene's name, such as "airplane", or a mesh file.
        distribution: its spec, in the form that `str` gives it.
        t_conorm: likewise.
        lr: Adam's learning rate.
        seed: of the start's jitter (shape) or of the problems (pose); seed 0 of a shape has no jitter.
        steps: of the optimisation.
        image_size: pixels along a side.
    """

    protocol: ClassVar[str]
    mesh: str
    distribution: str
    t_conorm: str
    lr: float
    seed: int
    steps: int
    image_size: int

    @property
    def key(self) -> str:
        """Canonical JSON of all fields and the protocol: equal runs have equal keys.

        >>> PoseRun("teapot", "uniform", "probabilistic", lr=0.3).key  # doctest: +ELLIPSIS
        '{"distribution":"uniform","image_size":64,"lr":0.3,"mesh":"teapot","pairs":[0,600],"protocol":"pose",...}'
        """
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))

    def as_dict(self) -> dict[str, Any]:
        """The fields and the protocol as JSON holds them.

        >>> ShapeRun("airplane", "logistic", "yager(p=2)", elevation=30, lr=0.03, tau=1e-2).as_dict()["protocol"]
        'shape'
        """
        return {"protocol": self.protocol, **{name: getattr(self, name) for name in _names(type(self))}}

    @staticmethod
    def from_key(text: str) -> Run:
        """The run whose key this is.

        Raises:
            TypeError: no string.
            ValueError: no key of a run, or one with a field that is out of range.

        >>> run = ShapeRun("airplane", "logistic", "probabilistic", elevation=30, lr=0.03, tau=1e-2)
        >>> Run.from_key(run.key) == run
        True
        """
        if not isinstance(text, str):
            raise TypeError(f"key: expected the key of a run, got {_check.describe(text)}")
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        kinds: dict[str, Any] = {kind.protocol: kind for kind in (ShapeRun, PoseRun)}
        if not isinstance(values, dict) or values.get("protocol") not in kinds:
            _check.fail("key", "the key of a run", repr(text))
        kind = kinds[values.pop("protocol")]
        names = _names(kind)
        if sorted(values) != sorted(names):
            _check.fail("key", f"the fields {', '.join(sorted(names))}", ", ".join(sorted(values)) or "none")
        run: Run = kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
        return run

    def _check_common(self) -> None:
        if not isinstance(self.mesh, str) or not self.mesh:
            _check.fail("mesh", "a scene's name or a mesh file", self.mesh)
        self._set("distribution", str(distributions.from_spec(self.distribution)))
        self._set("t_conorm", str(tnorms.from_spec(self.t_conorm)))
        self._set("lr", _check.number("lr", self.lr, 0.0, 1e3, open_low=True))
        _whole("seed", self.seed, 0, 2**31 - 1)
        _whole("steps", self.steps, 1, 1_000_000)
        _whole("image_size", self.image_size, 4, 4096)

    def _set(self, name: str, value: object) -> None:
        """Bring a field of a frozen record into its canonical form."""
        object.__setattr__(self, name, value)


@dataclass(frozen=True)
class ShapeRun(Run):
    """A sphere fitted to a mesh's silhouettes from a ring of cameras.

    Attributes:
        elevation: of the cameras, degrees in [-90, 90].
        tau: softness, constant over the run, as `rasterize` takes it: half image heights, squared for a squared
            distribution.
        views: cameras, at equal angles about the vertical axis.

    Raises:
        TypeError, ValueError: a field of the wrong kind or out of range, or a spec that does not exist.

    >>> ShapeRun("airplane", "logistic( squared )", "probabilistic", elevation=30, lr=0.03, tau=1e-4).distribution
    'logistic(squared)'
    """

    protocol: ClassVar[str] = "shape"
    mesh: str
    distribution: str
    t_conorm: str
    elevation: float
    lr: float
    tau: float
    seed: int = 0
    steps: int = 100
    image_size: int = 64
    views: int = 24

    def __post_init__(self) -> None:
        self._check_common()
        self._set("elevation", _check.number("elevation", self.elevation, -90.0, 90.0))
        self._set("tau", _check.number("tau", self.tau, 1e-30, 1e30))
        _whole("views", self.views, 1, 10_000)


@dataclass(frozen=True)
class PoseRun(Run):
    """Cameras turned back to where silhouettes of a mesh were seen from; see `gendr.tools.bench.pose_problems`.

    Attributes:
        pairs: first and end (not included) of the seed's problems; (0, 600) are those of the published protocol.
        tau: softness at the first and at the last step, log-linear in between, as `rasterize` takes it.

    Raises:
        TypeError, ValueError: a field of the wrong kind or out of range, or a spec that does not exist.

    >>> PoseRun("teapot", "uniform", "probabilistic", lr=0.3, pairs=(0, 600)).tau
    (0.1, 1e-07)
    """

    protocol: ClassVar[str] = "pose"
    mesh: str
    distribution: str
    t_conorm: str
    lr: float
    pairs: tuple[int, int] = (0, PAIRS)
    seed: int = 0
    steps: int = 1000
    image_size: int = 64
    tau: tuple[float, float] = (1e-1, 1e-7)

    def __post_init__(self) -> None:
        self._check_common()
        first, end = _two("pairs", self.pairs, "the first and the end of the problems")
        _whole("pairs", first, 0, 10_000_000)
        _whole("pairs", end, first + 1, 10_000_000)
        self._set("pairs", (first, end))
        ends = _two("tau", self.tau, "the first and the last softness")
        self._set("tau", tuple(_check.number("tau", value, 1e-30, 1e30) for value in ends))


@dataclass(frozen=True)
class Outcome:
    """What a run gives.

    Attributes:
        metric: best hard IoU loss of a shape run, lower is better; share of poses within 5 degrees, higher is better.
        seconds: processor time of the run; in a batch its share of the batch's.
        details: what else is known, as JSON holds it.

    >>> Outcome(0.25, 1.0).details
    {}
    """

    metric: float
    seconds: float
    details: Mapping[str, Any] = field(default_factory=dict)


def _names(kind: type[Run]) -> list[str]:
    """The fields of a kind of run, in their order."""
    return [entry.name for entry in dataclasses.fields(kind)]  # type: ignore[arg-type]


def _whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected a whole number, got {_check.describe(value)}")
    _check.number(name, value, low, high)


def _two(name: str, value: object, what: str) -> tuple[Any, Any]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        _check.fail(name, what, value)
    return value[0], value[1]

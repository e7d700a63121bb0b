"""A renderer chosen for a task, with its rates, as a JSON file: what `gendr tune` writes and `gendr fit` takes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gendr import _check, distributions, tnorms
from gendr.distributions import Distribution
from gendr.render.schedules import Schedule
from gendr.tnorms import TNorm
from gendr.tools.fit.config import SCHEDULES

SCHEMA = "gendr.renderer"
VERSION = 1
TASKS = ("shape", "pose")


@dataclass(frozen=True)
class Setting:
    """A renderer, and how an optimisation goes through it. A plain value: equal where all is.

    Attributes:
        distribution: of the occlusion test, as its spec.
        t_conorm: joins the faces, as its spec.
        tau: softness at the first and at the last step, as `rasterize` takes it.
        schedule: of the softness in between, "log-linear" or "cosine".
        lr: learning rate at the first step.

    Raises:
        TypeError, ValueError: a field of the wrong kind or out of range, or a spec that does not exist.

    >>> Setting("logistic( squared )", "probabilistic", (1e-4, 1e-6), "log-linear", 0.2).distribution
    'logistic(squared)'
    """

    distribution: str
    t_conorm: str
    tau: tuple[float, float]
    schedule: str
    lr: float

    def __post_init__(self) -> None:
        for name, family in (("distribution", distributions), ("t_conorm", tnorms)):
            text = getattr(self, name)
            if not isinstance(text, str):
                raise TypeError(f"{name}: expected a spec, got {_check.describe(text)}")
            object.__setattr__(self, name, str(family.from_spec(text)))
        if not isinstance(self.tau, tuple) or len(self.tau) != 2:
            _check.fail("tau", "the first and the last softness", self.tau)
        object.__setattr__(self, "tau", tuple(_check.number("tau", value, 1e-30, 1e30) for value in self.tau))
        _check.choice("schedule", self.schedule, list(SCHEDULES))
        object.__setattr__(self, "lr", _check.number("lr", self.lr, 0.0, 1e3, open_low=True))

    def __str__(self) -> str:
        if self.tau[0] == self.tau[1]:
            softness = f"tau {self.tau[0]:.3g}"
        else:
            softness = f"tau {self.tau[0]:.3g} to {self.tau[1]:.3g} {self.schedule}"
        return f"{self.distribution} + {self.t_conorm}, {softness}, lr {self.lr:.3g}"

    @property
    def key(self) -> str:
        """JSON of all fields: equal settings have equal keys.

        >>> Setting("uniform", "maximum", (0.1, 0.1), "cosine", 0.2).key  # doctest: +ELLIPSIS
        '{"distribution": "uniform", "t_conorm": "maximum", "tau": [0.1, 0.1], ...}'
        """
        return json.dumps(asdict(self))

    @staticmethod
    def from_key(text: str) -> Setting:
        """The setting whose key this is.

        >>> setting = Setting("uniform", "maximum", (0.1, 0.1), "cosine", 0.2)
        >>> Setting.from_key(setting.key) == setting
        True
        """
        return Setting.from_dict(json.loads(text))

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Setting:
        """The setting with these fields, tau a list, as JSON has it.

        >>> Setting.from_dict(asdict(Setting("uniform", "maximum", (0.1, 0.1), "cosine", 0.2))).lr
        0.2
        """
        tau = values["tau"]
        return Setting(**{**values, "tau": tuple(tau) if isinstance(tau, list) else tau})

    def members(self) -> tuple[Distribution, TNorm]:
        """The distribution and the T-conorm.

        >>> Setting("uniform", "maximum", (0.1, 0.1), "cosine", 0.2).members()
        (uniform, Maximum())
        """
        return distributions.from_spec(self.distribution), tnorms.from_spec(self.t_conorm)

    def softness(self, steps: int) -> Schedule:
        """Tau by the step.

        >>> Setting("uniform", "maximum", (0.1, 0.001), "log-linear", 0.2).softness(3)(1)  # doctest: +ELLIPSIS
        0.01...
        """
        return SCHEDULES[self.schedule](*self.tau, steps)


@dataclass(frozen=True)
class SavedRenderer:
    """The content of a renderer file.

    Attributes:
        setting: the renderer and its rates.
        task: what it was chosen for, "shape" or "pose": rates of one mean nothing in the other.
        steps: of the optimisation that it was chosen for.
        origin: how it was found; for people, nothing reads it.
    """

    setting: Setting
    task: str
    steps: int
    origin: Mapping[str, Any]


def renderer_json(saved: SavedRenderer) -> str:
    """The file's text.

    >>> setting = Setting("uniform", "maximum", (0.1, 0.1), "cosine", 0.2)
    >>> print(renderer_json(SavedRenderer(setting, "shape", 100, {})).partition(",")[0])
    {
     "schema": "gendr.renderer"
    """
    content = {"schema": SCHEMA, "version": VERSION, "task": saved.task, **asdict(saved.setting), "steps": saved.steps}
    return json.dumps({**content, "origin": dict(saved.origin)}, indent=1, allow_nan=False) + "\n"


def load_renderer(path: str | os.PathLike[str], task: str | None = None) -> SavedRenderer:
    """Read a renderer file.

    Args:
        path: the file.
        task: the one that it must be for; None for any.

    Raises:
        ValueError: it is no such file, one of another version, for another task, or with a field missing, unknown, of
            the wrong kind or out of range; the error names the file and the field.
        OSError: it cannot be read.

    >>> _ = Path("renderer.json").write_text('{"schema": "gendr.renderer", "version": 2}')
    >>> load_renderer("renderer.json")
    Traceback (most recent call last):
    ValueError: renderer.json: version: expected 1, which this version of gendr reads, got 2
    """
    name = os.fspath(path)
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise ValueError(f"{name}: expected a renderer file of gendr tune, got no JSON ({error})") from None
    try:
        return _read(content, task)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def _read(content: Any, task: str | None) -> SavedRenderer:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        _check.fail("schema", f'"{SCHEMA}"', repr(content.get("schema")) if isinstance(content, dict) else "no object")
    if content.get("version") != VERSION or isinstance(content["version"], bool):
        _check.fail("version", f"{VERSION}, which this version of gendr reads", repr(content.get("version")))
    of_setting = [field.name for field in fields(Setting)]
    names = ["schema", "version", "task", *of_setting, "steps", "origin"]
    for missing in (name for name in names if name not in content):
        _check.fail(missing, "a value", "none")
    for unknown in (name for name in content if name not in names):
        _check.fail(str(unknown), f"no other fields than {', '.join(names)}", "this one")
    _check.choice("task", content["task"], TASKS)
    if task is not None and content["task"] != task:
        _check.fail("task", f"{task}, which this is for", content["task"])
    steps = content["steps"]
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise TypeError(f"steps: expected a whole number, got {_check.describe(steps)}")
    _check.number("steps", steps, 1)
    if not isinstance(content["origin"], dict):
        _check.fail("origin", "an object", content["origin"])
    setting = Setting.from_dict({name: content[name] for name in of_setting})
    return SavedRenderer(setting, content["task"], steps, content["origin"])

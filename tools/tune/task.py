"""What a tuner needs to know of a task: under which conditions a setting is tried, and how well it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gendr.tools.renderer_file import Setting


@dataclass(frozen=True)
class Condition:
    """Where and from where a setting is tried; one of its own for each task.

    Attributes:
        size: how much of a run it is, or of how many: its work, and what its loss counts in a mean.
    """

    size: float = 1.0


@dataclass(frozen=True)
class Score:
    """How a setting did under a condition.

    Attributes:
        loss: lower is better, in [0, 1].
        seconds: of the processor, for a condition of size 1.
        is_cut: whether it took longer than it may; the loss is what it had by then.
        figures: what else was measured.
    """

    loss: float
    seconds: float
    is_cut: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)


CONSTANT = "constant"
"""The schedule of a softness that stays as it is."""


class Task(Protocol):
    """Something that renderers are tuned for.

    Attributes:
        name: "shape" or "pose".
        target: what it is about, for people.
        steps: of one optimisation.
        image_size: rows of pixels.
        brings_cameras: whether the target has cameras of its own.
        rungs: the conditions of each round of the halving, three times the work from one to the next; conditions that
            an earlier round had are not done again.
        held_out: conditions that the search never sees.
        published: SoftRas's own setting; its distribution and T-conorm are the family that is tuned beside.
        default: what one would use without tuning.
        widths: of the softened edge at the first step, in pixels.
        falls: decades by which the width falls.
        rates: of learning.
        schedules: of the softness.
        figures: what the figures of a score mean, by their names.
    """

    name: str
    target: str
    steps: int
    image_size: int
    brings_cameras: bool
    rungs: Sequence[Sequence[Condition]]
    held_out: Sequence[Condition]
    published: Setting
    default: Setting
    widths: tuple[float, float]
    falls: tuple[float, float]
    rates: tuple[float, float]
    schedules: tuple[str, ...]
    figures: Mapping[str, str]

    def score(
        self, setting: Setting, condition: Condition, limit: float, should_stop: Callable[[], bool], *, full: bool
    ) -> Score:
        """Try a setting.

        Args:
            setting: the renderer and its rates.
            condition: one of the task's.
            limit: seconds of wall time, for a condition of size 1, after which it is cut where that is possible.
            should_stop: asked between steps where that is possible; when it says so, the score means nothing.
            full: whether to measure the figures too.
        """

    def fingerprint(self) -> Mapping[str, Any]:
        """What results depend on, as JSON holds it: a folder belongs to one such."""


def mean(scores: Mapping[Condition, Score]) -> Score:
    """The mean by the conditions' sizes; cut if any was.

    >>> mean({Condition(1.0): Score(0.1, 1.0), Condition(3.0): Score(0.5, 2.0, is_cut=True)})
    Score(loss=0.4, seconds=1.75, is_cut=True, figures={})
    """
    size = sum(condition.size for condition in scores)
    loss = sum(condition.size * score.loss for condition, score in scores.items()) / size
    seconds = sum(condition.size * score.seconds for condition, score in scores.items()) / size
    return Score(loss, seconds, any(score.is_cut for score in scores.values()))

"""The comparison: the winner and others, side by side on conditions that the search never saw."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import optuna
from optuna.trial import TrialState, create_trial

from gendr.tools.bench.report.intervals import Interval, student
from gendr.tools.renderer_file import Setting
from gendr.tools.tune.clock import Clock
from gendr.tools.tune.task import Score, Task

LEAST = 3
"""Conditions that are done however long they take."""

Rows = Mapping[tuple[str, int], Score]
"""By a setting's key and the condition's place."""


@dataclass(frozen=True)
class Comparison:
    """A contender on the held-out conditions, beside the tuned renderer.

    Attributes:
        name: of the contender.
        setting: its renderer.
        loss: mean over the conditions.
        seconds: of the processor, the mean of one run.
        figures: means of what else was measured.
        behind: its loss less that of the tuned renderer, condition by condition: mean and 95 % of Student's t.
        conditions: how many.
    """

    name: str
    setting: Setting
    loss: float
    seconds: float
    figures: Mapping[str, float]
    behind: Interval
    conditions: int


def measure(
    study: optuna.Study,
    task: Task,
    contenders: Mapping[str, Setting],
    clock: Clock,
    should_stop: Callable[[], bool],
    after_run: Callable[[], None],
) -> None:
    """Run every contender on the held-out conditions, one condition after the other, while there is time.

    A condition is done for all or counts for none, and when it ends depends on the time and on nothing that was found.
    """
    rows = dict(rows_of(study))
    for place, condition in enumerate(task.held_out):
        if place >= LEAST and clock.left <= 0.0:
            return
        for setting in dict.fromkeys(contenders.values()):
            if (setting.key, place) in rows:
                continue
            score = task.score(setting, condition, math.inf, should_stop, full=True)
            if should_stop():
                return
            rows[setting.key, place] = score
            _note(study, setting, place, score)
            clock.note()
            after_run()


def rows_of(study: optuna.Study) -> Rows:
    """What the storage has.

    >>> rows_of(optuna.create_study())
    {}
    """
    rows = {}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        row = trial.user_attrs
        score = Score(row["loss"], row["seconds"], figures=row["figures"])
        rows[row["setting"], row["condition"]] = score
    return rows


def compare(rows: Rows, contenders: Mapping[str, Setting], tuned: Setting) -> list[Comparison]:
    """What the conditions say that all contenders have been through; nothing without any.

    >>> settings = [Setting("uniform", "maximum", (tau, tau), "cosine", 0.1) for tau in (0.1, 0.2)]
    >>> rows = {(s.key, i): Score(tau, 1.0) for s, tau in zip(settings, (0.1, 0.4)) for i in range(2)}
    >>> [round(c.behind.mean, 9) for c in compare(rows, {"tuned": settings[0], "other": settings[1]}, settings[0])]
    [0.0, 0.3]
    """
    keys = {setting.key for setting in contenders.values()}
    places = [place for (key, place) in sorted(rows) if key == tuned.key]
    places = [place for place in places if all((key, place) in rows for key in keys)]
    if not places:
        return []
    found = []
    for name, setting in contenders.items():
        scores = [rows[setting.key, place] for place in places]
        behind = student(
            [score.loss - rows[tuned.key, place].loss for score, place in zip(scores, places, strict=True)]
        )
        loss, seconds = (statistics.fmean(getattr(s, what) for s in scores) for what in ("loss", "seconds"))
        figures = {name: statistics.fmean(score.figures[name] for score in scores) for name in scores[0].figures}
        found.append(Comparison(name, setting, loss, seconds, figures, behind, len(places)))
    return found


def _note(study: optuna.Study, setting: Setting, place: int, score: Score) -> None:
    row = {
        "setting": setting.key,
        "condition": place,
        "loss": score.loss,
        "seconds": score.seconds,
        "figures": dict(score.figures),
    }
    study.add_trial(create_trial(value=score.loss, user_attrs=row))

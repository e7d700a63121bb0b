"""The search: trials that Optuna proposes climb from rung to rung, and of each rung a third goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import optuna
from optuna.trial import TrialState

from gendr import _check
from gendr.tools.renderer_file import Setting
from gendr.tools.tune.clock import Clock
from gendr.tools.tune.space import Space
from gendr.tools.tune.standings import CUT, ERROR, SECONDS, SETTING, rung_of
from gendr.tools.tune.storage import FACTOR, come_again
from gendr.tools.tune.task import Condition, Score, Task, mean

REFERENCE = "reference"
"""Wall seconds of the first run, of size 1, in the study."""

PATIENCE = 2.0
"""A run may take as many times as long as the first one, or what `limit` says if that is more."""

HOPELESS = 20
"""Failures in a row at the very beginning after which it is given up."""


class Halving:
    """One study's search.

    Args:
        study: where the trials are.
        space: what is searched.
        task: what for.
        clock: how long.
        limit: wall seconds that a single run may take; slower renderers are judged by where they are then.
        should_stop: whether the user wants to end.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: Space,
        task: Task,
        clock: Clock,
        limit: float,
        should_stop: Callable[[], bool],
    ) -> None:
        self._study, self._space, self._task = study, space, task
        self._clock, self._limit, self._should_stop = clock, limit, should_stop

    def run(self, first: Sequence[Setting], after_trial: Callable[[], None]) -> None:
        """Search until the time is up, and at least until one trial has a loss.

        Args:
            first: settings to begin with, those outside of the space left out.
            after_trial: called after each.

        Raises:
            ValueError: nothing that was tried could be done.
            OSError: the storage cannot be written.
        """
        if not self._study.get_trials(deepcopy=False):
            for setting in first:
                if values := self._space.values(setting):
                    self._study.enqueue_trial(values, user_attrs={SETTING: setting.key})
        while not self._should_stop() and (self._clock.left > 0.0 or not self._has_result()):
            self._give_up_if_hopeless()
            self._attempt(self._study.ask())
            self._clock.note()
            after_trial()

    def _attempt(self, trial: optuna.Trial) -> None:
        suggested = self._space.suggest(trial)
        setting = Setting.from_key(trial.user_attrs[SETTING]) if SETTING in trial.user_attrs else suggested
        trial.set_user_attr(SETTING, setting.key)
        scores: dict[Condition, Score] = {}
        for rung, conditions in enumerate(self._task.rungs):
            try:
                is_whole = self._climb(setting, conditions, scores)
            except (ValueError, ArithmeticError, RuntimeError) as error:  # e.g. a rate that throws vertices to infinity
                trial.set_user_attr(ERROR, f"{type(error).__name__}: {error}")
                self._study.tell(trial, state=TrialState.FAIL)
                return
            if not is_whole:
                self._break_off(trial, rung)
                return
            score = mean({condition: scores[condition] for condition in conditions})
            trial.set_user_attr(SECONDS, score.seconds)
            trial.set_user_attr(CUT, score.is_cut)
            trial.report(score.loss, FACTOR**rung)
            is_last = rung == len(self._task.rungs) - 1
            if score.is_cut or (not is_last and trial.should_prune()):
                self._study.tell(trial, state=TrialState.PRUNED)
                return
        self._study.tell(trial, score.loss)

    def _climb(self, setting: Setting, conditions: Sequence[Condition], scores: dict[Condition, Score]) -> bool:
        """Do what the rung has beyond the ones below; False when it was broken off. The first rung is always done."""
        for condition in conditions:
            if condition in scores:
                continue
            if scores and self._clock.left <= 0.0:
                return False
            began, limit = time.monotonic(), self._longest()
            score = self._task.score(setting, condition, limit, self._should_stop, full=False)
            if self._should_stop():
                return False
            if not math.isfinite(limit):
                self._study.set_user_attr(REFERENCE, (time.monotonic() - began) / condition.size)
            scores[condition] = score
        return True

    def _break_off(self, trial: optuna.Trial, rung: int) -> None:
        """What it has from the rungs below stays; without any the same numbers come again."""
        if rung:
            self._study.tell(trial, state=TrialState.PRUNED)
            return
        frozen = self._study.tell(trial, state=TrialState.FAIL)
        come_again(self._study, frozen)

    def _longest(self) -> float:
        """Seconds that a run may take; the very first one has all the time."""
        first = self._study.user_attrs.get(REFERENCE)
        return math.inf if first is None else max(self._limit, PATIENCE * first)

    def _has_result(self) -> bool:
        return any(rung_of(trial) is not None for trial in self._study.get_trials(deepcopy=False))

    def _give_up_if_hopeless(self) -> None:
        trials = self._study.get_trials(deepcopy=False)
        errors = [trial.user_attrs[ERROR] for trial in trials if ERROR in trial.user_attrs]
        if len(errors) >= HOPELESS and not self._has_result():
            _check.fail("search", "a renderer that can be tried", f"{len(errors)} failures, the last: {errors[-1]}")

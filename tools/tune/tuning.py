"""A tuning from beginning to end: search, SoftRas's family beside it, and the comparison on held-out conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optuna.storages import RDBStorage

from gendr import threads_for_kernels
from gendr.tools.interrupt import Interrupt
from gendr.tools.machine import machine
from gendr.tools.renderer_file import SavedRenderer, Setting, renderer_json
from gendr.tools.tune.clock import Clock
from gendr.tools.tune.folder import write
from gendr.tools.tune.halving import Halving
from gendr.tools.tune.held_out import Comparison, compare, measure, rows_of
from gendr.tools.tune.progress import TuneProgress
from gendr.tools.tune.report import report, table
from gendr.tools.tune.snippet import snippet
from gendr.tools.tune.space import Space
from gendr.tools.tune.standings import Tried, failures, standings
from gendr.tools.tune.storage import study_in
from gendr.tools.tune.task import Task
from gendr.tools.tune.trade_off import trade_off

SHARES = {"search": 0.5, "SoftRas's family": 0.25, "held out": 0.25}
"""Of the budget. SoftRas's family has two choices less to search, and gets half of the search's time."""

SEARCH, FAMILY, HELD_OUT = SHARES
LIMIT = 1 / 40
"""Of the budget: what a single run may take, or as many as the first rung has."""

TUNED = "tuned"
FILES = ("renderer.json", "renderer.py", "report.md", "trials.csv", "trade_off.png")


@dataclass(frozen=True)
class Findings:
    """What is known in the end, or when it was interrupted.

    Attributes:
        tried: trials, best first.
        failed: how many trials could not be done.
        comparisons: the tuned renderer first; none before the first held-out condition.
    """

    tried: list[Tried]
    failed: int
    comparisons: list[Comparison]


class Tuning:
    """Works in a folder that it has to itself.

    Args:
        task: what for.
        space: what is searched.
        storage: Optuna's.
        budget: seconds of wall time in all.
        seed: of the samplers.
        interrupt: whether the user wants to end.
        progress: where to show how far it is.
    """

    def __init__(
        self,
        task: Task,
        space: Space,
        storage: RDBStorage,
        budget: float,
        seed: int,
        interrupt: Interrupt,
        progress: TuneProgress,
    ) -> None:
        self._task, self._space, self._budget = task, space, budget
        self._interrupt, self._progress = interrupt, progress
        self._studies = {name: study_in(storage, name, seed=seed) for name in SHARES}
        self._clocks: dict[str, Clock] = {}

    def run(self) -> Findings | None:
        """Do what is left to do; None when there is nothing to show yet.

        Raises:
            ValueError: nothing that was tried could be done.
            OSError: the storage cannot be written.
        """
        published = self._task.published
        family = Space.of(self._task, [published.distribution], [published.t_conorm])
        with threads_for_kernels():
            self._search(SEARCH, self._space, [self._task.default, published])
            if not self._interrupt.seen:
                self._search(FAMILY, family, [published])
            if not self._interrupt.seen:
                self._compare()
        tried = standings(self._studies[SEARCH])
        if not tried:
            return None
        rows = rows_of(self._studies[HELD_OUT])
        comparisons = compare(rows, self._contenders(), tried[0].setting)
        return Findings(tried, len(failures(self._studies[SEARCH])), comparisons)

    def _search(self, part: str, space: Space, first: list[Setting]) -> None:
        study, clock = self._studies[part], self._clock(part)

        def show() -> None:
            tried = standings(study)
            self._progress.show(part, f"{len(tried)} trials", tried[0] if tried else None, self._used())

        limit = LIMIT * self._budget / max(1.0, self._task.rungs[0][0].size)
        Halving(study, space, self._task, clock, limit, lambda: self._interrupt.seen).run(first, show)
        clock.stop()

    def _compare(self) -> None:
        study, contenders = self._studies[HELD_OUT], self._contenders()

        def show() -> None:
            self._progress.show(HELD_OUT, f"{len(study.get_trials(deepcopy=False))} runs", None, self._used())

        clock = self._clock(HELD_OUT)
        measure(study, self._task, contenders, clock, lambda: self._interrupt.seen, show)
        clock.stop()

    def _contenders(self) -> Mapping[str, Setting]:
        tuned, family = (standings(self._studies[name]) for name in (SEARCH, FAMILY))
        found = {TUNED: tuned[0].setting, "SoftRas as published": self._task.published}
        if family:
            found["SoftRas, softness and rate tuned"] = family[0].setting
        return {**found, "without tuning": self._task.default}

    def _clock(self, part: str) -> Clock:
        return self._clocks.setdefault(part, Clock(self._studies[part], SHARES[part] * self._budget))

    def _used(self) -> float:
        return sum(clock.used for clock in self._clocks.values())


def publish(out: Path, task: Task, findings: Findings) -> None:
    """Write the results into the folder, each file whole, in place of earlier ones.

    Raises:
        OSError: it cannot be written.
    """
    best = findings.tried[0]
    origin = {
        "target": task.target,
        "loss": best.loss,
        "trials": len(findings.tried),
        "held_out": [_as_dict(comparison) for comparison in findings.comparisons],
        **machine(),
    }
    write(out / "renderer.json", renderer_json(SavedRenderer(best.setting, task.name, task.steps, origin)))
    write(out / "renderer.py", snippet(best.setting, task))
    write(out / "report.md", report(task, best.setting, findings.tried, findings.comparisons, findings.failed))
    write(out / "trials.csv", table(findings.tried))
    write(
        out / "trade_off.png",
        trade_off(findings.tried, findings.comparisons, f"{Path(task.target).name}\n{best.setting}"),
    )


def _as_dict(comparison: Comparison) -> dict[str, object]:
    behind = None if comparison.name == TUNED else list(comparison.behind)
    return {
        "name": comparison.name,
        "renderer": str(comparison.setting),
        "loss": comparison.loss,
        "behind": behind,
        "conditions": comparison.conditions,
        "figures": dict(comparison.figures),
    }

"""`gendr tune`: the tuner from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from rich.console import Console

from gendr import _check
from gendr.tools.arguments import bad_arguments, option
from gendr.tools.extra import needs
from gendr.tools.interrupt import EXIT_CODE, Interrupt
from gendr.tools.tune.folder import STUDY, check, claimed
from gendr.tools.tune.pose_task import PoseTask
from gendr.tools.tune.shape_task import ShapeTask
from gendr.tools.tune.space import Space, chosen_distributions, chosen_t_conorms
from gendr.tools.tune.task import Task

if TYPE_CHECKING:
    from gendr.tools.tune.tuning import Findings

HELP = """Find the renderer for a target: distribution, T-conorm, softness and its schedule, and the learning rate.

Optuna proposes renderers; all are tried a little, the best third of them more, and so on. Then the winner is compared
with SoftRas's setting, on views and starts that the search never saw. The folder holds renderer.json (for gendr fit
--renderer), renderer.py, report.md, trials.csv and trade_off.png. Needs the extra tune.

Ctrl-C ends it early and writes what it has (exit code 130). The same command goes on where it was, after kill -9 too;
with a larger budget it searches further.

For example:
  gendr tune --target bunny.obj --task shape --budget 10 --out tuned
  gendr tune --target bunny.obj --task pose --budget 20 --out tuned-pose
  gendr tune --target masks/ --task shape --budget 10 --out tuned   (masks/ holds cameras.json and its images)
  gendr tune --target spot.obj --distribution logistic "gamma(p=0.5, reversed)" --t-conorm all --budget 10 --out tuned
  gendr fit --target bunny.obj --renderer tuned/renderer.json --out out/bunny"""

MINUTE = 60.0


@dataclass(frozen=True)
class Tune:
    """The arguments of `gendr tune`; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    target: str
    """A mesh file, a built-in scene (airplane, chair, cow, teapot), or a folder of masks with cameras.json (shape)."""
    out: Path
    """Folder for the results: a new one, or one to go on with."""
    task: Literal["shape", "pose"] = "shape"
    """shape: fit a sphere to silhouettes, as gendr fit does. pose: turn cameras back to where silhouettes were seen."""
    budget: float = 10.0
    """Minutes in all, those of earlier calls included."""
    distribution: Annotated[tuple[str, ...] | None, option("SPEC ...", "16, see docs/tuning.md")] = None
    """What to search: a name such as gamma is the family, "gamma(p=2, reversed)" or "logistic()" is one; or all."""
    t_conorm: Annotated[tuple[str, ...] | None, option("SPEC ...", "9, one of each family")] = None
    """Likewise."""
    steps: Annotated[int | None, option("INT", "100; pose: 200")] = None
    """Of one optimisation."""
    views: Annotated[int | None, option("INT", "24")] = None
    """Cameras about a mesh (shape)."""
    image_size: Annotated[int | None, option("INT", "64; for a folder that of its masks")] = None
    """Rows of pixels."""
    held_out: int = 10
    """Conditions of the comparison at most; three are always done, the others while there is time."""
    seed: int = 0
    """Of the search."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        console = Console(soft_wrap=True, highlight=False)
        with needs("gendr tune", "tune", ["optuna", "sqlalchemy"]), bad_arguments("gendr tune"):
            from gendr.tools.tune.storage import storage_at  # optuna takes a second to import

            _check.number("budget", self.budget, 0.0, 1e6, open_low=True)
            _check.number("seed", self.seed, 0, 2**31 - 1)
            _check.number("held-out", self.held_out, 3, 1000)
            chosen = chosen_distributions(self.distribution), chosen_t_conorms(self.t_conorm)
            check(self.out, {})
            task = self._task()
            space = Space.of(task, *chosen)
            settings = self._settings(task, space)
            check(self.out, settings)
            console.print(f"{self.target}: {len(chosen[0])} distributions, {len(chosen[1])} T-conorms, {task.name}")
            with claimed(self.out, settings), storage_at(self.out / STUDY) as storage, Interrupt() as interrupt:
                return self._tune(task, space, storage, interrupt, console)

    def _task(self) -> Task:
        if self.task == "pose":
            if self.views is not None:
                _check.fail("views", "nothing for the task pose, which has one camera", f"{self.views}")
            steps = 200 if self.steps is None else self.steps
            return PoseTask(self.target, image_size=self.image_size, steps=steps, held_out=self.held_out)
        steps = 100 if self.steps is None else self.steps
        return ShapeTask(self.target, views=self.views, image_size=self.image_size, steps=steps, held_out=self.held_out)

    def _settings(self, task: Task, space: Space) -> dict[str, Any]:
        """What a folder belongs to; budget and number of held-out conditions may grow."""
        searched = {"distributions": space.distributions, "t_conorms": space.t_conorms}
        return {**task.fingerprint(), **searched, "seed": self.seed}

    def _tune(self, task: Task, space: Space, storage: Any, interrupt: Interrupt, console: Console) -> int:
        from gendr.tools.tune.progress import TuneProgress
        from gendr.tools.tune.tuning import Tuning, publish

        budget = self.budget * MINUTE
        with TuneProgress(console, budget) as progress:
            findings = Tuning(task, space, storage, budget, self.seed, interrupt, progress).run()
        if findings is not None:
            publish(self.out, task, findings)
        self._conclude(console, findings, is_interrupted=interrupt.seen)
        return EXIT_CODE if interrupt.seen else 0

    def _conclude(self, console: Console, findings: Findings | None, *, is_interrupted: bool) -> None:
        from gendr.tools.tune.report import verdict
        from gendr.tools.tune.tuning import FILES

        if findings is not None:
            best = findings.tried[0]
            console.print(f"best of {len(findings.tried)} trials: {best.setting}")
            for comparison in findings.comparisons[1:]:
                console.print(verdict(comparison, findings.comparisons[0]))
            for tuned in findings.comparisons[:1]:
                console.print(f"(loss of the tuned one {tuned.loss:.4f}; {tuned.conditions} held-out conditions)")
            console.print(f"wrote {', '.join(FILES)} to {self.out}")
        if is_interrupted:
            console.print("interrupted: the same command goes on from here")

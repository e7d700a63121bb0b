"""`gendr train eval`: how well a run reconstructs, as a table, pictures and meshes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import tyro
from rich.console import Console

from gendr import _check
from gendr.tools.arguments import bad_arguments, option
from gendr.tools.fit.pictures import spread
from gendr.tools.machine import machine
from gendr.tools.output_folder import checked_folder, staged
from gendr.tools.reconstruct.command import use_threads
from gendr.tools.reconstruct.data import opened
from gendr.tools.reconstruct.evaluate import evaluate, mean, pictures_of, predicted_voxels, table
from gendr.tools.reconstruct.extra import needs_train
from gendr.tools.reconstruct.predict import Trained, load_run
from gendr.tools.reconstruct.refine import Refiner
from gendr.tools.reconstruct.retrieval import Retrieval
from gendr.tools.reconstruct.run import LOG
from gendr.tools.reconstruct.train import COLUMNS
from gendr.tools.shapes.layout import VIEWS
from gendr.tools.training import Log, TrainingProgress

HELP = """Measure a run of gendr train: the 3D IoU of each class beside the retrieval baseline, pictures and meshes.

The folder --out gets table.md, metrics.json, curve.png of the training, contact_sheet.png, and a mesh of one object a
class.

For example:
  gendr train eval out/run
  gendr train eval out/run --data data/shapes13 --views 4 --out out/run_on_shapes13"""

FILES = ("table.md", "metrics.json", "curve.png", "contact_sheet.png", "meshes")


@dataclass(frozen=True)
class TrainEval:
    """The arguments of `gendr train eval`; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="run")]
    """Folder of the run."""
    data: Annotated[Path | None, option("PATH", "what the run was trained on")] = None
    """Folder of images and voxels in the published layout."""
    split: Literal["train", "val", "test"] = "test"
    """Which part of it."""
    classes: Annotated[str | None, option("LIST", "the run's")] = None
    """Names or ShapeNet numbers, separated by commas, or all."""
    views: int = VIEWS
    """How many of each object's 24 views, evenly spread."""
    refine: int = 0
    """Steps of a descent on each image's silhouette, from the prediction; a further row of the table."""
    retrieval: Annotated[Path | None, option("PATH", "what the run was trained on")] = None
    """Folder of the objects that the baseline retrieves (its train split)."""
    no_retrieval: tyro.conf.FlagCreatePairsOff[bool] = False
    """Leave the baseline out."""
    out: Annotated[Path | None, option("PATH", "RUN/eval_SPLIT")] = None
    """Folder for the results; new, or --overwrite."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the results that are in the folder."""
    threads: int | None = None
    """Threads; default: torch's own choice."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("gendr train eval"), needs_train("gendr train eval"):
            _check.number("views", self.views, 1, VIEWS)
            _check.number("refine", self.refine, 0)
            use_threads(self.threads)
            self._measure()
        return 0

    def _measure(self) -> None:
        from gendr.tools.reconstruct.pictures import curves

        trained = load_run(self.folder)
        out = checked_folder(self.out or self.folder / f"eval_{self.split}", FILES, overwrite=self.overwrite)
        home = Path(trained.figures.get("data", "."))
        classes = self.classes or ",".join(trained.settings.classes)
        data = opened(self.data or home, classes, self.split)
        known = None if self.no_retrieval else opened(self.retrieval or home, list(trained.settings.classes), "train")
        log = Log.read(self.folder / LOG, COLUMNS)
        console = Console(soft_wrap=True, highlight=False)
        rows = self._scores(trained, data, known, console)
        with staged(out) as stage:
            _write(stage, trained, data, rows, self.views)
            curves({trained.settings.model: log}, stage / "curve.png")
        console.print(f"{table(rows)}\nwrote {', '.join(FILES)} to {out}", markup=False)

    def _scores(self, trained: Trained, data: Any, known: Any, console: Console) -> dict[str, dict[str, float]]:
        label = f"{trained.settings.model}, step {trained.step}"
        methods = {label: predicted_voxels(trained.vertices, trained.faces)}
        if self.refine:
            refined = Refiner(trained, self.refine).vertices
            methods[f"{label}, refined in {self.refine}"] = predicted_voxels(refined, trained.faces)
        if known is not None:
            methods["nearest training silhouette"] = Retrieval(known)
        total, done = len(data) * self.views * len(methods), 0
        with TrainingProgress(total, console) as progress:

            def seen(count: int) -> None:
                nonlocal done
                done += count
                progress.show(done)

            return {name: evaluate(data, method, self.views, seen=seen) for name, method in methods.items()}


def _write(stage: Path, trained: Trained, data: Any, rows: dict[str, dict[str, float]], views: int) -> None:
    from gendr.tools.reconstruct.pictures import contact_sheet

    (stage / "table.md").write_text(table(rows) + "\n", encoding="utf-8")
    metrics = {
        "machine": machine(), "settings": trained.settings.plain(), "step": trained.step,
        "cpu_seconds_of_training": trained.figures.get("seconds"), "views": spread(VIEWS, views),
        "iou": {method: {**classes, "mean": mean(classes)} for method, classes in rows.items()},
    }  # fmt: skip
    (stage / "metrics.json").write_text(json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    contact_sheet(trained, data).save(stage / "contact_sheet.png")
    (stage / "meshes").mkdir()
    for name in data.names:
        for mesh in trained.meshes(pictures_of(data.images(name), [(0, 3)] if len(data.images(name)) else [])):
            mesh.save(stage / "meshes" / f"{name}.obj")

"""`gendr fit`: the fit from the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import tyro
from rich.console import Console
from torch import Tensor

from gendr import _check, distributions, threads_for_kernels, tnorms
from gendr.tools.arguments import bad_arguments, option, softness
from gendr.tools.fit.animation import Recorder, save_animation
from gendr.tools.fit.config import FitConfig, configure
from gendr.tools.fit.metrics import report
from gendr.tools.fit.optimise import FitResult, Step, fit
from gendr.tools.fit.pictures import contact_sheet, curve
from gendr.tools.fit.progress import FitProgress
from gendr.tools.fit.target import Target, load_target
from gendr.tools.interrupt import EXIT_CODE, Interrupt
from gendr.tools.output_folder import checked_folder, staged
from gendr.tools.renderer_file import load_renderer

HELP = """Fit a sphere to the silhouettes of a shape, and write mesh, pictures and figures into a folder.

Ctrl-C ends the fit early and keeps what it has (exit code 130).

For example:
  gendr fit --target airplane --out out/airplane
  gendr fit --target bunny.obj --steps 50 --lr 0.3 --out out/bunny
  gendr fit --target chair.obj --method thesis --distribution "gamma(p=0.5, reversed)" --tau 0.0056 --out out/chair
  gendr fit --target bunny.obj --renderer tuned/renderer.json --out out/tuned   (found by gendr tune)
  gendr fit --target masks/ --out out/scan   (masks/ holds cameras.json and the images that it names)"""

FILES = ("result.obj", "contact_sheet.png", "animation.gif", "loss.png", "metrics.json")
"""What the folder of results holds."""


@dataclass(frozen=True)
class Fit:
    """The arguments of `gendr fit`; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    target: str
    """A mesh file, a built-in scene (airplane, chair, cow, teapot), or a folder with cameras.json and its masks."""
    out: Path
    """Folder for the results; new or empty, unless --overwrite is given."""
    views: Annotated[int | None, option("INT", "24")] = None
    """Cameras at equal angles about the target. Not for folders, which bring their own."""
    elevation: Annotated[float | None, option("DEGREES", "30")] = None
    """Elevation of these cameras."""
    image_size: Annotated[int | None, option("INT", "64; for a folder that of its masks")] = None
    """Rows of pixels of the silhouettes."""
    steps: int = 100
    """Number of steps."""
    method: Literal["large-steps", "thesis"] = "large-steps"
    """large-steps: smooth parametrisation, uniform Adam, annealed tau. thesis: the published protocol."""
    distribution: Annotated[str | None, option("SPEC", "gaussian; thesis: logistic(squared)")] = None
    """Of the occlusion test, e.g. "gamma(p=0.5, reversed)"; `gendr info` lists them."""
    t_conorm: Annotated[str | None, option("SPEC", "probabilistic")] = None
    """Joins the faces over a pixel, e.g. "yager(p=2)"; `gendr info` lists them."""
    tau: Annotated[str | None, option("T|T0:T1", "the method's; printed when it starts")] = None
    """Softness, fixed or from the first step to the last."""
    schedule: Annotated[str | None, option("log-linear|cosine", "log-linear")] = None
    """Of the softness from the first step to the last."""
    renderer: Annotated[Path | None, option("FILE", "none")] = None
    """A renderer file of gendr tune, in place of distribution, T-conorm, tau, schedule and lr; for large-steps."""
    lr: Annotated[float | None, option("FLOAT", "0.2; thesis: 10^-1.5")] = None
    """Learning rate; large steps let it fall to a tenth."""
    lambda_: Annotated[float, tyro.conf.arg(name="lambda")] = 1.0
    """Smoothness of the large-steps parametrisation."""
    seed: Annotated[int | None, option("INT", "no noise")] = None
    """Move the start by noise of 1e-6, to see how far results scatter."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the results that are in the folder."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("gendr fit"):
            out = checked_folder(self.out, FILES, overwrite=self.overwrite)
            config = self._config()
            target = load_target(self.target, views=self.views, elevation=self.elevation, image_size=self.image_size)
        console = Console(soft_wrap=True, highlight=False)
        console.print(_heading(target, config))
        with threads_for_kernels(), bad_arguments("gendr fit"), staged(out) as stage:
            result, recorder = _fit(target, config, console)
            figures = report(target, result)
            _write(stage, target, result, recorder, figures)
        return _conclude(console, out, result, figures)

    def _config(self) -> FitConfig:
        chosen = self._chosen() if self.renderer is None else self._of_file(self.renderer)
        return configure(self.method, **chosen, steps=self.steps, lambda_=self.lambda_, seed=self.seed)

    def _chosen(self) -> Mapping[str, Any]:
        return {
            "distribution": None if self.distribution is None else distributions.from_spec(self.distribution),
            "t_conorm": tnorms.from_spec(self.t_conorm or "probabilistic"),
            "tau": None if self.tau is None else softness(self.tau),
            "schedule": self.schedule or "log-linear",
            "lr": self.lr,
        }

    def _of_file(self, path: Path) -> Mapping[str, Any]:
        setting = load_renderer(path, "shape").setting
        for name in fields(setting):
            if getattr(self, name.name) is not None:
                _check.fail(name.name.replace("_", "-"), "nothing beside --renderer, whose file has it", "a value")
        if self.method != "large-steps":
            _check.fail("method", "large-steps, for which the renderer's rate was chosen", self.method)
        distribution, t_conorm = setting.members()
        rates = {"tau": setting.tau, "schedule": setting.schedule, "lr": setting.lr}
        return {"distribution": distribution, "t_conorm": t_conorm, **rates}


def _heading(target: Target, config: FitConfig) -> str:
    rows, columns = target.alpha.shape[1:]
    scaled = "" if target.scale == 1.0 else f", scaled by {target.scale:.4g} to be seen whole"
    return (
        f"{target.name}: {len(target.camera)} views of {columns}x{rows} pixels{scaled}\n"
        f"{config.method}, {config.distribution}, {config.t_conorm}, tau {config.tau[0]:.3g} to {config.tau[1]:.3g}, "
        f"lr {config.lr[0]:.3g} to {config.lr[1]:.3g}"
    )


def _fit(target: Target, config: FitConfig, console: Console) -> tuple[FitResult, Recorder]:
    recorder = Recorder(config.steps)
    with Interrupt() as interrupt, FitProgress(config.steps, console) as progress:

        def on_step(step: Step, vertices: Tensor) -> None:
            recorder(step, vertices)
            progress.show(step)

        return fit(target.alpha, target.camera, config, on_step=on_step, should_stop=lambda: interrupt.seen), recorder


def _write(stage: Path, target: Target, result: FitResult, recorder: Recorder, figures: dict[str, object]) -> None:
    mesh, sheet, animation, loss, metrics = (stage / name for name in FILES)
    result.mesh.save(mesh)
    contact_sheet(target, result).save(sheet)
    save_animation(animation, target, result, recorder)
    curve(result).save(loss)
    metrics.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _conclude(console: Console, out: Path, result: FitResult, figures: dict[str, object]) -> int:
    parts = [f"IoU {result.best.hard_iou:.4f} at step {result.best.index + 1}"]
    for key, text in (("hard_iou_at_256", "at 256 pixels"), ("hard_iou_unseen", "from unseen views")):
        if isinstance(figures[key], float):
            parts.append(f"{figures[key]:.4f} {text}")
    console.print(f"{', '.join(parts)}; {result.seconds:.1f} s")
    if result.interrupted:
        console.print(f"interrupted after step {len(result.history)} of {result.config.steps}: kept the best so far")
    console.print(f"wrote {', '.join(FILES)} to {out}")
    return EXIT_CODE if result.interrupted else 0

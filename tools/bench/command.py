"""`gendr bench`: the benchmark from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro
from rich.console import Console

from gendr.presets.instances import Instance
from gendr.tools.arguments import bad_arguments, option, softness
from gendr.tools.bench.agenda import Plan
from gendr.tools.bench.meshes import MESHES
from gendr.tools.bench.plans import Taus, pose_plan, shape_plan
from gendr.tools.bench.sweep_command import SweepCommand

QUICK = "quick"
"""The grid that also makes the other options' defaults small."""

HELP = """Compare renderers: which distribution and T-conorm does your task need?

For example:
  gendr bench shape --grid quick -o results.sqlite
  gendr bench pose --grid quick -o results.sqlite
  gendr bench report results.sqlite -o report"""

SHAPE_HELP = """Fit a sphere to a mesh's silhouettes with every renderer; what counts is the best loss within 100 steps.

The defaults are the published protocol's: airplane, teapot and chair, five elevations, three rates, 81 softnesses; with
--grid quick one elevation, one rate, seven softnesses, eight cameras and 32 pixels. Every run is in the results file as
soon as it is done. Killed at any moment, the same command goes on; several may work on one file, on one machine.

For example:
  gendr bench shape --grid quick -o results.sqlite
  gendr bench shape --mesh bunny.obj --distribution gamma "logistic()" --taus coarse-to-fine -o bunny.sqlite
  gendr bench shape --elevations -30 30 --lr 0.03 --taus 1e-1,1e-2,1e-3 --seeds 0 1 2 --workers 8 -o results.sqlite
  gendr bench shape --taus coarse-to-fine --ray auto -o results.sqlite"""

POSE_HELP = """Turn cameras back to where silhouettes were seen from with each renderer; what counts is how many arrive.

The defaults are the published protocol's: 600 problems on each mesh, 1,000 steps, rates 0.1 and 0.3; with --grid quick
20 problems on the teapot, 500 steps, rate 0.3, images of 32 pixels. It goes on, and shares its file, as
`gendr bench shape` does.

For example:
  gendr bench pose --grid quick -o results.sqlite
  gendr bench pose --mesh teapot --pairs 600 --distribution "uniform()" --t-conorm probabilistic -o pose.sqlite
  gendr bench pose --mesh bunny.obj --lr 0.3 --pairs 60 --ray 10.0.0.1:6379 -o pose.sqlite"""

REPORT_HELP = """Make heat maps, tables and one HTML page of a results file.

For example:
  gendr bench report results.sqlite -o report"""


@dataclass(frozen=True)
class BenchShape(SweepCommand):
    """The arguments of `gendr bench shape`; what follows an attribute is its help."""

    protocol: ClassVar[str] = "shape"

    elevations: Annotated[tuple[float, ...], option("DEGREES ...", "-60 -30 0 30 60; quick: 30")] = ()
    """Of the ring of cameras."""
    mesh: Annotated[tuple[str, ...], option("MESH ...", "airplane teapot chair")] = ()
    """Scenes or mesh files."""
    lr: Annotated[tuple[float, ...], option("LR ...", "10^-1.25 10^-1.5 10^-1.75; quick: 10^-1.5")] = ()
    """Adam's learning rates."""
    taus: Annotated[str | None, option("grid|coarse-to-fine|quick|LIST", "grid; quick: quick")] = None
    """Softnesses: 81 from 1 to 1e-8; a search that finds the best of them with a fifth of the runs; seven from 10^-1.5
    to 10^-4.5; or numbers with commas between them."""
    steps: int = 100
    """Of a run."""
    image_size: Annotated[int | None, option("INT", "64; quick: 32")] = None
    """Pixels along a side."""
    views: Annotated[int | None, option("INT", "24; quick: 8")] = None
    """Cameras of a ring."""

    def plan(self, chosen: tuple[Instance, ...]) -> Plan:
        """The runs."""
        is_quick = self.grid == QUICK
        return shape_plan(
            chosen,
            self.mesh or MESHES,
            self.elevations or ((30.0,) if is_quick else (-60.0, -30.0, 0.0, 30.0, 60.0)),
            self.lr or ((10**-1.5,) if is_quick else (10**-1.25, 10**-1.5, 10**-1.75)),
            Taus.from_text(self.taus or (QUICK if is_quick else "grid")),
            self.seeds,
            steps=self.steps,
            image_size=self.image_size if self.image_size is not None else 32 if is_quick else 64,
            views=self.views if self.views is not None else 8 if is_quick else 24,
        )


@dataclass(frozen=True)
class BenchPose(SweepCommand):
    """The arguments of `gendr bench pose`; what follows an attribute is its help."""

    protocol: ClassVar[str] = "pose"

    mesh: Annotated[tuple[str, ...], option("MESH ...", "airplane teapot chair; quick: teapot")] = ()
    """Scenes or mesh files."""
    lr: Annotated[tuple[float, ...], option("LR ...", "0.1 0.3; quick: 0.3")] = ()
    """Adam's learning rates."""
    pairs: Annotated[int | None, option("INT", "600; quick: 20")] = None
    """Problems on each mesh."""
    tau: Annotated[str, tyro.conf.arg(metavar="T|T0:T1")] = "1e-1:1e-7"
    """Softness from the first step to the last."""
    steps: Annotated[int | None, option("INT", "1000; quick: 500")] = None
    """Of a run."""
    image_size: Annotated[int | None, option("INT", "64; quick: 32")] = None
    """Pixels along a side."""

    def plan(self, chosen: tuple[Instance, ...]) -> Plan:
        """The runs."""
        is_quick = self.grid == QUICK
        return pose_plan(
            chosen,
            self.mesh or (("teapot",) if is_quick else MESHES),
            self.lr or ((0.3,) if is_quick else (0.1, 0.3)),
            self.seeds,
            pairs=self.pairs if self.pairs is not None else 20 if is_quick else 600,
            tau=softness(self.tau),
            steps=self.steps if self.steps is not None else 500 if is_quick else 1000,
            image_size=self.image_size if self.image_size is not None else 32 if is_quick else 64,
        )


@dataclass(frozen=True)
class BenchReport:
    """The arguments of `gendr bench report`; what follows an attribute is its help."""

    results: tyro.conf.Positional[Path]
    """Results file of `gendr bench shape` and `gendr bench pose`."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the report; new or empty, unless --overwrite is given."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the report that is in the folder."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from gendr.tools.bench.report import write  # matplotlib takes a second

        console = Console(soft_wrap=True, highlight=False)
        with bad_arguments("gendr bench report"):
            write(self.results, self.out, overwrite=self.overwrite, console=console)
        console.print(f"wrote {self.out / 'index.html'}")
        return 0


PARTS = ("shape", "pose", "report")
"""What follows `gendr bench`."""


@dataclass(frozen=True)
class Bench:
    """The arguments of `gendr bench`."""

    help: ClassVar[str] = HELP

    what: Annotated[
        Annotated[BenchShape, tyro.conf.subcommand("shape", description=SHAPE_HELP)]
        | Annotated[BenchPose, tyro.conf.subcommand("pose", description=POSE_HELP)]
        | Annotated[BenchReport, tyro.conf.subcommand("report", description=REPORT_HELP)],
        tyro.conf.arg(name=""),
    ]

    def run(self) -> int:
        """Do it; returns the exit code."""
        return self.what.run()

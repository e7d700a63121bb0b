"""`gendr train`: trains the network from silhouettes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
import tyro
from rich.console import Console

import gendr
from gendr.tools.arguments import SPEC, bad_arguments, complain
from gendr.tools.interrupt import EXIT_CODE
from gendr.tools.reconstruct.data import opened
from gendr.tools.reconstruct.extra import needs_train
from gendr.tools.reconstruct.settings import Settings
from gendr.tools.training import TrainingProgress

HELP = """Train a network that predicts a mesh from one image, from silhouettes alone.

The folder --out gets log.csv, TensorBoard's curves and panels, and states to go on from. Ctrl-C ends the run after a
step and keeps it (exit code 130); --resume goes on, also after the program was killed. `gendr train eval RUN` measures
a run, `gendr reconstruct IMAGE --run RUN` uses it.

For example:
  gendr train --data data/shapes --model modern --silhouettes 4 --area 0.07 --lr 1e-3:6e-5 --steps 4000 --out out/run
  gendr train --data data/shapes --model modern --lr 1e-3:1e-5 --codes 700 --steps 1200 --out out/quick
  gendr train --data data/shapes --classes chair,table --distribution uniform --tau 1e-2 --out out/furniture
  gendr train --data data/mine --from out/run --model modern --lr 3e-4:1e-5 --steps 1000 --out out/mine
  gendr train --data data/shapes --out out/run --devices 2 --batch 32   (two processes, 64 objects a step)
  torchrun --nproc-per-node 2 -m gendr.cli train --data data/shapes --out out/run --batch 32"""

FAILED = 1
"""Exit code of a run that came to numbers that are not finite."""


@dataclass(frozen=True)
class Train:
    """The arguments of `gendr train`; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    data: Path
    """Folder of images and voxels in the published layout."""
    out: Path
    """Folder of the run; new or empty, unless --resume is given."""
    classes: str = "all"
    """Names or ShapeNet numbers, separated by commas."""
    model: Literal["published", "modern"] = "published"
    """published: three convolutions, octant-wise displacements. modern: ResNet-18, smooth displacements."""
    distribution: Annotated[str, SPEC] = "logistic(squared)"
    """Of the occlusion test; `gendr info` lists them."""
    t_conorm: Annotated[str, SPEC] = "probabilistic"
    """Joins the faces over a pixel; `gendr info` lists them."""
    tau: Annotated[str, tyro.conf.arg(metavar="T|T0:T1")] = "1e-4"
    """Softness: T, and 0.3 T after 60 % of the steps; or from T0 to T1 along a cosine."""
    lr: Annotated[str, tyro.conf.arg(metavar="LR|L0:L1")] = "1e-4"
    """Adam's step size, likewise."""
    steps: int = 250_000
    """Steps in all."""
    batch: int = 64
    """Objects a step, in each process; the network sees two images of each."""
    silhouettes: int = 2
    """In how many views of an object its meshes are compared with it: those of the images, and others at random."""
    laplacian: float = 5e-3
    """Weight of the Laplacian term."""
    flatten: float = 5e-4
    """Weight of the dihedral term."""
    area: float = 0.0
    """Weight of the surface's area; 0.1 draws flat what no silhouette shows."""
    clip: float = 10.0
    """Largest norm of the gradient."""
    augment: tyro.conf.FlagCreatePairsOff[bool] = False
    """Change the images' colours at random, for a network that meets other colours later."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the encoder's arithmetic; bfloat16 is faster where the processor has it."""
    codes: int = 0
    """How many of the steps, the first ones, fit a code to each object's silhouettes; the encoder then learns to tell
    the codes' meshes from an image. 0: encoder and decoder learn together, from the silhouettes."""
    seed: int = 0
    """Of weights and batches."""
    begin: Annotated[Path | None, tyro.conf.arg(name="from", metavar="RUN")] = None
    """Begin with the weights of another run, on whatever data, with schedules from their start; default: fresh ones."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go on with the run in --out."""
    every: int = 20
    """Steps from one line of figures to the next."""
    save_every: int = 200
    """Steps from one state to the next."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs."""
    devices: int = 1
    """Processes on this machine, each with its batch."""
    num_nodes: int = 1
    """Machines, each started with NODE_RANK, MASTER_ADDR and MASTER_PORT set; torchrun sets all of it itself."""
    threads: int | None = None
    """Threads of a process; default: torch's own choice."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("gendr train"), needs_train("gendr train"):
            for name in ("every", "save_every", "devices", "num_nodes"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
            use_threads(self.threads)
            return self._train()

    def _train(self) -> int:
        from gendr.tools.reconstruct.predict import load_run
        from gendr.tools.reconstruct.run import NotFinite, Run, checked_state
        from gendr.tools.reconstruct.train import train

        data = opened(self.data, self.classes, "train", each=True)
        settings = self._settings(tuple(data.classes), tuple(data.counts))
        checked_state(self.out, settings, resume=self.resume)
        trained = None if self.begin is None else load_run(self.begin)
        if trained is not None and trained.settings.model != self.model:
            raise ValueError(f"from: expected a run of the {self.model} network, got one of {trained.settings.model}")
        fabric = launched(self.accelerator, self.devices, self.num_nodes, idle=self.codes > 0)
        run = Run(self.out, settings, data, fabric, resume=self.resume)
        if trained is not None and run.step == 0:
            run.begin_with(trained.network)
            run.figures["from"] = f"{self.begin}, step {trained.step}"
        console = Console(soft_wrap=True, highlight=False, quiet=not fabric.is_global_zero)
        console.print(_heading(run))
        before = run.figures.get("data", str(self.data))
        if before != str(self.data):
            console.print(f"note: until step {run.step} the data were {before}", markup=False)
        run.figures["data"] = str(self.data)
        try:
            with gendr.threads_for_kernels(), TrainingProgress(settings.steps, console) as progress:
                done = train(run, every=self.every, save_every=self.save_every, show=progress.show)
        except NotFinite as error:
            complain("gendr train", f"{error} (the newest state in {self.out} is as it was)")
            return FAILED
        console.print(f"{run.step} steps in {run.figures['seconds']:.0f} CPU seconds a process; wrote {self.out}")
        return 0 if done else EXIT_CODE

    def _settings(self, classes: tuple[str, ...], counts: tuple[int, ...]) -> Settings:
        return Settings(
            classes=classes,
            counts=counts,
            model=self.model,
            distribution=self.distribution,
            t_conorm=self.t_conorm,
            tau=self.tau,
            lr=self.lr,
            steps=self.steps,
            batch=self.batch * processes(self.devices, self.num_nodes),
            silhouettes=self.silhouettes,
            laplacian=self.laplacian,
            flatten=self.flatten,
            area=self.area,
            clip=self.clip,
            augment=self.augment,
            precision=self.precision,
            codes=self.codes,
            seed=self.seed,
        )


def processes(devices: int, num_nodes: int) -> int:
    """How many processes take part: torchrun's number where it started this one, else `devices * num_nodes`.

    >>> processes(2, 3)
    6
    """
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else devices * num_nodes


def use_threads(threads: int | None) -> None:
    """Tell torch how many threads to use; None leaves it its own choice.

    Raises:
        ValueError: less than one.

    >>> use_threads(0)
    Traceback (most recent call last):
    ValueError: threads: expected at least 1, got 0
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads: expected at least 1, got {threads}")
    if threads is not None:
        torch.set_num_threads(threads)


def launched(accelerator: str, devices: int, num_nodes: int, *, idle: bool = False) -> Any:
    """A `lightning_fabric.Fabric` whose processes run, this one among them.

    Args:
        accelerator: as `--accelerator`.
        devices: as `--devices`.
        num_nodes: as `--num-nodes`.
        idle: whether some weights take no part in some steps, which the processes must then find out.

    Raises:
        ValueError: the machine has no such accelerator, or too few of them.

    >>> launched("cpu", 1, 1).world_size
    1
    """
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy
    from lightning_fabric.utilities.exceptions import MisconfigurationException

    if "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        num_nodes = processes(devices, num_nodes) // devices
    strategy = DDPStrategy(find_unused_parameters=idle) if devices * num_nodes > 1 else "auto"
    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, num_nodes=num_nodes, strategy=strategy)
    except (RuntimeError, MisconfigurationException) as error:
        raise ValueError(f"accelerator: {error}") from None
    fabric.launch()
    return fabric


def _heading(run: Any) -> str:
    settings: Settings = run.settings
    weights = sum(weights.numel() for weights in run.network.parameters())
    codes = f", the first {settings.codes} of them for the objects' codes" if settings.codes else ""
    begin = f", from step {run.step}" if run.step else f", from {run.figures['from']}" if "from" in run.figures else ""
    return (
        f"{len(settings.classes)} classes, {sum(settings.counts)} objects; "
        f"{settings.model} network, {weights:,} weights\n"
        f"{settings.distribution}, {settings.t_conorm}, tau {settings.tau}, lr {settings.lr}, batch {settings.batch}, "
        f"{settings.steps} steps{codes}{begin}"
    )

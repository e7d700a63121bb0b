"""The command that builds a data set for single-view reconstruction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from gendr.tools.arguments import bad_arguments, complain
from gendr.tools.child_process import cores
from gendr.tools.interrupt import EXIT_CODE, Interrupt
from gendr.tools.shapes.build import Build
from gendr.tools.shapes.categories import SPLITS
from gendr.tools.shapes.contact import contact_sheet
from gendr.tools.shapes.source import folder, procedural
from gendr.tools.training import TrainingProgress

CONTACT = "contact.png"


@dataclass(frozen=True)
class Shapes:
    """Build a data set of pictures and voxels, in the layout that SoftRas, NMR and GenDR train on.

    Of things made by chance in 13 classes, or of your own meshes in FOLDER/CLASS/NAME.obj (.off, .ply, .stl, .glb).
    Each object gets 24 pictures, 64x64, from all around at elevation 30, and 32^3 voxels. The same command goes on
    where it was interrupted. Examples:

        python -m gendr.tools.shapes data/things

        python -m gendr.tools.shapes data/few --classes chair,table --train 20 --val 0 --test 5

        python -m gendr.tools.shapes data/mine --meshes meshes --split test
    """

    out: tyro.conf.Positional[Path]
    """Folder of the data set; new, or begun by the same command."""
    meshes: Path | None = None
    """Folder with a folder of meshes for each class; their fronts face +z, y is up."""
    classes: Annotated[str, tyro.conf.arg(metavar="LIST")] = "all"
    """Names separated by commas, or all."""
    train: int = 250
    """Things a class to train on."""
    val: int = 25
    """Things a class to choose settings with."""
    test: int = 50
    """Things a class to test on."""
    split: str = "auto"
    """With --meshes: auto (every fifth of a class is test, the others train), or the one split for all."""
    seed: int = 0
    """Of the things; another seed, other things."""
    workers: int = 0
    """Processes; 0: one for each core."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("shapes"):
            if self.workers < 0:
                raise ValueError(f"workers: expected at least 0, got {self.workers}")
            if self.meshes is None:
                source = procedural(self.classes, (self.train, self.val, self.test), self.seed)
            else:
                source = folder(self.meshes, self.classes, self.split)
            build = Build(self.out, source)
        if not self._build(build):
            complain("shapes", f"interrupted; the same command goes on from {build.objects[0]} objects")
            return EXIT_CODE
        for wrong in build.left_out:
            complain("shapes", f"left out: {wrong}")
        drawn = next((page for split in SPLITS if (page := contact_sheet(self.out, split)) is not None), None)
        if drawn is not None:
            drawn.save(self.out / CONTACT)
        print(f"{build.objects[1] - len(build.left_out)} objects in {self.out}" + (f", see {CONTACT}" if drawn else ""))
        return 0

    def _build(self, build: Build) -> bool:
        done, every = build.objects
        with Interrupt() as interrupt, TrainingProgress(every, Console(stderr=True)) as progress:
            progress.show(done)
            for _ in build.run(self.workers or cores()):
                progress.show(build.objects[0])
                if interrupt.seen:
                    return False
        return True


def main(args: list[str] | None = None) -> int:
    """Run the command; returns its exit code.

    >>> main(["data", "--classes", "unicorn"])
    Traceback (most recent call last):
    SystemExit: 2
    """
    return tyro.cli(Shapes, args=args, prog="python -m gendr.tools.shapes").run()

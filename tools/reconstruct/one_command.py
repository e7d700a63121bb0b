"""`gendr reconstruct`: one picture to a mesh."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from gendr import _check
from gendr.tools.arguments import bad_arguments
from gendr.tools.reconstruct.extra import needs_train
from gendr.tools.reconstruct.image import read_image
from gendr.tools.reconstruct.predict import load_run
from gendr.tools.reconstruct.refine import Refiner

HELP = """Predict a mesh from one picture, with a network that gendr train has trained.

The picture shows one object, seen from 30 degrees above, with its silhouette as alpha channel or in --mask. The mesh
is written upright, y up, in the frame of the training objects, whatever direction the picture was taken from.

For example:
  gendr reconstruct chair.png --run out/run -o chair.obj
  gendr reconstruct photo.jpg --mask mask.png --run out/run -o chair.glb
  gendr reconstruct chair.png --run out/run --refine 30 -o chair.obj"""


@dataclass(frozen=True)
class Reconstruct:
    """The arguments of `gendr reconstruct`; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    image: tyro.conf.Positional[Path]
    """The picture; of another size than 64x64 it is resized, with a note."""
    trained: Annotated[Path, tyro.conf.arg(name="run")]
    """Folder of the run."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The mesh file to write: .obj, .off, .ply, .stl or .glb."""
    mask: Path | None = None
    """The silhouette, white where the object is, for pictures without alpha channel."""
    refine: int = 0
    """Steps of a descent on the picture's silhouette, from the prediction; 30 are enough."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the file when it is there."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("gendr reconstruct"), needs_train("gendr reconstruct"):
            if self.out.exists() and not self.overwrite:
                _check.fail("out", "a new file, or --overwrite to replace it", str(self.out))
            picture, note = read_image(self.image, self.mask)
            trained = load_run(self.trained)
            if note is not None:
                print(f"gendr reconstruct: note: {self.image}: {note}", file=sys.stderr)
            mesh = trained.network.mesh(Refiner(trained, self.refine).vertices(picture[None])[0])
            mesh.save(self.out)
        print(f"wrote {self.out}: {mesh.n_vertices} vertices, {mesh.n_faces} faces")
        return 0

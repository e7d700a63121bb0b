"""`gendr pose`: from which cameras a mesh looks like given masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro
from rich.console import Console

from gendr import _check, threads_for_kernels
from gendr.render import Mesh
from gendr.render.formats import FORMATS
from gendr.scenes import SCENES
from gendr.tools.arguments import bad_arguments, option
from gendr.tools.interrupt import EXIT_CODE, Interrupt
from gendr.tools.pose.finding import ANYWHERE_STARTS, NEAR_STARTS
from gendr.tools.pose.guess import Guesses, load_views
from gendr.tools.pose.masks import mask_files, read_mask
from gendr.tools.pose.progress import PoseProgress
from gendr.tools.pose.results import Results

HELP = """Find the cameras from which a mesh looks like masks: its silhouettes, in one image or a folder of them.

What a mask says is its alpha channel, or its brightness where it has none (white is the object); pixels above one half
are covered. Without a guess the whole sphere is searched. Ctrl-C ends after the image at hand, and the same command
goes on with those that are missing.

For example:
  gendr pose --mesh bunny.obj --image mask.png --out out/bunny
  gendr pose --mesh bunny.obj --image masks/ --half-angle 20 --out out/bunny     (the lens is known)
  gendr pose --mesh car.obj --image masks/ --camera cameras.json --near --out out/car
  gendr pose --mesh teapot --image mask.png --azimuth 30 --elevation 20 --out out/teapot"""


@dataclass(frozen=True)
class Pose:
    """The arguments of `gendr pose`; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    mesh: str
    """A mesh file, in whose units and axes the poses are, or a built-in scene."""
    image: Path
    """A mask, or a folder of masks of any sizes."""
    out: Path
    """Folder for the results: new, empty, or that of the same command begun before."""
    half_angle: Annotated[float | None, option("DEGREES", "unknown, and searched for")] = None
    """Half the angle of view over the image's height."""
    camera: Annotated[Path | None, option("FILE", "none")] = None
    """cameras.json, or a folder of COLMAP's text files: intrinsics by image name, or one view for all images."""
    near: tyro.conf.FlagCreatePairsOff[bool] = False
    """Poses in --camera are about right too."""
    azimuth: Annotated[float | None, option("DEGREES", "anywhere; 0 with --elevation")] = None
    """About where the object is seen from: 180 is the front (+z), 90 the right (+x). Within 75 degrees is searched."""
    elevation: Annotated[float | None, option("DEGREES", "anywhere; 0 with --azimuth")] = None
    """Likewise: 90 is from above."""
    starts: Annotated[int | None, option("INT", f"{NEAR_STARTS} near a guess, {ANYWHERE_STARTS} anywhere")] = None
    """Poses that are refined; doubled while a mask is not explained and there is time."""
    budget: float = 20.0
    """Seconds for an image, after which no further search begins."""
    dark: tyro.conf.FlagCreatePairsOff[bool] = False
    """Objects are dark on bright ground."""
    mirrored: tyro.conf.FlagCreatePairsOff[bool] = False
    """The masks are mirror images, as those of `gendr render` and `Camera.look_at` are."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Begin anew where the folder holds poses."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("gendr pose"):
            self._check_numbers()
            mesh = _load(self.mesh)
            files = mask_files(self.image)
            for file in files:  # before anything is written, all of them
                read_mask(file, is_dark=self.dark)
            guesses = self._guesses(mesh)
            for file in files:
                guesses.of(file.name)
            results = Results.at(self.out, self._settings(mesh, files), overwrite=self.overwrite)
        console = Console(soft_wrap=True, highlight=False)
        missing = [file for file in files if not results.has(file.name)]
        with threads_for_kernels(), bad_arguments("gendr pose"), Interrupt() as interrupt:
            with PoseProgress(len(files), console) as progress:
                progress.begin(len(files) - len(missing))
                for file in missing:
                    mask = read_mask(file, is_dark=self.dark)
                    progress.show(results.add(file, mesh, mask, guesses.of(file.name), self.starts, self.budget))
                    if interrupt.seen:
                        break
            console.print(results.conclude(mesh, [file.name for file in files]))
        return EXIT_CODE if interrupt.seen else 0

    def _check_numbers(self) -> None:
        if self.half_angle is not None:
            _check.number("half-angle", self.half_angle, 0.0, 85.0, open_low=True)
        if self.starts is not None:
            _check.number("starts", self.starts, 1, 10_000)
        _check.number("budget", self.budget, 0.0)
        for name in ("azimuth", "elevation"):
            if getattr(self, name) is not None:
                _check.number(name, getattr(self, name), -360.0, 360.0)
        if self.camera is not None and self.half_angle is not None:
            _check.fail("half-angle", "none with --camera, which has the lens", f"{self.half_angle:g}")
        if self.near and self.camera is None:
            _check.fail("near", "a --camera whose poses are about right", "none")

    def _guesses(self, mesh: Mesh) -> Guesses:
        is_guessed = self.azimuth is not None or self.elevation is not None
        return Guesses(
            mesh,
            self.half_angle,
            (self.azimuth or 0.0, self.elevation or 0.0) if is_guessed else None,
            None if self.camera is None else load_views(self.camera),
            self.near,
            self.mirrored,
        )

    def _settings(self, mesh: Mesh, files: list[Path]) -> dict[str, object]:
        """What decides the results: a folder of others is not gone on with."""
        names = ("half_angle", "near", "azimuth", "elevation", "starts", "budget", "dark", "mirrored")
        camera = None if self.camera is None else str(self.camera)
        size = [mesh.n_vertices, mesh.n_faces]
        return {
            "mesh": self.mesh,
            "vertices_and_faces": size,
            "image": str(self.image),
            "camera": camera,
            **{name: getattr(self, name) for name in names},
        }


def _load(name: str) -> Mesh:
    """As it is: poses are in the mesh's own units.

    Raises:
        ValueError: there is no such file or scene, it cannot be read, or it has no faces or infinite coordinates.
    """
    if Path(name).suffix.lower() in FORMATS or Path(name).is_file():
        mesh = Mesh.load(name)
    elif name in SCENES:
        mesh = SCENES[name]()
    else:
        _check.fail("mesh", f"a mesh file ({' '.join(FORMATS)}) or one of {', '.join(SCENES)}", repr(name))
    if not mesh.n_faces or not bool(mesh.vertices.isfinite().all()):
        _check.fail(name, "a mesh with faces and finite coordinates", "another")
    return mesh

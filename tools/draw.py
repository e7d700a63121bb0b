"""`gendr render`: a mesh from one view, as silhouette, in colour, or as normals or depth."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

import torch
import tyro
from PIL import Image
from torch.nn.functional import avg_pool2d

from gendr import _check, distributions, tnorms
from gendr.distributions import Heaviside
from gendr.render import AmbientLight, BlendStage, Camera, DirectionalLight, Mesh, RasterStage, Renderer
from gendr.tnorms import Maximum
from gendr.tools.arguments import SPEC, bad_arguments, option
from gendr.tools.fit.target import load_shape

VIEWS = {
    "front": (180.0, 0.0),
    "back": (0.0, 0.0),
    "right": (90.0, 0.0),
    "left": (270.0, 0.0),
    "top": (0.0, 90.0),
    "bottom": (0.0, -90.0),
    "three-quarter": (145.0, 25.0),
}
"""Azimuth and elevation: front looks at the side that faces +z, right at the one that faces +x, top at +y."""

SHOWS = ("silhouette", "color", "normal", "depth")
SAMPLES = 4  # per pixel and direction
MAX_SIZE = 8192
NEAR, FAR = 1e-3, 1e6

HELP = """Draw a mesh: its silhouette (white where it covers, grey where it is soft, on black), or what --show names.

For example:
  gendr render airplane -o airplane.png
  gendr render spot.obj -o spot.png --show color
  gendr render bunny.obj -o bunny.png --view front --image-size 512
  gendr render teapot -o soft.png --azimuth 60 --elevation 20 --tau 0.02"""


@dataclass(frozen=True)
class Render:
    """The arguments of `gendr render`; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    mesh: tyro.conf.Positional[str]
    """A mesh file, or a built-in scene (airplane, teapot); made to be seen whole when it is not."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The image file to write, e.g. out.png; an existing one is replaced."""
    show: str = "silhouette"
    """silhouette; color, lit from the upper left; normal, x, y, z as red, green, blue; or depth, near is bright."""
    view: str = "three-quarter"
    """front (from +z), back, left, right (from +x), top, bottom or three-quarter."""
    azimuth: Annotated[float | None, option("DEGREES", "the view's")] = None
    """180 is the front, 90 the right."""
    elevation: Annotated[float | None, option("DEGREES", "the view's")] = None
    """90 is from above."""
    distance: float = 2.732
    """From the eye to the origin."""
    fov: float = 30.0
    """Full angle of view in degrees."""
    image_size: int = 256
    """Rows and columns of pixels."""
    distribution: Annotated[str | None, option("SPEC", "sharp and antialiased; logistic with --tau")] = None
    """Of the occlusion test; `gendr info` lists them."""
    t_conorm: Annotated[str, SPEC] = "probabilistic"
    """Joins the faces over a pixel; `gendr info` lists them."""
    tau: Annotated[float | None, option("T", "a quarter of a pixel")] = None
    """Softness in half image heights."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("gendr render"):
            write_image(self.out, self._image())
        print(f"wrote {self.out}")
        return 0

    def _image(self) -> torch.Tensor:
        _check.choice("show", self.show, SHOWS)
        azimuth, elevation = VIEWS[_check.choice("view", self.view, list(VIEWS))]
        _check.number("image-size", self.image_size, 1, MAX_SIZE)
        camera = Camera.look_at(
            self.distance,
            elevation if self.elevation is None else self.elevation,
            azimuth if self.azimuth is None else self.azimuth,
            fov=self.fov,
        )
        t_conorm = tnorms.from_spec(self.t_conorm)
        if self.distribution is None and self.tau is None:
            # Sharp: soft faces would show the seams between them. Several samples per pixel smooth the outline.
            samples = max(1, min(SAMPLES, MAX_SIZE // self.image_size))
            renderer = Renderer(self.image_size * samples, Heaviside(), 1.0, Maximum(), RasterStage(NEAR, FAR))
        else:
            samples, distribution = 1, distributions.from_spec(self.distribution or "logistic")
            length = 0.5 / self.image_size
            tau = self.tau if self.tau is not None else length**2 if distribution.is_squared else length
            _check.number("tau", tau, 1e-30, 1e30)
            renderer = Renderer(self.image_size, distribution, tau, t_conorm, RasterStage(NEAR, FAR))
        mesh, _scale = load_shape(self.mesh)
        if self.show == "silhouette":
            return avg_pool2d(renderer(mesh, camera).alpha, samples)[0]
        # look_at's views are mirrored, which silhouettes forgive and letters do not.
        image = _picture(self.show, replace(renderer, blend=BlendStage("hard")), mesh, camera.mirrored())
        return avg_pool2d(image, samples)[0]


def _picture(show: str, renderer: Renderer, mesh: Mesh, camera: Camera) -> torch.Tensor:
    """[1, 3, H, W] or [1, H, W], in [0, 1]."""
    if show == "color":
        upper_left = torch.tensor([-0.5, 1.0, -1.0], dtype=camera.rotation.dtype) @ camera.rotation[0]
        lights = [AmbientLight(0.4), DirectionalLight(upper_left.to(mesh.vertices), 0.65)]
        return renderer(mesh, camera, lights, ["rgb"]).rgb  # type: ignore[return-value]
    out = renderer(mesh, camera, outputs=[show])
    if out.normal is not None:
        return (out.normal / 2 + 0.5) * out.alpha[:, None]
    depth = out.depth if out.depth is not None else out.alpha
    seen = out.alpha > 0.5
    low, high = (depth[seen].min(), depth[seen].max()) if bool(seen.any()) else (depth.min(), depth.max())
    return torch.where(seen, 1 - 0.8 * (depth - low) / (high - low).clamp_min(1e-6), 0)


def write_image(path: Path, image: torch.Tensor) -> None:
    """Write values in [0, 1], [H, W] in grey or [3, H, W] in colour; the file appears whole or not at all.

    Raises:
        ValueError: the suffix names no image format.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(Path(folder, "mask.png"), torch.eye(4))
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['mask.png']
    """
    formats = {suffix: kind for suffix, kind in Image.registered_extensions().items() if kind in Image.SAVE}
    suffix = path.suffix.lower()
    if suffix not in formats:
        _check.fail("out", "an image file such as out.png", repr(str(path)))
    rows = image if image.ndim == 2 else image.movedim(0, -1)
    picture = Image.fromarray((rows.clamp(0.0, 1.0) * 255.0 + 0.5).byte().numpy())
    stage = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        picture.save(stage, format=formats[suffix])
        os.replace(stage, path)
    finally:
        stage.unlink(missing_ok=True)

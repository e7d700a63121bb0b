"""The moving picture of a fit: target and shape side by side, turning, from the first step to the last."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gendr.render import Camera
from gendr.tools.fit.optimise import FitResult, Step
from gendr.tools.fit.pictures import INK, font
from gendr.tools.fit.shading import PAPER, shaded
from gendr.tools.fit.target import Target
from gendr.tools.fit.views import close_up, ring

SIDE = 240
CAPTION = 28
OPTIMISING, TURNING = 40, 24  # frames
MILLISECONDS = 70
GREY = (150, 150, 150)


class Recorder:
    """Keeps the shapes of about `frames` steps, closer together at the beginning, where more happens.

    >>> recorder = Recorder(steps=100, frames=5)
    >>> [step for step in range(100) if recorder.wants(step)]
    [0, 5, 22, 53, 99]
    """

    def __init__(self, steps: int, frames: int = OPTIMISING) -> None:
        last = max(frames - 1, 1)
        self._wanted = {round((steps - 1) * (frame / last) ** 2.2) for frame in range(frames)}
        self.shapes: list[tuple[Step, Tensor]] = []

    def wants(self, index: int) -> bool:
        """Whether the step with this index becomes a frame."""
        return index in self._wanted

    def __call__(self, step: Step, vertices: Tensor) -> None:
        """Keep the step if it is wanted."""
        if self.wants(step.index):
            self.shapes.append((step, vertices))


def save_animation(path: Path, target: Target, result: FitResult, recorder: Recorder) -> None:
    """Write the GIF: the optimisation while the camera turns once, then the best shape for another turn."""
    shapes = [*recorder.shapes, *[(result.best, result.mesh.vertices)] * TURNING]
    camera, indices = _turntable(target, len(recorder.shapes))
    if target.mesh is not None:
        camera = close_up(camera, [target.mesh, result.start, result.mesh])
    frames = []
    for frame, (step, vertices) in enumerate(shapes):
        text = f"step {step.index + 1}    IoU {step.hard_iou:.3f}"
        view = camera[frame]
        left = _target_frame(target, view, indices[frame])
        frames.append(_frame(left, shaded(result.mesh.with_vertices(vertices), view, SIDE), text))
    # One palette for all: without it Pillow looks for one per frame, and the colours flicker.
    palette = _with_white(frames[-1].quantize(64))
    first, *rest = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=MILLISECONDS, loop=0)


def _with_white(palette: Image.Image) -> Image.Image:
    """Quantising averages: make what is nearly the paper's colour the paper's again."""
    colours = palette.getpalette() or []
    for index in range(0, len(colours), 3):
        if min(colours[index : index + 3]) >= 245:
            colours[index : index + 3] = list(PAPER)
    palette.putpalette(colours)
    return palette


def _turntable(target: Target, optimising: int) -> tuple[Camera, list[int]]:
    """A view for every frame: a smooth turn about a mesh; for masks, their own views one after the other."""
    frames = optimising + TURNING
    if target.mesh is None:
        indices = [frame % len(target.camera) for frame in range(frames)]
        return target.camera[torch.tensor(indices)], indices
    elevation = float(torch.rad2deg(torch.asin(target.camera.eye[0, 1] / target.camera.eye[0].norm())))
    turns = [ring(count, elevation) for count in (optimising, TURNING) if count]
    return Camera.cat(turns), [0] * frames


def _target_frame(target: Target, view: Camera, index: int) -> Image.Image:
    if target.mesh is not None:
        return shaded(target.mesh, view, SIDE, GREY)
    mask = target.alpha[index]
    columns = max(1, round(SIDE * mask.shape[1] / mask.shape[0]))
    grey = (255.0 - 105.0 * mask).byte().numpy()
    image = Image.new("RGB", (SIDE, SIDE), PAPER)
    image.paste(Image.fromarray(grey).resize((columns, SIDE)), ((SIDE - columns) // 2, 0))
    return image


def _frame(left: Image.Image, right: Image.Image, text: str) -> Image.Image:
    image = Image.new("RGB", (2 * SIDE, SIDE + CAPTION), PAPER)
    image.paste(left, (0, 0))
    image.paste(right, (SIDE, 0))
    draw = ImageDraw.Draw(image)
    draw.text((SIDE // 2, SIDE + CAPTION // 2), "target", INK, font(14), anchor="mm")
    draw.text((SIDE + SIDE // 2, SIDE + CAPTION // 2), text, INK, font(14), anchor="mm")
    return image

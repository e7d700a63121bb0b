"""Draw docs/images/camera_axes.svg, the axes of `Camera.look_at`, with the camera itself doing the projection.

Run `python docs/images/camera_axes.py`; the same picture comes out every time.
"""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from gendr.render.camera import Camera

STYLE = {"svg.fonttype": "none", "svg.hashsalt": "gendr", "font.family": "sans-serif", "font.size": 11}
WORLD, CAMERA, ANGLE, FAINT = "#444444", "#c0392b", "#1f6fb2", "#b8b8b8"
E, A, D = 30.0, 40.0, 2.732
SHOWN = Camera.look_at(D, E, A)
VIEWER = Camera.look_at(9.0, 22.0, -24.0, at=(0.5, 0.6, -0.8), projection="orthographic")

Point = tuple[float, float, float]


def paper(*points: Point) -> tuple[list[float], list[float]]:
    """Where points of the world lie on the page."""
    image = VIEWER.project(torch.tensor(points, dtype=torch.float64))[0]
    return image[:, 0].tolist(), image[:, 1].tolist()


def line(axes: Axes, *points: Point, color: str, **style: object) -> None:
    """A polyline through the world."""
    axes.plot(*paper(*points), color=color, solid_capstyle="round", **style)


def arrow(axes: Axes, start: Point, end: Point, label: str, color: str, offset: tuple[float, float]) -> None:
    """An arrow with a label at its head, moved by `offset` points."""
    xs, ys = paper(start, end)
    style = {"arrowstyle": "-|>", "color": color, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (xs[1], ys[1]), (xs[0], ys[0]), arrowprops=style)
    axes.update_datalim(list(zip(xs, ys, strict=True)))  # annotations do not widen the page by themselves
    text(axes, end, label, color, offset)


def text(axes: Axes, point: Point, label: str, color: str, offset: tuple[float, float] = (0, 0)) -> None:
    """A label at a point of the world."""
    xs, ys = paper(point)
    axes.annotate(label, (xs[0], ys[0]), offset, textcoords="offset points", color=color, ha="center", va="center")


def along(origin: Point, direction: torch.Tensor, length: float) -> Point:
    """`origin + length * direction`."""
    x, y, z = (o + length * d for o, d in zip(origin, direction.tolist(), strict=True))
    return x, y, z


def draw_scene(axes: Axes) -> None:
    """World axes, eye, its angles and its own axes."""
    origin: Point = (0.0, 0.0, 0.0)
    x, y, z = SHOWN.eye[0].tolist()
    eye, foot = (x, y, z), (x, 0.0, z)
    for end, label, offset in (((1.3, 0, 0), "x", (9, 0)), ((0, 1.3, 0), "y (up)", (0, 9)), ((0, 0, 1.3), "z", (6, 7))):
        arrow(axes, origin, end, label, WORLD, offset)
    line(axes, origin, (0, 0, -2.5), color=WORLD, lw=1, ls=(0, (4, 3)))
    text(axes, (0, 0, -2.5), "A = 0, E = 0", WORLD, (-2, -11))
    line(axes, origin, foot, color=FAINT, lw=1)
    line(axes, foot, eye, color=FAINT, lw=1)
    line(axes, origin, eye, color=ANGLE, lw=1.4)
    text(axes, (0.55 * x, 0.55 * y, 0.55 * z), "d", ANGLE, (-6, 11))

    steps = [i / 40 for i in range(41)]
    arc = [(1.1 * math.sin(math.radians(A * t)), 0.0, -1.1 * math.cos(math.radians(A * t))) for t in steps]
    line(axes, *arc, color=ANGLE, lw=1.4)
    text(axes, arc[20], "A", ANGLE, (2, -11))
    tilts = [Camera.look_at(0.95, E * t, A).eye[0].tolist() for t in steps]
    line(axes, *[(p[0], p[1], p[2]) for p in tilts], color=ANGLE, lw=1.4)
    text(axes, (tilts[20][0], tilts[20][1], tilts[20][2]), "E", ANGLE, (11, 1))

    for axis, length, label, offset in zip(
        SHOWN.rotation[0],
        (0.75, 0.75, 0.75),
        ("x = up × z", "y = z × x", "z = forward"),
        ((38, 4), (0, 9), (36, -10)),
        strict=True,
    ):
        arrow(axes, eye, along(eye, axis, length), label, CAMERA, offset)
    axes.plot(*paper(eye), "o", color=CAMERA, ms=6)
    text(axes, eye, "eye", CAMERA, (17, -7))
    axes.plot(*paper(origin), "o", color=WORLD, ms=5)
    text(axes, origin, "at", WORLD, (10, -9))
    axes.set_title("the world, seen from outside", fontsize=11)


def draw_image(axes: Axes) -> None:
    """The image with its NDC, and the world's axes in it as the camera sees them."""
    axes.add_patch(Rectangle((-1, -1), 2, 2, fill=False, ec=CAMERA, lw=1.4))
    style = {"arrowstyle": "-|>", "color": CAMERA, "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
    for end, label, x, y in (((1.25, 0), "x", 1.33, 0), ((0, 1.25), "y", 0.09, 1.27)):
        axes.annotate("", end, (0, 0), arrowprops=style)
        axes.text(x, y, label, color=CAMERA, ha="center", va="center")
    for x, y, label in (
        (-1.0, -1.12, "(-1, -1)"),
        (1.0, 1.12, "(1, 1)"),
        (1.0, -1.12, "(1, -1)"),
        (-1.0, 1.12, "(-1, 1)"),
    ):
        axes.text(x, y, label, color=CAMERA, ha="center", va="center", fontsize=9)
    size = 0.5
    ends = SHOWN.project(size * torch.eye(3, dtype=torch.float64))[0].tolist()
    style = {"arrowstyle": "-|>", "color": WORLD, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    for (u, v, _), label in zip(ends, "xyz", strict=True):
        axes.annotate("", (u, v), (0, 0), arrowprops=style)
        axes.text(u + 0.09 * (1 if u > 0 else -1), v + 0.05, label, color=WORLD, ha="center", va="center")
    axes.set_title("its image: NDC, and the world's axes in it", fontsize=11)
    axes.text(0, -1.35, "pixel (row 0, column 0) is at the upper left", color=WORLD, ha="center", fontsize=9)


def main() -> None:
    """Draw and save."""
    plt.rcParams.update(STYLE)
    figure, (scene, image) = plt.subplots(1, 2, figsize=(10, 4.8), width_ratios=(1.45, 1), layout="constrained")
    draw_scene(scene)
    draw_image(image)
    for axes in (scene, image):
        axes.set_aspect("equal")
        axes.margins(0.06)
        axes.autoscale_view()
        axes.axis("off")
    image.set_xlim(-1.45, 1.45)
    image.set_ylim(-1.5, 1.45)
    path = Path(__file__).with_suffix(".svg")
    figure.savefig(path, metadata={"Date": None, "Creator": "docs/images/camera_axes.py"}, facecolor="white")


if __name__ == "__main__":
    main()

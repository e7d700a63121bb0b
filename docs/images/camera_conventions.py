"""Draw docs/images/camera_conventions.svg: the axes and the image coordinates of each system, all of one camera.

Run `python docs/images/camera_conventions.py`; the same picture comes out every time.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

STYLE = {"svg.fonttype": "none", "svg.hashsalt": "gendr", "font.family": "sans-serif", "font.size": 10}
COLOURS = {"x": "#c0392b", "y": "#27863f", "z": "#1f6fb2"}
FAINT, INK = "#b8b8b8", "#444444"
RIGHT, UP, FORWARD = (1.0, 0.0), (0.0, 1.0), (0.62, 0.38)  # how space lies on the page: seen from behind the camera
COLUMNS, ROWS = 6, 4

# Axes as right, up and forward parts; then the image's two axes and its corners' coordinates.
SYSTEMS = {
    "gendr": (((1, 0, 0), (0, 1, 0), (0, 0, 1)), ("middle", 1, 1), ("-W/H, 1", "W/H, -1")),
    "OpenCV": (((1, 0, 0), (0, -1, 0), (0, 0, 1)), ("pixel", 1, -1), ("-0.5, -0.5", "W-0.5, H-0.5")),
    "COLMAP": (((1, 0, 0), (0, -1, 0), (0, 0, 1)), ("corner", 1, -1), ("0, 0", "W, H")),
    "OpenGL, Blender": (((1, 0, 0), (0, 1, 0), (0, 0, -1)), ("middle", 1, 1), ("-1, 1", "1, -1")),
    "PyTorch3D": (((-1, 0, 0), (0, 1, 0), (0, 0, 1)), ("middle", -1, 1), ("W/s, H/s", "-W/s, -H/s")),
}

Point = tuple[float, float]


def paper(right: float, up: float, forward: float) -> Point:
    """Where a point of space lies on the page."""
    x, y = (right * r + up * u + forward * f for r, u, f in zip(RIGHT, UP, FORWARD, strict=True))
    return x, y


def arrow(axes: Axes, start: Point, end: Point, label: str, colour: str) -> None:
    """An arrow with its name a little beyond its head."""
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=style)
    x, y = (s + 1.16 * (e - s) for s, e in zip(start, end, strict=True))
    axes.text(x, y, label, color=colour, ha="center", va="center")


def draw_axes(axes: Axes, name: str) -> None:
    """The camera looking away from us, and its axes."""
    corners = [paper(r, u, 1.5) for r, u in ((-0.75, -0.5), (0.75, -0.5), (0.75, 0.5), (-0.75, 0.5))]
    axes.add_patch(Polygon(corners, closed=True, fc="#f4f4f4", ec=FAINT))
    for corner in corners:
        axes.plot([0, corner[0]], [0, corner[1]], color=FAINT, lw=0.8)
    for axis, direction in zip("xyz", SYSTEMS[name][0], strict=True):
        arrow(axes, (0.0, 0.0), paper(*(float(part) for part in direction)), axis, COLOURS[axis])
    axes.plot(0, 0, "o", color=INK, ms=4)
    axes.set_title(name, fontsize=11)
    axes.set(xlim=(-1.4, 2.0), ylim=(-1.35, 1.35))


def draw_image(axes: Axes, name: str) -> None:
    """The image's pixels, the origin and the directions of its coordinates, and the coordinates of two corners."""
    (origin, right, up), (first, last) = SYSTEMS[name][1:]
    axes.hlines(range(1, ROWS), 0, COLUMNS, color="#dddddd", lw=0.6)
    axes.vlines(range(1, COLUMNS), 0, ROWS, color="#dddddd", lw=0.6)
    axes.add_patch(Rectangle((0, 0), COLUMNS, ROWS, fill=False, ec=INK, lw=1.2))
    start = {"middle": (COLUMNS / 2, ROWS / 2), "pixel": (0.5, ROWS - 0.5), "corner": (0.0, float(ROWS))}[origin]
    length = 1.7
    arrow(axes, start, (start[0] + right * length, start[1]), "x" if origin == "middle" else "u", COLOURS["x"])
    arrow(axes, start, (start[0], start[1] + up * length), "y" if origin == "middle" else "v", COLOURS["y"])
    axes.plot(*start, "o", color=INK, ms=4)
    axes.text(0, ROWS + 0.25, first, ha="left", va="bottom", fontsize=9, color=INK)
    axes.text(COLUMNS, -0.25, last, ha="right", va="top", fontsize=9, color=INK)
    axes.set(xlim=(-0.4, COLUMNS + 0.4), ylim=(-1.0, ROWS + 1.0))


def main() -> None:
    """Draw and save."""
    plt.rcParams.update(STYLE)
    figure, rows = plt.subplots(2, len(SYSTEMS), figsize=(12, 5), height_ratios=(1.15, 1), layout="constrained")
    for column, name in enumerate(SYSTEMS):
        draw_axes(rows[0, column], name)
        draw_image(rows[1, column], name)
    for axes in rows.flat:
        axes.set_aspect("equal")
        axes.axis("off")
    path = Path(__file__).with_suffix(".svg")
    figure.savefig(path, metadata={"Date": None, "Creator": "docs/images/camera_conventions.py"}, facecolor="white")


if __name__ == "__main__":
    main()

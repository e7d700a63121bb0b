"""Contact sheets of predictions, and the curve of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from gendr.distributions import Heaviside
from gendr.render import Mesh, Renderer
from gendr.tnorms import Maximum
from gendr.tools.fit.shading import shaded
from gendr.tools.gallery.sheet import Cell, covered, painted, sheet
from gendr.tools.reconstruct.evaluate import Solids, pictures_of
from gendr.tools.reconstruct.predict import Trained
from gendr.tools.shapes.views import cameras

CELL = 96
SIDES = (0, 6, 12, 18)
"""Of the 24 views, those from which a mesh is shown: four sides."""
CAPTIONS = ("input", "silhouette", "front", "left", "back", "right")


def contact_sheet(trained: Trained, data: Solids, view: int = 3, each: int = 1) -> Image.Image:
    """Rows of objects: the image, the predicted mesh's silhouette in its view, the mesh from four sides.

    Args:
        trained: predicts.
        data: brings the images; the first objects of every class are shown.
        view: of the input.
        each: objects a class.
    """
    rows, heads = [], []
    for name in data.names:
        images = data.images(name)
        for item in range(min(each, len(images))):
            picture = pictures_of(images, [(item, view)])
            heads.append(name if item == 0 else "")
            rows.append(_row(picture[0], next(trained.meshes(picture)), view))
    rows[0] = [(caption, image) for caption, (_, image) in zip(CAPTIONS, rows[0], strict=True)]
    return sheet(rows, margin=92, heads=heads)


def _row(picture: Float[Tensor, "4 H W"], mesh: Mesh, view: int) -> list[Cell]:
    seen = painted(picture[:3] * picture[3] + 1.0 - picture[3]).resize((CELL, CELL), Image.Resampling.NEAREST)
    sharp = Renderer(4 * CELL, Heaviside(), 1.0, Maximum())
    alpha = sharp(mesh, cameras([view]), outputs=["alpha"]).alpha
    mask = covered(torch.nn.functional.avg_pool2d(alpha[:, None], 4)[0, 0])
    return [("", seen), ("", mask), *(("", shaded(mesh, cameras([side]), CELL)) for side in SIDES)]


def curves(runs: dict[str, Sequence[tuple[float, ...]]], path: Path) -> None:
    """Draw loss and IoU of runs over their CPU time.

    Args:
        runs: by label, rows of log.csv.
        path: of the picture.

    Raises:
        OSError: it cannot be written.

    >>> curves({"a": [(20, 0.5, 0.6, 0, 0, 0, 0, 0, 9.0), (40, 0.4, 0.7, 0, 0, 0, 0, 0, 18.0)]}, Path("curve.png"))
    >>> Path("curve.png").read_bytes()[1:4]
    b'PNG'
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes: Any = figure.subplots()
    for index, (label, rows) in enumerate(runs.items()):
        minutes = [row[-1] / 60 for row in rows]
        axes.plot(minutes, [row[1] for row in rows], color=f"C{index}", label=f"{label}: loss")
        axes.plot(minutes, [row[2] for row in rows], color=f"C{index}", ls=":", label=f"{label}: silhouette IoU")
    axes.set(xlabel="CPU minutes", ylim=(0, 1))
    axes.grid(alpha=0.3)
    if runs:
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)

"""How good a fit is beyond the pixels it was fitted to."""

from __future__ import annotations

from typing import Any

from gendr.render import Mesh
from gendr.render.losses import hard_iou
from gendr.tools.fit.optimise import FitResult
from gendr.tools.fit.target import Target
from gendr.tools.fit.views import silhouettes
from gendr.tools.machine import environment

FINE = 256


def fine_iou(target: Target, mesh: Mesh, height: int = FINE) -> float | None:
    """Hard IoU in the seen views with `height` rows of pixels; None where the target's masks are smaller.

    >>> from gendr.tools.fit import load_target
    >>> target = load_target("teapot", views=2)
    >>> target.mesh is not None and fine_iou(target, target.mesh)
    1.0
    """
    alpha = target.at_height(height)
    if alpha is None:
        return None
    return float(hard_iou(silhouettes(mesh, target.camera, (alpha.shape[1], alpha.shape[2])), alpha).mean())


def unseen_iou(target: Target, mesh: Mesh) -> float | None:
    """Hard IoU from views that the fit did not see, at the size of the fit; None for masks."""
    if target.mesh is None or target.unseen is None:
        return None
    size = (target.alpha.shape[1], target.alpha.shape[2])
    return float(hard_iou(silhouettes(mesh, target.unseen, size), silhouettes(target.mesh, target.unseen, size)).mean())


def report(target: Target, result: FitResult) -> dict[str, Any]:
    """Everything about a fit as JSON holds it; lists have one entry per step."""
    return {
        "schema": "gendr.fit",
        "version": 1,
        "target": {
            "name": target.name,
            "kind": "masks" if target.mesh is None else "mesh",
            "scale": target.scale,
            "views": len(target.camera),
            "image_size": list(target.alpha.shape[1:]),
        },
        "config": result.config.as_dict(),
        "interrupted": result.interrupted,
        "steps": len(result.history),
        "best_step": result.best.index,
        "hard_iou": result.best.hard_iou,
        "hard_iou_at_256": fine_iou(target, result.mesh),
        "hard_iou_unseen": unseen_iou(target, result.mesh),
        "seconds": result.seconds,
        "history": {
            name: [getattr(step, name) for step in result.history] for name in ("loss", "hard_iou", "tau", "lr")
        },
        **environment(),
    }

"""Fit a mesh to silhouettes: `target, camera -> fit -> mesh`.

>>> from gendr.tools.fit import configure, fit, load_target
>>> target = load_target("airplane", views=4, image_size=16)
>>> result = fit(target.alpha, target.camera, configure(steps=3))
>>> result.mesh
Mesh(vertices=float32 [642, 3], faces=[1280, 3])
"""

from gendr.tools.fit.config import METHODS, FitConfig, configure
from gendr.tools.fit.optimise import FitResult, Step, fit
from gendr.tools.fit.shapes import OctantShape, SmoothShape, sphere
from gendr.tools.fit.target import Target, load_shape, load_target
from gendr.tools.fit.views import ring, silhouettes

__all__ = [
    "METHODS",
    "FitConfig",
    "FitResult",
    "OctantShape",
    "SmoothShape",
    "Step",
    "Target",
    "configure",
    "fit",
    "load_shape",
    "load_target",
    "ring",
    "silhouettes",
    "sphere",
]

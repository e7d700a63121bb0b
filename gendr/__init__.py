"""A differentiable mesh renderer whose occlusion distribution and T-conorm are yours to choose.

>>> import torch, gendr
>>> triangle = torch.tensor([[[[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.0, 0.5, 2.0]]]])
>>> gendr.rasterize(triangle, 4, tau=0.1).alpha.shape
torch.Size([1, 4, 4])
"""

from importlib.metadata import version

from gendr import distributions, optim, presets, render, sort, tnorms, topk
from gendr._threads import get_num_threads, set_num_threads, threads_for_kernels
from gendr.render import Camera, Mesh, MeshError, Raster, Renderer, rasterize

__version__ = version("gendr")

__all__ = [
    "Camera",
    "Mesh",
    "MeshError",
    "Raster",
    "Renderer",
    "__version__",
    "distributions",
    "get_num_threads",
    "optim",
    "presets",
    "rasterize",
    "render",
    "set_num_threads",
    "sort",
    "threads_for_kernels",
    "tnorms",
    "topk",
]

"""The kernels as torch operators: checks at run time, fake kernels, autograd functions, vmap rules.

The operators themselves (`torch.ops.gendr.*`) are not differentiable and say so when asked; `coverage` and `blend`
here are the places where forward and backward meet. `finite` guards what reaches an image without them.
"""

from gendr._ops.blend import Blended, BlendOptions, SurfaceTensors, blend
from gendr._ops.coverage import DISTRIBUTIONS, T_CONORMS, CoverageOptions, count_pairs, coverage
from gendr._ops.face_ranges import most_faces
from gendr._ops.finite import finite
from gendr._ops.texture_maps import require_maps

__all__ = [
    "DISTRIBUTIONS",
    "T_CONORMS",
    "BlendOptions",
    "Blended",
    "CoverageOptions",
    "SurfaceTensors",
    "blend",
    "count_pairs",
    "coverage",
    "finite",
    "most_faces",
    "require_maps",
]

"""The GPU's kernels behind the operators of `gendr._ops`.

Nothing here waits for the device: calls are enqueued on the current stream, and what the kernels find wrong in a
tensor's values comes up in the next call, or in `raise_reported`.
"""

from gendr._cuda.blend import blend, blend_backward
from gendr._cuda.coverage import coverage, coverage_backward
from gendr._cuda.device import is_available, is_built, raise_reported, require, to_device, validate
from gendr._cuda.finite import is_finite

__all__ = [
    "blend",
    "blend_backward",
    "coverage",
    "coverage_backward",
    "is_available",
    "is_built",
    "is_finite",
    "raise_reported",
    "require",
    "to_device",
    "validate",
]

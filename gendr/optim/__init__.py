"""Optimisers and parametrisations for optimising through a relaxed program or a renderer."""

from gendr.optim.large_steps import LargeSteps
from gendr.optim.uniform_adam import UniformAdam

__all__ = ["LargeSteps", "UniformAdam"]

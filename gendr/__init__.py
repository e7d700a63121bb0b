"""Differentiable mesh rendering with a selectable occlusion distribution and T-conorm."""

"""Losses between silhouettes, and under one roof with them the regularisers (`gendr.render.regularisers`).

Every loss is a 0-dim tensor of its input's dtype.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr._types import Alpha
from gendr.render.regularisers import Scalar, area_loss, edge_length_loss, flatten_loss, laplacian_loss

__all__ = [
    "area_loss",
    "edge_length_loss",
    "flatten_loss",
    "hard_iou",
    "hard_iou_loss",
    "iou_loss",
    "laplacian_loss",
    "mse_loss",
    "soft_iou",
]


@in_single_precision
def soft_iou(alpha: Alpha, target: Alpha) -> Float[Tensor, " B"]:
    r"""Soft intersection over union of two images: `sum(a t) / sum(a + t - a t)`, sums over the pixels.

    Two empty images agree: their ratio is 1 and its gradient 0. (The published code adds 1e-6 to the denominator
    instead, so there two empty images have the ratio 0.)

    Args:
        alpha: rendered coverage `a` [B, H, W], values in [0, 1].
        target: coverage `t` [B, H, W] to be reached, values in [0, 1].

    Returns:
        [B], one ratio in [0, 1] per image; 1 exactly when both are the same 0-1 mask.

    Raises:
        TypeError, ValueError: no float tensors, or the shapes or dtypes differ.

    Source: Liu, Li, Chen, Li, "Soft Rasterizer", ICCV 2019, equation 8.

    >>> soft_iou(torch.tensor([[[1.0, 0.5]]]), torch.tensor([[[1.0, 0.0]]]))
    tensor([0.6667])
    """
    _check_images(alpha, target)
    intersection = (alpha * target).sum((1, 2))  # einsum and bmm take three times as long here
    return _ratio(intersection, alpha.sum((1, 2)) + target.sum((1, 2)) - intersection)


@in_single_precision
def iou_loss(alpha: Alpha, target: Alpha) -> Scalar:
    r"""`1 - mean_B soft_iou`.

    Args, errors: as `soft_iou`. Returns a 0-dim tensor in [0, 1]; 0 exactly when both images are the same 0-1 mask.

    >>> iou_loss(torch.tensor([[[1.0, 0.5]]]), torch.tensor([[[1.0, 0.0]]]))
    tensor(0.3333)
    """
    return 1.0 - soft_iou(alpha, target).mean()


@in_single_precision
def mse_loss(alpha: Alpha, target: Alpha) -> Scalar:
    r"""Mean squared difference of two images: `mean_{B,H,W} (a - t)^2`.

    Args:
        alpha: rendered coverage `a` [B, H, W].
        target: coverage `t` [B, H, W] to be reached.

    Returns:
        0-dim, in [0, 1] for values in [0, 1].

    Raises:
        TypeError, ValueError: no float tensors, or the shapes or dtypes differ.

    >>> mse_loss(torch.tensor([[[1.0, 0.5]]]), torch.tensor([[[1.0, 0.0]]]))
    tensor(0.1250)
    """
    _check_images(alpha, target)
    return torch.nn.functional.mse_loss(alpha, target)


@in_single_precision
def hard_iou(alpha: Alpha, target: Alpha, threshold: int | float = 0.5) -> Float[Tensor, " B"]:
    r"""Intersection over union of two images' masks `{value > threshold}`: a metric, without gradient.

    Args:
        alpha: rendered coverage [B, H, W], values in [0, 1].
        target: coverage [B, H, W].
        threshold: in [0, 1); pixels above it belong to the shape.

    Returns:
        [B], one ratio in [0, 1] per image; 1 where both masks are empty.

    Raises:
        TypeError, ValueError: no float tensors, shapes or dtypes differ, or `threshold` is out of range.

    >>> hard_iou(torch.tensor([[[0.9, 0.6, 0.2]]]), torch.tensor([[[1.0, 0.0, 0.0]]]))
    tensor([0.5000])
    """
    _check_images(alpha, target)
    threshold = _check.number("threshold", threshold, 0.0, 1.0)
    ours, theirs = alpha.detach() > threshold, target.detach() > threshold
    return _ratio((ours & theirs).sum((1, 2)).to(alpha.dtype), (ours | theirs).sum((1, 2)).to(alpha.dtype))


@in_single_precision
def hard_iou_loss(alpha: Alpha, target: Alpha, threshold: int | float = 0.5) -> Scalar:
    r"""`1 - mean_B hard_iou`: the number by which the published shape benchmark ranks renderers; no gradient.

    Args, errors: as `hard_iou`. Returns a 0-dim tensor in [0, 1].

    Source: Petersen, Goldluecke, Borgelt, Deussen, "GenDR: a generalized differentiable renderer", CVPR 2022, section
    5.1.

    >>> hard_iou_loss(torch.tensor([[[0.9, 0.6, 0.2]]]), torch.tensor([[[1.0, 0.0, 0.0]]]))
    tensor(0.5000)
    """
    return 1.0 - hard_iou(alpha, target, threshold).mean()


def _check_images(alpha: Tensor, target: Tensor) -> None:
    _check.tensor("alpha", alpha, ("B", "H", "W"))
    _check.tensor("target", target, alpha.shape, (alpha.dtype,))


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """`part / whole`, and 1 (with gradient 0) where the whole is 0."""
    empty = whole == 0
    return torch.where(empty, 1.0, part / whole.masked_fill(empty, 1.0))

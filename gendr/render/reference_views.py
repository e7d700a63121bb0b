"""The reference, image by image where the images hold different faces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gendr.distributions import Distribution
from gendr.render import reference, reference_blend
from gendr.render.reference_blend import Surface
from gendr.tnorms import TNorm

Views = tuple[Tensor, Tensor | None, Tensor | None]


def reference_views(
    face_vertices: Tensor,
    face_ranges: Tensor | None,
    tau: Tensor,
    height: int,
    width: int,
    distribution: Distribution,
    t_conorm: TNorm,
    surface: Surface | None,
    limits: dict[str, Any],
) -> Views:
    """Alpha `[B, H, W]`, record `[B, H, W, 2 + C]` and nearest face `[B, H, W]`; the last two None without a surface.

    >>> from gendr.distributions import Logistic
    >>> from gendr.tnorms import Probabilistic
    >>> triangle = torch.tensor([[[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]])
    >>> limits = dict(near=1.0, far=100.0, cull="none", cutoff=0.0)
    >>> ranges = torch.tensor([[0, 1], [1, 1]])
    >>> settings = (torch.tensor([0.1, 0.1]), 1, 1, Logistic(), Probabilistic(), None, limits)
    >>> reference_views(triangle, ranges, *settings)[0].flatten()
    tensor([0.5000, 0.0000])
    """
    if face_ranges is not None:
        views = []
        for i, (begin, end) in enumerate(face_ranges.tolist() or [(0, 0)]):
            scale = tau[i : i + 1] if len(tau) else tau.new_ones(1)
            own = _of_faces(surface, begin, end)
            arguments = (height, width, distribution, t_conorm, own, limits)
            views.append(reference_views(face_vertices[None, begin:end], None, scale, *arguments))
        return _joined(views, len(face_ranges))
    pixels = reference.pixel_centres(height, width, face_vertices)
    shape = (len(face_vertices), height, width)
    alpha = reference.coverage(face_vertices, tau, pixels, distribution, t_conorm, **limits).reshape(shape)
    if surface is None:
        return alpha, None, None
    record, nearest = reference_blend.record(face_vertices, tau, pixels, distribution, t_conorm, surface, **limits)
    return alpha, record.reshape(*shape, record.shape[-1]), nearest.reshape(shape)


def _of_faces(surface: Surface | None, begin: int, end: int) -> Surface | None:
    if surface is None:
        return None
    attributes, textures = surface.attributes, surface.textures
    if textures is not None:
        textures = replace(textures, uvs=textures.uvs[:, begin:end], map_of_face=textures.map_of_face[begin:end])
    return replace(surface, attributes=None if attributes is None else attributes[None, begin:end], textures=textures)


def _joined(views: list[Views], batch: int) -> Views:
    """Of no images, one view of no faces tells the shapes."""
    records = [record for _, record, _ in views if record is not None]
    nearest = [face for _, _, face in views if face is not None]
    alpha = torch.cat([view[0] for view in views])[:batch]
    return alpha, torch.cat(records)[:batch] if records else None, torch.cat(nearest)[:batch] if nearest else None

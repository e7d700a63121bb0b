"""Distributions and T-conorms with growing softness: the thesis's figure 5.3."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from gendr import Camera, Renderer
from gendr.distributions import Cauchy, Logistic, Uniform
from gendr.presets import Instance
from gendr.scenes import teapot
from gendr.tnorms import AczelAlsina, Maximum, Probabilistic, Yager
from gendr.tools.gallery.sheet import Cell, covered, sheet

INSTANCES = [
    Instance(Logistic(), Maximum()),
    Instance(Logistic(), Probabilistic()),
    Instance(Logistic(), Yager(2)),
    Instance(Logistic(), AczelAlsina(0.5)),
    Instance(Uniform(), Yager(2)),
    Instance(Uniform(), AczelAlsina(0.5)),
    Instance(Cauchy(), Probabilistic()),
    Instance(Cauchy(), Yager(2)),
]
"""The left column of figure 5.3, then the right one, from top to bottom."""

LOG_TAUS = (-3.0, -2.5, -2.0, -1.5, -1.0)


def soft_teapot(instance: Instance, tau: float, size: int) -> Tensor:
    """Alpha `[size, size]` of a coarse teapot, whose faces are large enough to be told apart.

    >>> soft_teapot(INSTANCES[0], 1e-2, 8).shape
    torch.Size([8, 8])
    """
    camera = Camera.look_at(elevation=25.0, azimuth=145.0, half_angle=10.0)
    with torch.no_grad():
        return Renderer(size, instance.distribution, tau, instance.t_conorm)(teapot(2), camera).alpha[0]


def aggregations(size: int = 110) -> Image.Image:
    """The figure as a picture, one instance a row.

    >>> aggregations(16).size[0]
    254
    """
    rows: list[list[Cell]] = []
    for number, instance in enumerate(INSTANCES):
        captions = [f"tau = 10^{log_tau:g}" if number == 0 else "" for log_tau in LOG_TAUS]
        pictures = [covered(soft_teapot(instance, 10.0**log_tau, size)) for log_tau in LOG_TAUS]
        rows.append(list(zip(captions, pictures, strict=True)))
    heads = [str(instance).replace(" + ", "\n") for instance in INSTANCES]
    return sheet(rows, margin=126, heads=heads)

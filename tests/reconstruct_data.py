"""A data set of two classes of boxes in the published layout, drawn in a second."""

from __future__ import annotations

import torch

from gendr import Mesh, Renderer
from gendr.distributions import Heaviside
from gendr.tnorms import Maximum
from gendr.tools.shapes.layout import write_class
from gendr.tools.shapes.views import cameras
from gendr.tools.shapes.voxels import voxelise

SIZES = {"chair": [(0.3, 0.6, 0.3), (0.4, 0.7, 0.2)], "table": [(0.7, 0.2, 0.5), (0.6, 0.3, 0.6)]}


def box(size):
    """A box about the origin, of the faces of an icosphere pushed onto it."""
    sphere = Mesh.icosphere(2)
    flat = sphere.vertices / sphere.vertices.abs().amax(1, keepdim=True)
    return sphere.with_vertices(flat * torch.tensor(size) / 2)


def pictures(mesh, colour):
    """The 24 views `[24, 4, 64, 64]`, uint8, with the colour wherever alpha is."""
    alpha = Renderer(64, Heaviside(), 1.0, Maximum())(mesh, cameras(range(24))).alpha
    bands = [alpha * share for share in colour] + [alpha]
    return (torch.stack(bands, 1) * 255).round().byte()


def write_boxes(folder, splits=("train", "test")):
    """Files for two objects of two classes in each split."""
    for split in splits:
        for name, sizes in SIZES.items():
            meshes = [box(size) for size in sizes]
            images = torch.stack([pictures(mesh, (0.8, 0.4, 0.2)) for mesh in meshes])
            voxels = torch.cat([voxelise(mesh.vertices[None], mesh.faces) for mesh in meshes])
            write_class(folder, name, split, images.numpy(), voxels.numpy())
    return folder

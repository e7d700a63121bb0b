"""Blending gives the same bits for any number of threads."""

from __future__ import annotations

import pytest
import torch

import gendr
from gendr import rasterize
from gendr.distributions import Logistic
from gendr.render import FaceTextures
from gendr.tnorms import Maximum, Probabilistic


def sphere(level: int, views: int) -> torch.Tensor:
    mesh = gendr.Mesh.icosphere(level, radius=0.6)
    azimuth = torch.arange(views, dtype=torch.float64) * 360 / views
    return gendr.Camera.look_at(elevation=30.0, azimuth=azimuth).project(mesh.vertices)[:, mesh.faces]


@pytest.mark.parametrize(("views", "size"), [(1, 100), (5, 48)])
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_bits_do_not_depend_on_threads(views, size, blend):
    faces = sphere(3, views).detach()
    count = faces.shape[1]  # 1,280: twenty tasks of the backward pass
    colours, uvs, texels = torch.rand(1, count, 3, 2), 4 * torch.rand(1, count, 3, 2), torch.rand(48, 3)
    weights = torch.randn(views, 7, size, size)
    for t_conorm in (Probabilistic(), Maximum()):
        outcomes = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            leaves = [t.clone().requires_grad_() for t in (faces, torch.full((views,), 1e-4), colours, uvs, texels)]
            leaves.append(torch.tensor(1e-2).requires_grad_())
            corners, tau, own_colours, own_uvs, own_texels, gamma = leaves
            textures = FaceTextures.from_image(own_uvs, own_texels.reshape(6, 8, 3))
            options = {"attributes": own_colours, "textures": textures, "gamma": gamma, "blend": blend, "far": 10.0}
            raster = rasterize(corners, size, Logistic().squared(), tau, t_conorm, **options)
            drawn = torch.cat([raster.alpha[:, None], raster.depth[:, None], raster.features], 1)
            gradients = torch.autograd.grad((drawn * weights).sum(), leaves, allow_unused=True)
            outcomes.append([drawn.detach(), *gradients])
        for other in outcomes[1:]:
            for i, (got, want) in enumerate(zip(other, outcomes[0], strict=True)):
                assert torch.equal(got, want), i

"""What corners hold follows their faces into every view, whether or not something was cut."""

from __future__ import annotations

import pytest
import torch

import gendr
from gendr.render import Material

VIEWS = gendr.Camera.look_at(2.732, 0.0, torch.tensor([0.0, 40.0]))
TRIANGLE = torch.tensor([[-0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.0, 0.5, 0.0]])
FAR_OUT = torch.tensor([[0.0, 0.0, -50.0], [0.0, 0.0, 50.0]])
"""Vertices that no face uses, beyond the far plane and behind the camera."""


def look_of(kind: str, vertices: int) -> dict:
    if kind == "colours":
        return {"vertex_colors": torch.linspace(0, 1, 3 * vertices).view(vertices, 3)}
    texture = torch.linspace(0, 1, 48).view(4, 4, 3)
    faces = torch.tensor([[0, 1, 2]])
    return {"uvs": torch.rand(vertices, 2), "face_uvs": faces, "materials": (Material(texture=texture),)}


@pytest.mark.parametrize("kind", ["colours", "texture"])
def test_vertices_of_no_face_change_nothing(kind):
    faces = torch.tensor([[0, 1, 2]])
    look = look_of(kind, 5)
    strayed = gendr.Mesh(torch.cat([TRIANGLE, FAR_OUT]), faces, **look)
    own = {name: value[:3] if name in ("uvs", "vertex_colors") else value for name, value in look.items()}
    outputs = ["rgb", "alpha", "barycentrics", "face_id"]
    got, want = (
        gendr.Renderer(16)(mesh, VIEWS, outputs=outputs) for mesh in (strayed, gendr.Mesh(TRIANGLE, faces, **own))
    )
    for name in outputs:
        torch.testing.assert_close(getattr(got, name), getattr(want, name), rtol=1e-6, atol=1e-6)

"""Recover a texture from pictures of a known shape. Writes fit_texture.png where it is run: start, result, truth."""

import sys

import torch
from PIL import Image

from gendr import Camera, Mesh, Renderer
from gendr.distributions import Heaviside
from gendr.render import BlendStage, Material
from gendr.scenes import cow
from gendr.tnorms import Maximum

steps, size = (int(word) for word in (sys.argv[1:] or (60, 96)))

truth = cow(resolution=4)
(paint,) = truth.materials
seen = Camera.look_at(elevation=torch.tensor([25.0, -15.0]).repeat(8), azimuth=torch.arange(16) * 22.5, half_angle=11.0)
unseen = Camera.look_at(elevation=10.0, azimuth=150.0, half_angle=11.0)  # not among the views of the fit
renderer = Renderer(size, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard", background=1.0))  # the shape is known
pictures = renderer(truth, seen).rgb  # [16, 3, size, size]


def painted(texture):
    """The cow with another texture."""
    look = {"uvs": truth.uvs, "face_uvs": truth.face_uvs, "materials": (Material(texture=texture),)}
    return Mesh(truth.vertices, truth.faces, **look)


texture = torch.full_like(paint.texture, 0.5, requires_grad=True)
optimiser = torch.optim.Adam([texture], lr=0.05)
for step in range(steps):
    loss = (renderer(painted(texture), seen).rgb - pictures).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step % 10 == 9:
        print(f"step {step + 1}: mean squared error {loss.item():.2e}")

with torch.no_grad():
    meshes = painted(torch.full_like(texture, 0.5)), painted(texture), truth
    start, result, target = (renderer(mesh, unseen).rgb[0] for mesh in meshes)
error = (result - target).abs().mean().item()
pixels = torch.cat([start, result, target], 2).clamp(0, 1).mul(255).byte().permute(1, 2, 0)
Image.fromarray(pixels.contiguous().numpy()).save("fit_texture.png")
print(f"error from an unseen view {error:.4f} of 1; wrote fit_texture.png")

"""Find the light in a picture of a known object. Writes fit_light.png where it is run: start, result, truth."""

import math
import sys

import torch
from PIL import Image

from gendr import Camera, Renderer
from gendr.distributions import Heaviside
from gendr.render import AmbientLight, BlendStage, DirectionalLight
from gendr.scenes import cow
from gendr.tnorms import Maximum

steps, size = (int(word) for word in (sys.argv[1:] or (150, 96)))

mesh, camera = cow(resolution=4), Camera.look_at(elevation=15.0, azimuth=140.0, half_angle=11.0)
renderer = Renderer(size, Heaviside(), 1.0, Maximum(), blend=BlendStage("hard", background=1.0))

truth = {
    "direction": torch.tensor([-0.3, 0.8, 0.6]),  # towards the light
    "sun": torch.tensor([0.75, 0.65, 0.45]),
    "sky": torch.tensor([0.15, 0.20, 0.30]),
}
start = {
    "direction": torch.tensor([0.9, 0.2, 0.1]),
    "sun": torch.tensor([0.4, 0.4, 0.4]),
    "sky": torch.tensor([0.4, 0.4, 0.4]),
}


def draw(light):
    """The cow [1, 3, size, size] under one directional and one ambient light."""
    return renderer(mesh, camera, [DirectionalLight(light["direction"], light["sun"]), AmbientLight(light["sky"])]).rgb


picture = draw(truth)
light = {name: value.clone().requires_grad_() for name, value in start.items()}
optimiser = torch.optim.Adam(light.values(), lr=0.05)
for step in range(steps):
    loss = (draw(light) - picture).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    with torch.no_grad():
        for name in ("sun", "sky"):
            light[name].clamp_(min=0.0)  # there is no negative light
    if step % 25 == 24:
        print(f"step {step + 1}: mean squared error {loss.item():.2e}")

with torch.no_grad():
    pixels = torch.cat([draw(each)[0] for each in (start, light, truth)], 2)
    cosine = torch.cosine_similarity(light["direction"], truth["direction"], dim=0).item()
    worst = max((light[name] - truth[name]).abs().max().item() for name in ("sun", "sky"))
Image.fromarray(pixels.clamp(0, 1).mul(255).byte().permute(1, 2, 0).contiguous().numpy()).save("fit_light.png")
angle = math.degrees(math.acos(min(1.0, cosine)))
print(f"direction to {angle:.2f} degrees, colours to {worst:.3f} of 1; wrote fit_light.png")

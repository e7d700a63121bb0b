"""Find how an object is turned from one picture of it. Writes fit_pose.png where it is run: start, result, truth."""

import math
import sys

import torch
from PIL import Image

from gendr import Camera, Renderer
from gendr.distributions import Logistic
from gendr.render import BlendStage
from gendr.render.pose import axis_angle_to_matrix
from gendr.render.schedules import log_linear
from gendr.scenes import cow

steps, size = (int(word) for word in (sys.argv[1:] or (80, 64)))

mesh, camera = cow(resolution=4), Camera.look_at(elevation=15.0, azimuth=140.0, half_angle=12.0)
true_turn = torch.tensor([0.15, 0.55, -0.2])  # an axis times an angle: 35 degrees


def draw(turn, tau):
    """Colour and coverage [1, 4, size, size] of the cow, turned."""
    turned = mesh.with_vertices(mesh.vertices @ axis_angle_to_matrix(turn).T)
    out = Renderer(size, Logistic(), tau, blend=BlendStage(gamma=1e-3))(turned, camera)
    return torch.cat([out.rgb * out.alpha[:, None], out.alpha[:, None]], 1)


picture = draw(true_turn, tau=1e-3)
turn = torch.zeros(3, requires_grad=True)
optimiser = torch.optim.Adam([turn], lr=0.05)
tau = log_linear(10**-1.5, 10**-3, steps)  # soft at first, so that distant parts attract each other
for step in range(steps):
    loss = (draw(turn, tau(step)) - picture).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step % 10 == 9:
        print(f"step {step + 1}: mean squared error {loss.item():.2e}")

with torch.no_grad():
    left = axis_angle_to_matrix(turn) @ axis_angle_to_matrix(true_turn).T
    angle = math.degrees(math.acos(min(1.0, max(-1.0, (left.trace().item() - 1) / 2))))
    images = [draw(t, 1e-3)[0] for t in (torch.zeros(3), turn, true_turn)]
on_white = torch.cat([image[:3] + 1 - image[3:] for image in images], 2).clamp(0, 1)
Image.fromarray(on_white.mul(255).byte().permute(1, 2, 0).contiguous().numpy()).save("fit_pose.png")
print(f"turned by 35 degrees, recovered to {angle:.2f} degrees; wrote fit_pose.png")

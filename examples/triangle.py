"""One soft triangle and the gradient of its area: which way to move the corners so that it covers more of the image."""

import torch

import gendr
from gendr.distributions import Logistic
from gendr.tnorms import Probabilistic

# One image with one triangle: x, y in [-1, 1] over the image's height, and the depth.
corners = [[-0.6, -0.5, 2.0], [0.6, -0.5, 2.0], [0.0, 0.6, 2.0]]
triangle = torch.tensor([[corners]], requires_grad=True)

alpha = gendr.rasterize(triangle, 24, Logistic(), tau=0.05, t_conorm=Probabilistic()).alpha
for row in alpha[0].tolist():
    print("".join(" .:-=+*#%@"[int(9.99 * value)] * 2 for value in row))

area = alpha.sum() * (2 / 24) ** 2  # each pixel covers this much of the 2 x 2 image
area.backward()
print(f"area {area.item():.3f}; sharp it is 0.660")
for corner, gradient in zip(corners, triangle.grad[0, 0].tolist(), strict=True):
    print(f"corner ({corner[0]:4.1f}, {corner[1]:4.1f}): gradient ({gradient[0]:6.3f}, {gradient[1]:6.3f})")

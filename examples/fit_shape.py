"""Fit a sphere to the silhouettes of a teapot: the API without the command line. Writes teapot.obj where it is run."""

from gendr import Mesh
from gendr.distributions import Gaussian
from gendr.optim import LargeSteps, UniformAdam
from gendr.render import Renderer
from gendr.render.losses import hard_iou, iou_loss
from gendr.render.schedules import cosine, log_linear
from gendr.scenes import teapot
from gendr.tools.fit import ring, silhouettes

STEPS = 60
camera = ring(views=12, elevation=30.0)
target = silhouettes(teapot(), camera, image_size=64)

sphere = Mesh.icosphere(3, radius=0.5)
smooth = LargeSteps(sphere.vertices, sphere.faces)  # optimise u, where the vertices are (I + lambda L)^-1 u
u = smooth.to_parameters(sphere.vertices).requires_grad_()
optimiser = UniformAdam([u], lr=0.2)
tau, lr = log_linear(10**-1.75, 10**-3.25, STEPS), cosine(0.2, 0.02, STEPS)

for step in range(STEPS):
    mesh = sphere.with_vertices(smooth.to_vertices(u))
    renderer = Renderer(image_size=64, distribution=Gaussian(), tau=tau(step))
    loss = iou_loss(renderer(mesh, camera).alpha, target)
    optimiser.param_groups[0]["lr"] = lr(step)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step % 10 == 9:
        print(f"step {step + 1}: loss {loss.item():.4f}")

fitted = sphere.with_vertices(smooth.to_vertices(u).detach())
iou = hard_iou(silhouettes(fitted, camera, 64), target).mean().item()
fitted.save("teapot.obj")
print(f"IoU {iou:.3f}; wrote teapot.obj")

# All of this in one call, with the best step kept and any target:
#   from gendr.tools.fit import configure, fit, load_target
#   target = load_target("teapot")
#   result = fit(target.alpha, target.camera, configure(steps=60))
#   result.mesh.save("teapot.obj")

"""Float32 kernels against the float64 reference: `python -m gendr.tools.check_accuracy`.

Worst absolute error of alpha, and the relative L2 error of the vertices' gradient, on a coarse mesh (80 faces) and on a
fine one (20,480 faces on 64x64 pixels, where a dozen faces meet in a pixel). Prints a Markdown table.
"""

from __future__ import annotations

import dataclasses

import torch
import tyro
from rich.progress import track
from torch import Tensor

import gendr
from gendr.distributions import Distribution, Logistic
from gendr.render import reference
from gendr.tnorms import Probabilistic, TNorm
from gendr.tools.bench_raster import family_members, markdown, project

SIZE = 64


@dataclasses.dataclass(frozen=True)
class Error:
    """Of alpha, absolute, and of the gradient, relative."""

    alpha: float
    gradient: float

    def __str__(self) -> str:
        return f"{self.alpha:.0e} / {self.gradient:.0e}"

    def worse(self, other: Error) -> Error:
        """The worse of both, number by number."""
        return Error(max(self.alpha, other.alpha), max(self.gradient, other.gradient))


def float32_error(mesh: gendr.Mesh, pixels: Tensor, distribution: Distribution, t_conorm: TNorm, tau: float) -> Error:
    """Render one view in float32, and compare at some pixels (indices) with the reference in float64.

    The gradient is the one of the mesh's projected vertices: two faces that share the nearest edge are equally near,
    and which of them takes the gradient is a matter of the last bit.
    """
    weights = torch.linspace(0.5, 1.5, len(pixels))
    single = project(mesh, 1).detach().float().requires_grad_()
    alpha = gendr.rasterize(single, SIZE, distribution, tau, t_conorm).alpha.flatten()[pixels]
    (got,) = torch.autograd.grad((alpha * weights).sum(), single)
    double = single.detach().double().requires_grad_()
    at = reference.pixel_centres(SIZE, SIZE, double)[pixels]
    limits = {"near": 1.0, "far": 100.0, "cutoff": 1e-6}
    scale = torch.tensor([tau]).double()
    exact = reference.coverage(double, scale, at, distribution, t_conorm, cull="none", **limits).flatten()
    (want,) = torch.autograd.grad((exact * weights.double()).sum(), double, allow_unused=True)
    want = torch.zeros_like(double) if want is None else want
    got, want = (
        torch.zeros(mesh.n_vertices, 3).double().index_add(0, mesh.faces.flatten(), g.double().reshape(-1, 3))
        for g in (got, want)
    )
    off = (got - want).norm() / want.norm() if want.norm() > 0 else got.norm()
    return Error(float((alpha.detach().double() - exact.detach()).abs().max()), float(off))


def main(pixels: int = 64, seed: int = 0) -> None:
    """Print the table.

    Args:
        pixels: how many of the image's pixels are compared on the fine mesh, chosen at random; on the coarse one all
            are.
        seed: of that choice.
    """
    torch.manual_seed(seed)
    everywhere = torch.arange(SIZE * SIZE)
    chosen = everywhere[torch.randperm(SIZE * SIZE)[:pixels]]
    coarse = gendr.Mesh.icosphere(1, radius=0.7)
    fine = gendr.Mesh.icosphere(5, radius=0.7)
    distributions, t_conorms = family_members()
    by_member: dict[str, tuple[Error, Error]] = {}
    nothing = Error(0.0, 0.0)
    for distribution in track(distributions, "accuracy", transient=True):
        tau = _usual_tau(distribution)
        worst = nothing
        for t_conorm in (member for member in t_conorms if member.is_t_conorm):
            worst = worst.worse(float32_error(coarse, everywhere, distribution, t_conorm, tau))
        by_member[str(distribution)] = (worst, float32_error(fine, chosen, distribution, Probabilistic(), tau))
    for t_conorm in t_conorms:
        seen = ((coarse, everywhere), (fine, chosen))
        on = [float32_error(mesh, at, Logistic().squared(), t_conorm, 1e-4) for mesh, at in seen]
        by_member[f"logistic(squared), {t_conorm}"] = (on[0], on[1])
    rows = [[name, str(a), str(b)] for name, (a, b) in by_member.items()]
    print(markdown(["alpha / gradient", "80 faces, worst over all T-conorms", "20,480 faces, probabilistic"], rows))


def _usual_tau(distribution: Distribution) -> float:
    """A face counts one per cent at a twentieth of the half height outside, or inside where it never counts outside."""
    at = float(distribution.quantile(torch.tensor(0.01, dtype=torch.float64)))
    return 0.05 / abs(at) if abs(at) > 1e-2 else 1e-2


if __name__ == "__main__":
    tyro.cli(main)

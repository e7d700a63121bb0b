"""A mesh and a camera to an image: the settings of a renderer in one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from gendr.distributions import Distribution, Logistic
from gendr.render.camera import Camera
from gendr.render.mesh import Mesh
from gendr.render.rasterize import Raster, rasterize
from gendr.tnorms import Probabilistic, TNorm


@dataclass(frozen=True)
class Renderer:
    """`mesh -> camera -> coverage`: projects the mesh into every view of the camera and rasterizes it.

    Attributes:
        image_size: `H = W`, or `(H, W)`, in pixels.
        distribution: its CDF turns signed distance into occlusion.
        tau: softness in half image heights (squared, when the distribution is): a number, or a tensor `[]` or `[B]`.
        t_conorm: joins the faces over a pixel.
        near: a face is drawn where all its depths lie in `[near, far]`.
        far: see `near`.
        cull: "none", "back" or "front".
        cutoff: faces less probable than this at a pixel are skipped there; see `gendr.rasterize`.
        backend: "auto", "cpu" or "reference".

    >>> import gendr
    >>> renderer = Renderer(image_size=64, distribution=Logistic().squared(), tau=1e-4)
    >>> out = renderer(gendr.Mesh.icosphere(2, radius=0.5), gendr.Camera.look_at(elevation=30.0, azimuth=45.0))
    >>> out.alpha.shape
    torch.Size([1, 64, 64])
    """

    image_size: int | Sequence[int] = 256
    distribution: Distribution = field(default_factory=Logistic)
    tau: float | Tensor = 1e-2
    t_conorm: TNorm = field(default_factory=Probabilistic)
    near: float = 1.0
    far: float = 100.0
    cull: str = "none"
    cutoff: float = 1e-6
    backend: str = "auto"

    def __call__(self, mesh: Mesh, camera: Camera) -> Raster:
        """Draw every view of `camera`.

        Args:
            mesh: one mesh, seen by all views, or a batch of as many meshes as there are views.
            camera: `B` views.

        Returns:
            A `Raster` of `B` images.
        """
        face_vertices = camera.project(mesh.vertices)[:, mesh.faces]
        return rasterize(
            face_vertices,
            self.image_size,
            self.distribution,
            self.tau,
            self.t_conorm,
            near=self.near,
            far=self.far,
            cull=self.cull,
            cutoff=self.cutoff,
            backend=self.backend,
        )

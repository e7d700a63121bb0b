"""A mesh and a camera to images: the settings of a renderer in one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import avg_pool2d
from typing_extensions import Self

from gendr import _check, _cuda
from gendr._autocast import in_single_precision
from gendr._types import Alpha
from gendr.distributions import Distribution, Logistic
from gendr.render.camera import Camera
from gendr.render.finite_inputs import finite, finite_camera, finite_fields, finite_lights, finite_mesh
from gendr.render.geometry import Geometry, project
from gendr.render.look import Look, look_of, normal_image, picture
from gendr.render.mesh import Mesh
from gendr.render.mesh_batch import MeshBatch
from gendr.render.rasterize import Raster, image_height_width, rasterize
from gendr.render.shading import Lights
from gendr.render.softness import automatic_tau
from gendr.render.stages import BlendStage, RasterStage, ShadeStage
from gendr.tnorms import Probabilistic, TNorm

OUTPUTS = ("alpha", "rgb", "depth", "normal", "face_id", "barycentrics")


@dataclass(frozen=True)
class Rendering:
    """Images of `B` views; what was not asked for is None.

    Attributes:
        alpha: `[B, H, W]`, in [0, 1]: the probability that any face covers the pixel.
        rgb: `[B, 3, H, W]`, linear, not clamped.
        depth: `[B, H, W]`: distance along the view axis, blended like a colour; `far` where nothing is seen.
        normal: `[B, 3, H, W]`, unit, in world coordinates; 0 where nothing is seen.
        face_id: int64 `[B, H, W]`: the nearest face that covers the pixel, -1 for none.
        barycentrics: `[B, 3, H, W]`: the pixel's place on that face, perspective-correct; 0 where there is none.
    """

    alpha: Alpha
    rgb: Float[Tensor, "B 3 H W"] | None = None
    depth: Alpha | None = None
    normal: Float[Tensor, "B 3 H W"] | None = None
    face_id: Int64[Tensor, "B H W"] | None = None
    barycentrics: Float[Tensor, "B 3 H W"] | None = None


@dataclass(frozen=True)
class Renderer:
    """`mesh -> camera -> rasterize -> blend -> shade`: draws a mesh in every view of a camera.

    Attributes:
        image_size: `H = W`, or `(H, W)`, in pixels.
        distribution: its CDF turns signed distance into occlusion.
        tau: softness in half image heights (squared, when the distribution is): a number, or a tensor `[]` or `[B]`.
            "auto" makes edges one pixel wide, whatever the distribution is; see `gendr.render.automatic_tau`.
        t_conorm: joins the faces over a pixel.
        raster: planes, culling, cut-off, antialiasing.
        blend: from faces to one colour, and the background.
        shade: how lights act.

    >>> import gendr
    >>> from gendr.render import AmbientLight, DirectionalLight
    >>> renderer = Renderer(image_size=64, distribution=Logistic().squared(), tau=1e-4)
    >>> camera = gendr.Camera.look_at(elevation=30.0, azimuth=45.0)
    >>> renderer(gendr.Mesh.icosphere(2, radius=0.5), camera).alpha.shape
    torch.Size([1, 64, 64])
    >>> lights = [AmbientLight(0.3), DirectionalLight((1.0, 2.0, -1.0), 0.7)]
    >>> out = renderer(gendr.Mesh.icosphere(2, radius=0.5), camera, lights)
    >>> out.rgb.shape, out.depth.shape
    (torch.Size([1, 3, 64, 64]), torch.Size([1, 64, 64]))
    """

    image_size: int | Sequence[int] = 256
    distribution: Distribution = field(default_factory=Logistic)
    tau: float | Tensor | str = 1e-2
    t_conorm: TNorm = field(default_factory=Probabilistic)
    raster: RasterStage = field(default_factory=RasterStage)
    blend: BlendStage = field(default_factory=BlendStage)
    shade: ShadeStage = field(default_factory=ShadeStage)

    @in_single_precision
    def __call__(
        self,
        mesh: Mesh | MeshBatch,
        camera: Camera,
        lights: Lights | None = None,
        outputs: Sequence[str] | None = None,
    ) -> Rendering:
        """Draw every view of `camera`.

        Args:
            mesh: one mesh, seen by all views; a batch of as many meshes as there are views; or a `MeshBatch` of
                different meshes, seen by one view or by one each.
            camera: `B` views.
            lights: one or several; without, the mesh shows its own colours.
            outputs: names of `Rendering`'s images. By default "alpha", and with lights, or for a mesh with colours or
                materials, "rgb" and "depth" as well. Alpha comes with any.

        Returns:
            A `Rendering` of `B` images.

        Raises:
            TypeError, ValueError: as `gendr.rasterize`, and for an unknown output.
        """
        wanted = self._wanted(mesh, lights, outputs)
        validate = self.raster.validate
        mesh, camera = finite_mesh(mesh, validate), finite_camera(camera, validate)
        geometry = project(mesh, camera, *self.raster.limits())
        lights = finite_lights(lights, geometry.face_vertices.device, validate)
        shade = finite_fields("shade", self.shade, validate)
        look = look_of(mesh, camera, lights, shade, "rgb" in wanted, "normal" in wanted)
        height, width = image_height_width(self.image_size)
        scale = self.raster.antialias
        settled = self._settled(geometry)
        raster, layers = settled._draw(geometry, camera, look, (height * scale, width * scale), "depth" in wanted)
        images: dict[str, Any] = {"alpha": raster.alpha}
        if "depth" in wanted:
            images["depth"] = raster.depth
        if "rgb" in wanted and raster.background_weight is not None:
            foreground = 1 - raster.background_weight
            background = _background(finite("background", self.blend.background, validate), raster.alpha, scale)
            images["rgb"] = picture(look, layers, foreground, background)
        if "normal" in wanted:
            images["normal"] = normal_image(layers["normal"])
        out = Rendering(**{name: _averaged(image, scale) for name, image in images.items()})
        if not wanted & {"face_id", "barycentrics"}:
            return out
        return settled._with_faces(out, geometry, mesh, camera, (height, width), wanted)

    def _settled(self, geometry: Geometry) -> Self:
        """Itself, with a number in place of `tau="auto"`, which counts pixels of the image, not of finer ones."""
        if not (isinstance(self.tau, str) and self.tau == "auto"):
            return self
        faces, ranges = geometry.face_vertices, geometry.face_ranges
        tau = automatic_tau(faces, self.image_size, self.distribution, self.t_conorm, face_ranges=ranges)
        return replace(self, tau=tau)

    def _wanted(self, mesh: Mesh | MeshBatch, lights: Lights | None, outputs: Sequence[str] | None) -> set[str]:
        if outputs is None:
            one = mesh.mesh if isinstance(mesh, MeshBatch) else mesh
            has_color = lights is not None or one.vertex_colors is not None or bool(one.materials)
            return {"alpha", "rgb", "depth"} if has_color else {"alpha"}
        names = [outputs] if isinstance(outputs, str) else list(outputs)
        for name in names:
            _check.choice("outputs", name, OUTPUTS)
        return set(names)

    def _draw(
        self, geometry: Geometry, camera: Camera, look: Look, size: tuple[int, int], wants_depth: bool
    ) -> tuple[Raster, dict[str, Tensor]]:
        names = list(look.layers)
        attributes = None
        if names:
            batch = max(len(layer) for layer in look.layers.values())
            layers = [look.layers[name].expand(batch, -1, -1, -1) for name in names]
            attributes = geometry.attributes(torch.cat(layers, -1))
        blends = bool(names) or look.textures is not None or wants_depth
        raster = self._rasterize(
            geometry.face_vertices,
            size,
            attributes=attributes,
            textures=geometry.textures(look.textures),
            blend=self.blend.mode if blends else None,
            gamma=self.blend.gamma,
            eps=self.blend.eps,
            **self._options(geometry, camera),
        )
        widths = [look.layers[name].shape[-1] for name in names]
        if look.textures is not None:
            names.append("texture")
            widths.append(look.textures.n_channels)
        if raster.features is None:
            return raster, {}
        return raster, dict(zip(names, raster.features.split(widths, 1), strict=True))

    def _rasterize(self, face_vertices: Tensor, size: tuple[int, int], **options: Any) -> Raster:
        """What images are made of; renderers with another idea of coverage have their own."""
        return rasterize(face_vertices, size, self.distribution, self.tau, self.t_conorm, **options)

    def _options(self, geometry: Geometry, camera: Camera) -> dict[str, Any]:
        stage = self.raster
        return {
            "perspective": camera.projection == "perspective",
            "face_ranges": geometry.face_ranges,
            "near": stage.near,
            "far": stage.far,
            "cutoff": stage.cutoff,
            "backend": stage.backend,
            "validate": stage.validate,
        }

    def _with_faces(
        self,
        out: Rendering,
        geometry: Geometry,
        mesh: Mesh | MeshBatch,
        camera: Camera,
        size: tuple[int, int],
        wanted: set[str],
    ) -> Rendering:
        n_faces = mesh.mesh.n_faces if isinstance(mesh, MeshBatch) else mesh.n_faces
        corners = torch.eye(3, dtype=out.alpha.dtype, device=out.alpha.device).expand(1, n_faces, 3, 3)
        raster = rasterize(
            geometry.face_vertices,
            size,
            self.distribution,
            self.tau,
            self.t_conorm,
            attributes=geometry.attributes(corners),
            blend="hard",
            **self._options(geometry, camera),
        )
        first_faces = mesh.face_ranges[:, 0] if isinstance(mesh, MeshBatch) else None
        face_id = None if raster.face_id is None else geometry.face_of_mesh(raster.face_id, first_faces)
        return replace(
            out,
            face_id=face_id if "face_id" in wanted else None,
            barycentrics=raster.features if "barycentrics" in wanted else None,
        )


def _averaged(image: Tensor, scale: int) -> Tensor:
    if scale == 1:
        return image
    pooled = avg_pool2d(image if image.ndim == 4 else image[:, None], scale)
    return pooled if image.ndim == 4 else pooled[:, 0]


def _background(background: Any, like: Tensor, scale: int) -> Any:
    """Three numbers as a tensor; an image at the size that is drawn."""
    if isinstance(background, (int, float)):
        return float(background)
    if not isinstance(background, Tensor):
        if not isinstance(background, (list, tuple)) or len(background) != 3:
            _check.fail("background", "a number, three of them, or a tensor [3], [B, 3] or [B, 3, H, W]", background)
        numbers = torch.tensor([_check.number("background", x) for x in background], dtype=like.dtype)
        return _cuda.to_device(numbers, like.device)
    if background.ndim == 4 and scale > 1:
        return background.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    return background

"""The renderer as a whole: what its images must be whatever the settings, and what its stages hand to one another."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gendr import Camera, Mesh, Renderer, presets, rasterize
from gendr.distributions import Heaviside, Logistic
from gendr.render import (
    AmbientLight,
    BlendStage,
    DirectionalLight,
    Material,
    MeshBatch,
    PointLight,
    RasterStage,
    ShadeStage,
)
from gendr.tnorms import Maximum

SPHERE = Mesh.icosphere(2, radius=0.5)
CAMERA = Camera.look_at(elevation=30.0, azimuth=torch.tensor([0.0, 110.0]))
LIGHTS = [AmbientLight(0.2), DirectionalLight((1.0, 2.0, -1.0), 0.7), PointLight((0.0, 2.0, 2.0), 0.3)]
ALL = ("alpha", "rgb", "depth", "normal", "face_id", "barycentrics")


def colored(mesh: Mesh = SPHERE) -> Mesh:
    return replace(mesh, vertex_colors=mesh.vertices.detach() + 0.5)


def textured(mesh: Mesh = SPHERE, size: int = 8) -> Mesh:
    generator = torch.Generator().manual_seed(0)
    uvs = torch.rand(mesh.n_vertices, 2, generator=generator)
    image = torch.rand(size, size, 3, generator=generator)
    return replace(mesh, uvs=uvs, face_uvs=mesh.faces, materials=(Material(texture=image),))


def renderer(**changes: object) -> Renderer:
    return replace(Renderer((12, 16), Logistic(), 0.01, blend=BlendStage(background=(0.1, 0.2, 0.3))), **changes)


@pytest.mark.parametrize("method", ["flat", "gouraud", "pixel"])
@pytest.mark.parametrize("model", ["lambert", "blinn-phong"])
@pytest.mark.parametrize("look", [SPHERE, colored(), textured(), colored(textured())], ids=["plain", "c", "t", "ct"])
def test_every_way_of_shading_gives_images_and_gradients(method, model, look):
    vertices = look.vertices.clone().requires_grad_()
    shade = ShadeStage(method, model, specular=0.5, shininess=10.0)
    out = renderer(shade=shade)(look.with_vertices(vertices), CAMERA, LIGHTS, ALL)
    assert out.rgb.shape == (2, 3, 12, 16)
    assert out.face_id.shape == out.depth.shape == out.alpha.shape == (2, 12, 16)
    (gradient,) = torch.autograd.grad(out.rgb.sum() + out.depth.sum() + out.normal.sum(), vertices)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0
    assert torch.isfinite(out.rgb).all()
    assert torch.equal(out.barycentrics.sum(1) > 0.5, out.face_id >= 0)


def test_outputs_are_those_asked_for():
    assert renderer()(SPHERE, CAMERA).rgb is None
    assert renderer()(colored(), CAMERA).depth is not None
    assert renderer()(SPHERE, CAMERA, LIGHTS).rgb is not None
    only = renderer()(colored(), CAMERA, outputs=["face_id"])
    assert only.rgb is None
    assert only.barycentrics is None
    with pytest.raises(ValueError, match="outputs: expected"):
        renderer()(SPHERE, CAMERA, outputs=["color"])


def test_alpha_does_not_depend_on_the_colours():
    plain = renderer()(SPHERE, CAMERA).alpha
    assert torch.equal(plain, renderer()(colored(textured()), CAMERA, LIGHTS).alpha)
    corners = CAMERA.project(SPHERE.vertices)[:, SPHERE.faces]
    assert torch.equal(plain, rasterize(corners, (12, 16), Logistic(), 0.01).alpha)


def test_white_light_shows_the_own_colours():
    """Ambient light of 1 leaves albedo as it is, however light is computed."""
    for look in (colored(), textured()):
        own = renderer()(look, CAMERA).rgb
        for method in ("flat", "gouraud", "pixel"):
            lit = renderer(shade=ShadeStage(method))(look, CAMERA, AmbientLight(1.0)).rgb
            torch.testing.assert_close(lit, own, rtol=1e-5, atol=1e-6)  # products at corners and at pixels round apart


def test_one_texel_is_a_plain_colour():
    red = torch.tensor([0.8, 0.1, 0.2])
    plain = replace(SPHERE, materials=(Material(base_color=red),))
    texel = replace(textured(), materials=(Material(texture=red.expand(1, 1, 3)),))
    torch.testing.assert_close(renderer()(plain, CAMERA).rgb, renderer()(texel, CAMERA).rgb)


def test_background_shows_where_nothing_is():
    far_off = SPHERE.with_vertices(SPHERE.vertices + torch.tensor([0.0, 50.0, 0.0]))
    images = torch.rand(2, 3, 12, 16)
    for background, wanted in ((0.5, torch.full((2, 3, 12, 16), 0.5)), (images, images)):
        out = renderer(blend=BlendStage(background=background))(far_off, CAMERA, LIGHTS)
        torch.testing.assert_close(out.rgb, wanted)
        assert (out.depth == 100.0).all()
        assert (out.alpha == 0).all()


def test_antialiasing_averages():
    settings = {"distribution": Heaviside(), "t_conorm": Maximum(), "tau": 1.0}
    large = renderer(image_size=(48, 64), **settings)(colored(), CAMERA, outputs=["alpha", "rgb"])
    small = renderer(raster=RasterStage(antialias=4), **settings)(colored(), CAMERA, outputs=["alpha", "rgb"])
    torch.testing.assert_close(small.alpha, torch.nn.functional.avg_pool2d(large.alpha, 4))
    torch.testing.assert_close(small.rgb, torch.nn.functional.avg_pool2d(large.rgb, 4))


@pytest.mark.parametrize("camera", [CAMERA, CAMERA.mirrored()], ids=["look_at", "mirrored"])
def test_culling_knows_inside_from_outside(camera):
    """Of a closed surface only outer sides are seen, and a camera that mirrors the world changes nothing."""
    sharp = renderer(distribution=Heaviside(), tau=1.0, t_conorm=Maximum(), blend=BlendStage("hard"))
    whole = sharp(SPHERE, camera, outputs=["depth", "face_id"])
    outer = replace(sharp, raster=RasterStage(cull="back"))(SPHERE, camera, outputs=["depth", "face_id"])
    inner = replace(sharp, raster=RasterStage(cull="front"))(SPHERE, camera, outputs=["depth", "face_id"])
    assert torch.equal(whole.face_id, outer.face_id)
    seen = whole.face_id >= 0
    assert (inner.depth[seen] > whole.depth[seen]).all()


def test_orthographic_views_interpolate_linearly():
    camera = Camera.look_at(projection="orthographic", scale=1.0, elevation=0.0)
    tilted = Mesh(torch.tensor([[-0.9, -0.9, 1.0], [0.9, -0.9, -1.0], [0.0, 0.9, 0.0]]), torch.tensor([[0, 1, 2]]))
    out = renderer(image_size=8, tau=1e-6, blend=BlendStage("hard"))(tilted, camera, outputs=["depth"])
    row = out.depth[0, 6]
    inner = row[(row < 99)]
    torch.testing.assert_close(inner.diff(), inner.diff()[:1].expand(len(inner) - 1), rtol=1e-4, atol=1e-5)


class TestNearPlane:
    """A floor that passes under the camera: cut, it is the picture that a fine floor without crossing faces gives."""

    camera = Camera.look_at(distance=1.5, elevation=20.0, half_angle=35.0)

    @staticmethod
    def floor(cells: int) -> Mesh:
        line = torch.linspace(-4.0, 4.0, cells + 1)
        x, z = torch.meshgrid(line, line, indexing="ij")
        vertices = torch.stack([x, torch.full_like(x, -0.4), z], -1).reshape(-1, 3)
        first = (torch.arange(cells)[:, None] * (cells + 1) + torch.arange(cells)).reshape(-1, 1)
        corner = torch.cat([first, first + 1, first + cells + 2, first, first + cells + 2, first + cells + 1], 1)
        return Mesh(vertices, corner.reshape(-1, 3), vertex_colors=(vertices / 8 + 0.5))

    def test_the_picture_is_that_of_a_fine_floor(self):
        sharp = renderer(image_size=32, distribution=Heaviside(), tau=1.0, t_conorm=Maximum(), blend=BlendStage("hard"))
        coarse, fine = (sharp(self.floor(cells), self.camera, outputs=ALL) for cells in (1, 160))
        differs = (coarse.face_id >= 0) != (fine.face_id >= 0)
        assert differs.float().mean() < 0.02  # what the fine floor loses at the plane is a cell of it
        both = (coarse.face_id >= 0) & (fine.face_id >= 0)
        assert both.any()
        seen = both[:, None].expand(-1, 3, -1, -1)
        torch.testing.assert_close(coarse.rgb[seen], fine.rgb[seen], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(coarse.depth[both], fine.depth[both], rtol=1e-3, atol=1e-3)
        assert coarse.face_id.max() < 2  # numbered as in the mesh, whatever the cut made of it

    def test_without_clipping_the_faces_are_dropped(self):
        kept = renderer(raster=RasterStage(clip=False))(self.floor(1), self.camera)
        assert (kept.alpha == 0).all()

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_far_plane_cuts_as_well(self, count):
        """Beyond it nothing is drawn, before it everything, in one mesh and in a batch of several."""
        stage = RasterStage(far=2.5)
        sharp = renderer(image_size=32, distribution=Heaviside(), tau=1.0, t_conorm=Maximum(), blend=BlendStage("hard"))
        floor = self.floor(1)
        whole = sharp(floor, self.camera, outputs=ALL)
        cut = replace(sharp, raster=stage)(MeshBatch.pack([floor] * count), self.camera, outputs=ALL)
        before = (whole.face_id >= 0) & (whole.depth < 2.499)
        beyond = whole.depth > 2.501
        assert before.any()
        assert (beyond & (whole.face_id >= 0)).any()
        for image in range(count):
            assert torch.equal(cut.face_id[image][before[0]], whole.face_id[before])
            torch.testing.assert_close(cut.depth[image][before[0]], whole.depth[before], rtol=1e-5, atol=0)
            assert (cut.face_id[image][beyond[0]] == -1).all()
            assert (cut.alpha[image][beyond[0]] == 0).all()

    def test_gradients_pass_the_cut(self):
        mesh = self.floor(1)
        vertices = mesh.vertices.double().requires_grad_()

        def draw(points: torch.Tensor) -> torch.Tensor:
            out = renderer(image_size=6, tau=0.05)(
                Mesh(points, mesh.faces, vertex_colors=mesh.vertex_colors.double()), self.camera
            )
            return torch.cat([out.alpha.flatten(), out.rgb.flatten()])

        assert torch.autograd.gradcheck(draw, (vertices,), fast_mode=True, atol=1e-5, rtol=1e-3)


class TestMeshBatch:
    """Different meshes in one call are the images that each gives alone."""

    # In float64: the projections of one camera and of three are rounded differently on some processors, and softness
    # and gamma divide the difference.
    meshes = tuple(
        mesh.to(dtype=torch.float64)
        for mesh in (colored(), textured(Mesh.icosphere(1, radius=0.4)), Mesh.icosphere(0, radius=0.6))
    )

    @pytest.mark.parametrize("distance", [2.732, 1.3], ids=["in front", "through the near plane"])
    @pytest.mark.parametrize("method", ["flat", "gouraud", "pixel"])
    def test_images_are_those_of_the_meshes_alone(self, distance, method):
        cameras = Camera.look_at(distance=distance, elevation=20.0, azimuth=torch.tensor([0.0, 50.0, 100.0]).double())
        draw = renderer(shade=ShadeStage(method))
        together = draw(MeshBatch.pack(self.meshes), cameras, LIGHTS, ALL)
        for i, mesh in enumerate(self.meshes):
            alone = draw(mesh, cameras[i], LIGHTS, ALL)
            for name in ALL:
                got, want = getattr(together, name)[i], getattr(alone, name)[0]
                torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-10, msg=lambda m, n=name: f"{n}: {m}")

    def test_one_camera_for_all(self):
        camera = CAMERA[0].to(torch.float64)
        together = renderer()(MeshBatch.pack(self.meshes), camera, outputs=["rgb"])
        for i, mesh in enumerate(self.meshes):
            alone = renderer()(mesh, camera, outputs=["rgb"]).rgb[0]
            torch.testing.assert_close(together.rgb[i], alone, rtol=1e-9, atol=1e-10)


def test_everything_is_differentiable():
    mesh = textured(size=2)
    image = mesh.materials[0].texture.clone().requires_grad_()
    direction, color = torch.tensor([1.0, 2.0, -1.0]).requires_grad_(), torch.tensor(0.7).requires_grad_()
    distance = torch.tensor(2.5).requires_grad_()
    gamma, tau = torch.tensor(1e-3).requires_grad_(), torch.tensor(0.02).requires_grad_()
    look = replace(mesh, materials=(Material(texture=image),))
    draw = renderer(tau=tau, blend=BlendStage(gamma=gamma), shade=ShadeStage("pixel", "blinn-phong", specular=0.5))
    light = DirectionalLight(direction, color.expand(3))
    out = draw(look, Camera.look_at(distance=distance), light, ["rgb"])
    weights = torch.rand_like(out.rgb)
    for gradient in torch.autograd.grad((out.rgb * weights).sum(), [image, direction, color, distance, gamma, tau]):
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0


def test_reference_draws_the_same():
    mesh = textured(Mesh.icosphere(0, radius=0.5)).to(dtype=torch.float64)
    draw = renderer(image_size=8, shade=ShadeStage("gouraud"))
    kernels = draw(mesh, CAMERA, LIGHTS)
    plain = replace(draw, raster=RasterStage(backend="reference"))(mesh, CAMERA, LIGHTS)
    for name in ("alpha", "rgb", "depth"):
        torch.testing.assert_close(getattr(kernels, name), getattr(plain, name), rtol=1e-9, atol=1e-9)


def test_straight_through_presets_draw_colours():
    out = presets.nmr(16)(colored(), CAMERA, LIGHTS)
    assert out.rgb.shape == (2, 3, 16, 16)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RasterStage(antialias=3), "antialias: expected 1, 2 or 4"),
        (lambda: RasterStage(near=2.0, far=1.0), "far: expected"),
        (lambda: BlendStage("gentle"), "mode: expected"),
        (lambda: ShadeStage("phong"), "method: expected"),
        (lambda: ShadeStage(model="toon"), "model: expected"),
    ],
)
def test_stages_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()

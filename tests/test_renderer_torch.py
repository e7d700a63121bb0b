"""The renderer as a citizen of torch: compilers, and networks in mixed precision."""

from __future__ import annotations

import pytest
import torch

from gendr import Camera, Mesh, Renderer, rasterize
from gendr.distributions import Logistic
from gendr.render import (
    AmbientLight,
    BlendStage,
    DirectionalLight,
    FaceTextures,
    Material,
    MeshBatch,
    PointLight,
    RasterStage,
    ShadeStage,
    SphericalHarmonicsLight,
    face_normals,
    losses,
    rotations,
)
from gendr.tnorms import Yager
from renderers import random_triangles

LIGHTS = [AmbientLight(0.2), DirectionalLight((1.0, 2.0, -1.0), 0.7), PointLight((0.0, 2.0, 2.0), 0.3)]
CAMERA = Camera.look_at(elevation=30.0, azimuth=torch.tensor([0.0, 110.0])).to(torch.float32)
OUTPUTS = ("alpha", "rgb", "depth", "normal", "face_id", "barycentrics")
SPHERE = Mesh.icosphere(1, radius=0.5)
STAGES = {
    "default": {},
    "hard, culled": {"blend": BlendStage("hard", background=(0.1, 0.2, 0.3)), "raster": RasterStage(cull="back")},
    "gouraud": {"shade": ShadeStage("gouraud", "blinn-phong", specular=0.5), "raster": RasterStage(antialias=2)},
    "flat": {"shade": ShadeStage("flat"), "raster": RasterStage(clip=False)},
    "through the near plane": {"raster": RasterStage(near=2.7)},
}
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*should not be instantiated:DeprecationWarning"  # by Dynamo itself, torch 2.13
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch._dynamo.reset()


def textured(mesh: Mesh = SPHERE) -> Mesh:
    draw = torch.Generator().manual_seed(0)
    uvs, image = torch.rand(mesh.n_vertices, 2, generator=draw), torch.rand(4, 5, 3, generator=draw)
    return Mesh(mesh.vertices, mesh.faces, mesh.vertices + 0.5, uvs, mesh.faces, (Material(texture=image),))


def drawing(mesh: Mesh | MeshBatch, camera: Camera = CAMERA, lights=LIGHTS, **stages):
    renderer = Renderer((12, 16), Logistic(), 0.01, **stages)

    def draw(vertices: torch.Tensor) -> list[torch.Tensor]:
        out = renderer(mesh.with_vertices(vertices), camera, lights, OUTPUTS)
        return [getattr(out, name) for name in OUTPUTS]

    return draw


def loss(images: list[torch.Tensor]) -> torch.Tensor:
    return sum(image.square().sum() for image in images if image.is_floating_point())


def assert_compiles(call, vertices: torch.Tensor) -> None:
    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    gradients, values = [], []
    for draw in (call, compiled):
        leaf = vertices.clone().requires_grad_()
        values.append(draw(leaf))
        gradients += torch.autograd.grad(loss(values[-1]), leaf)
    for want, got in zip(*values, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    assert gradients[0].abs().sum() > 0
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-4 * float(gradients[0].abs().max()))


@pytest.mark.parametrize("stages", STAGES)
def test_compiles_whole(stages):
    assert_compiles(drawing(textured(), **STAGES[stages]), SPHERE.vertices)


@pytest.mark.parametrize("camera", [CAMERA, CAMERA[0]], ids=["a view each", "one view"])
def test_different_meshes_compile_whole(camera):
    batch = MeshBatch.pack([textured(), Mesh.icosphere(0, radius=0.4)])
    assert_compiles(drawing(batch, camera), batch.mesh.vertices)


def test_packed_faces_compile_whole():
    ranges = torch.tensor([[0, 4], [4, 4], [5, 9]])
    colours = torch.rand(9, 3, 2, generator=torch.Generator().manual_seed(1))

    def draw(faces: torch.Tensor) -> list[torch.Tensor]:
        out = rasterize(faces, 8, Logistic(), 0.1, Yager(p=2.0), attributes=colours, face_ranges=ranges)
        return [out.alpha, out.features, out.depth]

    assert_compiles(draw, random_triangles(1, 9, torch.float32)[0])


def test_ranges_are_looked_at_when_a_compiled_program_runs():
    draw = torch.compile(
        lambda faces, ranges: rasterize(faces, 8, face_ranges=ranges).alpha, fullgraph=True, backend="aot_eager"
    )
    faces = random_triangles(1, 9, torch.float32)[0]
    assert torch.equal(draw(faces, torch.tensor([[0, 9]])), rasterize(faces[None], 8).alpha)
    for beyond in ([[0, 10]], [[-1, 3]], [[3, 2]]):
        with pytest.raises(ValueError, match="face_ranges: expected ascending ranges within 9 faces"):
            draw(faces, torch.tensor(beyond))


def test_maps_are_looked_at_when_a_compiled_program_runs():
    faces, uvs = random_triangles(1, 3, torch.float32), torch.rand(1, 3, 3, 2)

    def draw(maps: torch.Tensor, map_of_face: torch.Tensor) -> torch.Tensor:
        textures = FaceTextures(uvs, torch.ones(12, 1), maps, map_of_face)
        return rasterize(faces, 8, textures=textures).features

    compiled = torch.compile(draw, fullgraph=True, backend="aot_eager")
    sound = torch.tensor([[0, 3, 4]]), torch.zeros(3, dtype=torch.int64)
    assert torch.equal(compiled(*sound), draw(*sound))
    with pytest.raises(ValueError, match=r"map_of_face\[1\]: expected one of 1 maps, got 1"):
        compiled(sound[0], torch.tensor([0, 1, 0]))
    with pytest.raises(ValueError, match=r"maps\[0\]: expected one texel or more within the 12"):
        compiled(torch.tensor([[1, 3, 4]]), sound[1])


def test_values_are_looked_at_when_a_compiled_program_runs():
    renderer = Renderer(8, tau=0.01)

    def draw(color: torch.Tensor) -> torch.Tensor:
        return renderer(SPHERE, CAMERA, AmbientLight(color)).rgb

    compiled = torch.compile(draw, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(torch.ones(3)), draw(torch.ones(3)))
    with pytest.raises(ValueError, match=r"lights.color: expected finite values, got nan at \[1\]"):
        compiled(torch.tensor([1.0, torch.nan, 1.0]))


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_does_not_reach_within(stages, dtype):
    """Images and gradients to the bit, though a matrix product outside of gendr would be in half precision."""
    call, mesh = drawing(textured(), **STAGES[stages]), textured()
    outcomes = []
    for on in (False, True):
        leaf = mesh.vertices.clone().requires_grad_()
        with torch.autocast("cpu", dtype, enabled=on):
            assert ((leaf @ leaf.T).dtype == dtype) == on
            images = call(leaf)
        outcomes.append([*images, *torch.autograd.grad(loss(images), leaf)])
    for want, got in zip(*outcomes, strict=True):
        assert got.dtype == want.dtype
        assert torch.equal(got, want)


def test_what_comes_in_half_precision_is_computed_in_single():
    half = SPHERE.vertices.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        color, behind = (torch.rand(3).bfloat16() for _ in range(2))
        image = torch.rand(4, 5, 3).bfloat16()
        mesh = Mesh(half, SPHERE.faces, half, half[:, :2], SPHERE.faces, (Material("", color, image),))
        blend = BlendStage(gamma=torch.tensor(0.125).bfloat16(), background=behind)
        shade = ShadeStage(model="blinn-phong", specular=color, shininess=torch.tensor(8.0).bfloat16())
        lights = [PointLight(color, color), SphericalHarmonicsLight(torch.rand(9, 3).bfloat16())]
        camera = CAMERA.with_pose(torch.eye(3).bfloat16(), torch.tensor([0.0, 0.0, -3.0]).bfloat16())
        renderer = Renderer(8, tau=torch.tensor(0.125).bfloat16(), blend=blend, shade=shade)
        assert mesh.with_vertices(half).vertices.dtype == torch.float32
        assert camera.project(half).dtype == torch.float32
        assert FaceTextures.from_image(half[None, :3, :2].expand(4, 3, 2), image).texels.dtype == torch.float32
        images = renderer(mesh, camera, lights, OUTPUTS)
    assert images.rgb.dtype == images.alpha.dtype == torch.float32
    assert torch.isfinite(images.rgb).all()


def test_half_precision_outside_of_autocast_is_refused():
    with pytest.raises(ValueError, match=r"vertices: expected float32 or float64 \[\*, V, 3\], got bfloat16"):
        SPHERE.with_vertices(SPHERE.vertices.bfloat16())


def test_transforms_of_whole_renderers():
    """Constants beside what is transformed: camera, lights, background."""
    background = torch.tensor([0.1, 0.2, 0.3])
    draw = drawing(textured(), blend=BlendStage(background=background))

    def total(vertices: torch.Tensor) -> torch.Tensor:
        return loss(draw(vertices))

    leaf = SPHERE.vertices.clone().requires_grad_()
    (want,) = torch.autograd.grad(total(leaf), leaf)
    assert torch.equal(torch.func.grad(total)(SPHERE.vertices), want)
    assert torch.equal(torch.func.jacrev(total)(SPHERE.vertices), want)
    two = torch.stack([SPHERE.vertices, 0.9 * SPHERE.vertices])
    several = torch.func.vmap(lambda vertices: torch.stack(draw(vertices)[:1]))(two)
    for vertices, image in zip(two, several, strict=True):
        torch.testing.assert_close(image[0], draw(vertices)[0], rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's forward mode itself, torch 2.13
def test_forward_mode_and_second_derivatives_of_whole_reference_renderers():
    renderer = Renderer((4, 5), Logistic(), 0.1, raster=RasterStage(backend="reference"))
    mesh = Mesh.icosphere(0, radius=0.5, dtype=torch.float64)

    def total(scale: torch.Tensor) -> torch.Tensor:
        return renderer(mesh.with_vertices(mesh.vertices * scale), CAMERA, LIGHTS).rgb.square().sum()

    one, step = torch.ones(3, dtype=torch.float64), 1e-5
    gradient, hessian = torch.func.grad(total)(one), torch.func.hessian(total)(one)
    sides = [torch.func.grad(total)(one + sign * step * torch.eye(3)[0]) for sign in (1, -1)]
    torch.testing.assert_close(hessian[0], (sides[0] - sides[1]) / (2 * step), rtol=1e-4, atol=1e-5)
    _, along = torch.func.jvp(total, (one,), (one,))
    torch.testing.assert_close(along, gradient.sum())


def test_a_camera_made_within_compiles_too():
    def draw(azimuth: torch.Tensor) -> torch.Tensor:
        return renderer(SPHERE, Camera.look_at(elevation=20.0, azimuth=azimuth)).alpha

    renderer = Renderer(8, tau=0.1)
    compiled = torch.compile(draw, fullgraph=True, backend="aot_eager")
    azimuth = torch.tensor([10.0, 50.0])
    torch.testing.assert_close(compiled(azimuth), draw(azimuth), rtol=0, atol=1e-5)


def test_autocast_reaches_neither_poses_nor_conventions_nor_normals():
    vector, corners = torch.tensor([0.3, -0.2, 0.5]), SPHERE.face_vertices()
    turn = rotations.axis_angle_to_matrix(vector)
    camera = Camera.from_opencv([[40.0, 0, 8], [0, 40.0, 6], [0, 0, 1]], turn, torch.tensor([0.0, 0, 3]), (12, 16))
    calls = {
        "axis angle": lambda: rotations.axis_angle_to_matrix(vector),
        "and back": lambda: rotations.matrix_to_axis_angle(turn),
        "opencv": lambda: camera.to_opencv().R,
        "from opencv": lambda: Camera.from_opencv(*camera.to_opencv()[:3], (12, 16)).rotation,
        "opengl": lambda: camera.to_opengl().view,
        "pytorch3d": lambda: camera.to_pytorch3d().R,
        "look at": lambda: Camera.look_at(azimuth=vector).rotation,
        "normals": lambda: face_normals(corners),
        "laplacian": lambda: losses.laplacian_loss(SPHERE.vertices, SPHERE.faces),
        "harmonics": lambda: SphericalHarmonicsLight(torch.ones(9, 3)).ambient(corners[0, :, 0]),
    }
    for name, call in calls.items():
        want = call()
        with torch.autocast("cpu", torch.bfloat16):
            got = call()
        assert got.dtype == want.dtype, name
        assert torch.equal(got, want), name
    with torch.autocast("cpu", torch.bfloat16):
        half = vector.bfloat16()
        for call in (rotations.axis_angle_to_matrix, lambda v: Camera.look_at(azimuth=v).rotation):
            assert call(half).dtype == torch.float32
        assert face_normals(corners.bfloat16()).dtype == torch.float32

"""On a GPU: what faces show, and whole renderers, as on the CPU; nothing that waits; reports of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from gendr import Camera, Mesh, Renderer, _cuda, rasterize
from gendr.distributions import Cauchy, Distribution, Gamma, Logistic
from gendr.render import (
    AmbientLight,
    DirectionalLight,
    FaceTextures,
    Material,
    MeshBatch,
    PointLight,
    Raster,
    RasterStage,
    Rendering,
    ShadeStage,
)
from gendr.scenes import cow
from gendr.tnorms import Dombi, Probabilistic, TNorm, Yager
from renderers import random_triangles, relative_error

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not _cuda.is_available(), reason="no GPU, or gendr was compiled without nvcc"),
]
DEVICE = "cuda"
PAIRS = [(Logistic().squared(), Probabilistic()), (Cauchy(), Yager(p=0.5)), (Gamma(p=0.5).reversed(), Dombi(p=2.0))]
SPHERE = Mesh.icosphere(2, radius=0.5)
CAMERA = Camera.look_at(elevation=30.0, azimuth=torch.tensor([0.0, 110.0]).double())
LIGHTS = [AmbientLight(0.2), DirectionalLight((1.0, 2.0, -1.0), 0.7), PointLight((0.0, 2.0, 2.0), 0.3)]
OUTPUTS = ("alpha", "rgb", "depth", "normal", "face_id")


@dataclass
class Scene:
    """Faces with colours and textures, in float64 on the CPU."""

    distribution: Distribution
    t_conorm: TNorm
    blend: str

    def drawn(self, place: str, dtype: torch.dtype) -> dict[str, Tensor]:
        """Images and gradients, back on the CPU in float64."""
        torch.manual_seed(0)  # the same scene in every call
        draw = torch.Generator().manual_seed(0)
        faces = random_triangles(2, 40)
        # No two cross, so that rounding decides nowhere which is nearer.
        faces[..., 2] = (
            2 + 0.2 * torch.randperm(40, generator=draw)[:, None] + 0.1 * torch.rand(2, 40, 3, generator=draw)
        )
        shapes = {"colours": (2, 40, 3, 3), "uvs": (1, 40, 3, 2), "image": (8, 8, 2)}
        given = {n: torch.rand(s, dtype=torch.float64, generator=draw) for n, s in shapes.items()} | {"faces": faces}
        given |= {"tau": torch.tensor(0.02), "gamma": torch.tensor(0.1)}
        # The same numbers in both precisions.
        leaves = {n: t.float().to(place, dtype).requires_grad_() for n, t in given.items()}
        textures = FaceTextures.from_image(leaves["uvs"], leaves["image"], "mirror")
        raster = rasterize(
            leaves["faces"],
            (48, 64),
            self.distribution,
            leaves["tau"],
            self.t_conorm,
            attributes=leaves["colours"],
            textures=textures,
            blend=self.blend,
            gamma=leaves["gamma"],
            backend=place,
        )
        images = {n: getattr(raster, n) for n in ("alpha", "features", "depth", "background_weight")}
        total = sum(image.sum() for image in images.values())
        gradients = torch.autograd.grad(total, list(leaves.values()))
        outcome = images | {f"gradient of {n}": g for n, g in zip(leaves, gradients, strict=True)}
        return {n: t.detach().double().cpu() for n, t in outcome.items()}


@pytest.fixture(params=["soft", "hard"])
def blend(request) -> str:
    return request.param


@pytest.mark.parametrize(("distribution", "t_conorm"), PAIRS, ids=str)
def test_float64_agrees_with_the_cpu(distribution, t_conorm, blend):
    scene = Scene(distribution, t_conorm, blend)
    here, there = scene.drawn("cpu", torch.float64), scene.drawn(DEVICE, torch.float64)
    for name, want in here.items():
        assert relative_error(there[name], want, 1e-2) < 1e-8, name


@pytest.mark.parametrize(("distribution", "t_conorm"), PAIRS, ids=str)
def test_float32_is_as_near_to_float64_as_on_the_cpu(distribution, t_conorm, blend):
    scene = Scene(distribution, t_conorm, blend)
    truth = scene.drawn("cpu", torch.float64)
    here, there = scene.drawn("cpu", torch.float32), scene.drawn(DEVICE, torch.float32)
    for name, want in truth.items():
        assert relative_error(there[name], want, 1e-2) < 5 * relative_error(here[name], want, 1e-2) + 2e-5, name


@pytest.mark.parametrize(("distribution", "t_conorm"), PAIRS, ids=str)
def test_bits_are_the_same_every_time_and_on_every_stream(distribution, t_conorm, blend):
    scene = Scene(distribution, t_conorm, blend)
    first = scene.drawn(DEVICE, torch.float32)
    for _ in range(4):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            again = scene.drawn(DEVICE, torch.float32)
        assert all(torch.equal(again[name], image) for name, image in first.items())


def textured(mesh: Mesh = SPHERE) -> Mesh:
    draw = torch.Generator().manual_seed(0)
    uvs, image = torch.rand(mesh.n_vertices, 2, generator=draw), torch.rand(8, 8, 3, generator=draw)
    return Mesh(mesh.vertices, mesh.faces, mesh.vertices + 0.5, uvs, mesh.faces, (Material(texture=image),))


def moved(mesh: Mesh | MeshBatch) -> Tensor:
    return (mesh.mesh if isinstance(mesh, MeshBatch) else mesh).vertices.detach().clone().requires_grad_()


def step(renderer: Renderer, mesh: Mesh | MeshBatch, camera: Camera, vertices: Tensor) -> tuple[Rendering, Tensor]:
    """Images and the gradient of the vertices."""
    out = renderer(mesh.with_vertices(vertices), camera, LIGHTS, OUTPUTS)
    total = out.alpha.sum() + out.rgb.square().sum() + out.depth.sum() + out.normal.sum()
    return out, torch.autograd.grad(total, vertices)[0]


STAGES = {
    "pixel": {"shade": ShadeStage("pixel", "blinn-phong")},
    "gouraud, culled": {"shade": ShadeStage("gouraud"), "raster": RasterStage(cull="back", antialias=2)},
    "flat, cut": {"shade": ShadeStage("flat"), "raster": RasterStage(near=2.7)},
}
MESHES = {"textured": textured(), "different": MeshBatch.pack([textured(), Mesh.icosphere(1, radius=0.4)])}


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("stages", STAGES)
def test_whole_renderers_agree_with_the_cpu(stages, mesh):
    renderer = Renderer((48, 64), Logistic(), 0.01, **STAGES[stages])
    outcomes = []
    for place in ("cpu", DEVICE):
        meshes = MESHES[mesh].to(place, torch.float64)
        out, gradient = step(renderer, meshes, CAMERA.to(place), moved(meshes))
        outcomes.append([*(getattr(out, name).detach().double().cpu() for name in OUTPUTS), gradient.cpu()])
    for here, there in zip(*outcomes, strict=True):
        assert relative_error(there, here, 1e-2) < 1e-8


def test_a_scene_agrees_with_the_cpu_in_vertices_and_texture():
    renderer = Renderer((48, 64), Logistic().squared(), 1e-4, raster=RasterStage(cull="back", antialias=2))
    camera = Camera.look_at(elevation=30.0, azimuth=torch.tensor([40.0, 150.0]).double())  # no pixel lies on an edge
    outcomes = []
    for place in ("cpu", DEVICE):
        mesh = cow(2).to(place, torch.float64)
        vertices, texture = (t.clone().requires_grad_() for t in (mesh.vertices, mesh.materials[0].texture))
        posed = replace(mesh, vertices=vertices, materials=(replace(mesh.materials[0], texture=texture),))
        out = renderer(posed, camera.to(place), LIGHTS, OUTPUTS)
        total = out.rgb.square().sum() + out.depth.sum() + out.normal.square().sum()
        gradients = torch.autograd.grad(total, (vertices, texture))
        images = [getattr(out, name) for name in OUTPUTS]
        outcomes.append([t.detach().double().cpu() for t in (*images, *gradients)])
    for name, here, there in zip((*OUTPUTS, "vertices", "texture"), *outcomes, strict=True):
        error = float((there - here).abs().max()) if name in OUTPUTS else relative_error(there, here)
        assert error < 1e-8, name


@contextmanager
def nothing_waits() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("stages", STAGES)
def test_a_renderer_s_step_does_not_wait(stages, mesh):
    renderer = Renderer((48, 64), Logistic(), 0.01, **STAGES[stages])
    meshes, camera = MESHES[mesh].to(DEVICE), CAMERA.to(torch.float32).to(DEVICE)
    vertices = moved(meshes)
    step(renderer, meshes, camera, vertices)  # allocations, pinned memory, modules
    with nothing_waits():
        _, gradient = step(renderer, meshes, camera, vertices)
    assert torch.isfinite(gradient).all()


def test_the_core_s_step_does_not_wait(blend):
    faces = random_triangles(2, 40, torch.float32).to(DEVICE).requires_grad_()
    colours, behind = torch.rand(1, 40, 3, 3, device=DEVICE), torch.rand(3, device=DEVICE)

    def draw() -> None:
        out = rasterize(faces, 32, tau=0.1, attributes=colours, blend=blend, background=behind)
        out.features.sum().backward()

    draw()
    with nothing_waits():
        draw()


def spoilt(name: str) -> dict[str, object]:
    """What `rasterize` is given, with a NaN in one of it."""
    colours, uvs, image = (torch.ones(s, device=DEVICE) for s in ((1, 4, 3, 1), (1, 4, 3, 2), (2, 2, 1)))
    values = {"attributes": colours, "uvs": uvs, "texels": image, "gamma": image[0, 0, 0], "background": image[0, :, 0]}
    values[name] = values[name] * torch.nan
    textures = FaceTextures.from_image(values.pop("uvs"), values.pop("texels"))
    return {"textures": textures, **values}


def assert_reported(message: str, spoils: Callable[[], Raster | Rendering], sound: Callable[[], object]) -> None:
    """One of the next kernels' calls raises, in the same step or in the next; until then images are finite."""

    def both() -> None:
        out = spoils()
        assert all(bool(torch.isfinite(image).all()) for image in vars(out).values() if image is not None)
        sound()

    with pytest.raises(ValueError, match=message):
        both()
    with suppress(ValueError):  # what kernels that were still running reported after that
        _cuda.raise_reported(torch.device(DEVICE, 0), wait=True)
    sound()


@pytest.mark.parametrize("name", ["attributes", "uvs", "texels", "gamma", "background"])
def test_a_later_call_reports_what_was_not_finite(name):
    faces, given = random_triangles(1, 4, torch.float32).to(DEVICE), spoilt(name)
    message = f"{name}: expected .* in a call on cuda:0 before this one"
    assert_reported(message, lambda: rasterize(faces, 16, **given), lambda: rasterize(faces, 16))
    with pytest.raises(ValueError, match=f"{name}: expected .*, got nan"):
        rasterize(faces, 16, validate=True, **given)


@pytest.mark.parametrize("name", ["lights", "camera", "vertices"])
def test_a_later_call_reports_what_a_renderer_was_given(name):
    renderer, mesh, camera = Renderer(16, tau=0.01), SPHERE.to(DEVICE), CAMERA.to(torch.float32).to(DEVICE)
    bad = torch.full((3,), torch.nan, device=DEVICE)
    given = {"lights": LIGHTS, "camera": camera, "vertices": mesh.vertices}
    given[name] = {
        "lights": [AmbientLight(bad)],
        "camera": replace(camera, eye=camera.eye + bad),
        "vertices": mesh.vertices + bad,
    }[name]

    def spoils(using: Renderer = renderer) -> Rendering:
        return using(mesh.with_vertices(given["vertices"]), given["camera"], given["lights"])

    assert_reported(f"{name}: expected finite values", spoils, lambda: renderer(mesh, camera, LIGHTS))
    with pytest.raises(ValueError, match=rf"{name}.*: expected finite values, got nan at \["):
        spoils(replace(renderer, raster=RasterStage(validate=True)))


def test_a_map_beyond_the_texels_is_reported():
    faces = random_triangles(1, 4, torch.float32).to(DEVICE)
    uvs, texels = torch.zeros(1, 4, 3, 2, device=DEVICE), torch.ones(4, 1, device=DEVICE)
    which = torch.tensor([0, 7, 0, 0], device=DEVICE)
    textures = FaceTextures(uvs, texels, torch.tensor([[0, 2, 2]], device=DEVICE), which)
    message = "maps, map_of_face: expected maps within the texels"
    assert_reported(message, lambda: rasterize(faces, 16, textures=textures), lambda: rasterize(faces, 16))

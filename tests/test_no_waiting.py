"""A step on a GPU waits for nothing: the same Python, over a device that has no values to read."""

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
    rotations,
)
from gendr.tnorms import Yager
from without_values import DEVICE, Waited, nobody_waits

SPHERE = Mesh.icosphere(1, radius=0.5)
LIGHTS = [AmbientLight(0.2), DirectionalLight((1.0, 2.0, -1.0), 0.7), PointLight((0.0, 2.0, 2.0), 0.3)]
LIGHTS += [SphericalHarmonicsLight(torch.ones(9, 3))]
CAMERAS = {
    "one view": Camera.look_at(elevation=30.0),
    "two views": Camera.look_at(elevation=30.0, azimuth=torch.tensor([0.0, 110.0])),
    "orthographic": Camera.look_at(projection="orthographic"),
    "with a lens": Camera.from_opencv(
        [[40.0, 0, 8], [0, 40.0, 6], [0, 0, 1]], torch.eye(3), [0.0, 0, 3], (12, 16), [0.1, 0, 0, 0]
    ),
}


def looking(wraps: tuple[str, ...] = ("repeat",)) -> Mesh:
    """A sphere with a material for each wrap, faces without any, and corners without coordinates."""
    materials = tuple(Material(texture=torch.rand(4, 5, 3), wrap=wrap) for wrap in wraps)
    face_uvs = SPHERE.faces.clone()
    face_uvs[3] = -1
    which = torch.arange(SPHERE.n_faces) % (len(wraps) + 1) - 1
    uvs = torch.rand(SPHERE.n_vertices, 2)
    return Mesh(SPHERE.vertices, SPHERE.faces, SPHERE.vertices + 0.5, uvs, face_uvs, materials, which)


MESHES = {"plain": SPHERE, "textured": looking(), "mirrored and repeated": looking(("mirror", "repeat"))}
MESHES |= {"clamped and repeated": looking(("clamp", "repeat"))}
STAGES = {
    "pixel": (ShadeStage("pixel", "blinn-phong"), BlendStage(), RasterStage()),
    "gouraud, hard": (ShadeStage("gouraud"), BlendStage("hard", background=(0.1, 0.2, 0.3)), RasterStage(cull="back")),
    "flat, finer": (ShadeStage("flat", specular=0.5), BlendStage(), RasterStage(antialias=2, clip=False)),
}


def step(renderer: Renderer, mesh: Mesh | MeshBatch, camera: Camera, lights, outputs) -> None:
    vertices = (mesh.mesh if isinstance(mesh, MeshBatch) else mesh).vertices.clone().requires_grad_()
    with nobody_waits():
        out = renderer(mesh.with_vertices(vertices), camera, lights, outputs)
        images = [x for x in vars(out).values() if x is not None and x.is_floating_point()]
        torch.autograd.grad(sum(x.sum() for x in images), vertices)


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize("mesh", MESHES)
def test_a_renderer(mesh, stages, camera):
    shade, blend, raster = STAGES[stages]
    renderer = Renderer((12, 16), Logistic(), 0.01, raster=raster, blend=blend, shade=shade)
    outputs = ("alpha", "rgb", "depth", "normal", "face_id", "barycentrics")
    step(renderer, MESHES[mesh].to(DEVICE), CAMERAS[camera].to(torch.float32).to(DEVICE), LIGHTS, outputs)
    step(renderer, MESHES[mesh].to(DEVICE), CAMERAS[camera].to(torch.float32).to(DEVICE), None, None)


@pytest.mark.parametrize("camera", ["one view", "two views"])
@pytest.mark.parametrize("stages", STAGES)
def test_different_meshes(stages, camera):
    shade, blend, raster = STAGES[stages]
    renderer = Renderer((12, 16), Logistic(), 0.01, raster=raster, blend=blend, shade=shade)
    batch = MeshBatch.pack([looking(), SPHERE]).to(DEVICE)
    step(renderer, batch, CAMERAS[camera].to(DEVICE), LIGHTS, ("alpha", "rgb", "depth", "normal", "face_id"))


def test_what_changes_in_a_step_is_made_anew():
    """Poses, textures and materials of the step's own."""
    mesh, camera = looking().to(DEVICE), CAMERAS["two views"].to(torch.float32).to(DEVICE)
    rotation, texture, color = (torch.empty(s, device=DEVICE, requires_grad=True) for s in ((3, 3), (4, 5, 3), (3,)))
    with nobody_waits():
        material = Material(base_color=color, texture=texture, specular=color)
        posed = camera.with_pose(rotation)
        changed = replace_unchecked(mesh, materials=(material,))
        out = Renderer(8, tau=0.01)(changed, posed, [AmbientLight(color), PointLight(color)])
        torch.autograd.grad(out.rgb.sum(), (rotation, texture, color))


def replace_unchecked(mesh: Mesh, **changes) -> Mesh:
    other = mesh.with_vertices(mesh.vertices)
    other.__dict__.update(changes)
    return other


@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_the_functional_core(blend):
    faces, colours, uvs, image = (
        torch.empty(s, device=DEVICE, requires_grad=True) for s in ((2, 5, 3, 3), (1, 5, 3, 3), (1, 5, 3, 2), (4, 4, 1))
    )
    tau, gamma, behind = (torch.empty(s, device=DEVICE, requires_grad=True) for s in ((2,), (), (4,)))
    with nobody_waits():
        textures = FaceTextures.from_image(uvs, image, "mirror")
        out = rasterize(
            faces, 8, tau=tau, attributes=colours, textures=textures, blend=blend, gamma=gamma, background=behind
        )
        torch.autograd.grad(out.features.sum() + out.alpha.sum(), (faces, colours, uvs, image, tau, gamma, behind))


@pytest.mark.parametrize("turn", [rotations.quaternion_to_matrix, rotations.rotation_6d_to_matrix])
def test_poses_and_cameras_of_a_step(turn):
    size = 4 if turn is rotations.quaternion_to_matrix else 6
    pose, azimuth, eye = (torch.empty(s, device=DEVICE, requires_grad=True) for s in ((size,), (2,), (3,)))
    sphere, camera = SPHERE.to(DEVICE), CAMERAS["with a lens"].to(torch.float32).to(DEVICE)
    with nobody_waits():
        posed = camera.with_pose(turn(pose), eye).mirrored()
        around = Camera.look_at(elevation=20.0, azimuth=azimuth, at=(0.0, 0.1, 0.0))
        total = sum(Renderer(8, tau=0.01)(sphere, each).alpha.sum() for each in (posed, around))
        torch.autograd.grad(total, (pose, azimuth, eye))
        rotations.axis_angle_to_matrix(rotations.matrix_to_axis_angle(turn(pose)))


def test_settings_of_a_step():
    """Tensors of the host's, the T-conorm's parameter on the device, textures of the faces' own."""
    faces, p = torch.empty(1, 5, 3, 3, device=DEVICE), torch.empty((), device=DEVICE, requires_grad=True)
    grids, tau = torch.empty(5, 3, 3, 2, device=DEVICE), torch.tensor(0.1)
    with nobody_waits():
        textures = FaceTextures.from_grids(grids)
        out = rasterize(faces, 8, Logistic().shifted(torch.tensor(0.1)), tau, Yager(p=p), textures=textures)
        torch.autograd.grad(out.alpha.sum(), p)
        textures.sample(torch.empty(4, 2, device=DEVICE), torch.zeros(4, dtype=torch.int64, device=DEVICE))


def test_whoever_waits_is_found_out():
    here = torch.empty(3, device=DEVICE)
    calls = [
        lambda: bool(here.any()),
        lambda: here.tolist(),
        lambda: here[here > 0],
        lambda: here.nonzero(),
        lambda: here.cpu(),
        lambda: torch.zeros(3).to(DEVICE),
        lambda: torch.tensor([1.0], device=DEVICE),
        lambda: here.new_tensor([1.0]),
    ]
    for call in calls:
        with nobody_waits(), pytest.raises(Waited):
            call()

"""Which side of a face is seen, found in the world: the same as its corners' sense of rotation on the image."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gendr import Camera, Mesh, Renderer, rasterize
from gendr.render import MeshBatch, RasterStage
from gendr.render.culling import culled

AZIMUTHS = torch.tensor([10.0, 130.0, 250.0])
CAMERAS = {
    "look_at": Camera.look_at(elevation=25.0, azimuth=AZIMUTHS),
    "mirrored": Camera.look_at(elevation=25.0, azimuth=AZIMUTHS).mirrored(),
    "orthographic": Camera.look_at(elevation=25.0, azimuth=AZIMUTHS, projection="orthographic"),
}
SENSE = {"back": ("back", "front"), "front": ("front", "back")}  # on images of cameras that do not mirror, and that do


def soup(faces: int = 60) -> Mesh:
    """Triangles any way round, by seed."""
    draw = torch.Generator().manual_seed(5)
    corners = torch.rand(3 * faces, 3, generator=draw) - 0.5
    return Mesh(corners, torch.arange(3 * faces).view(faces, 3))


@pytest.mark.parametrize("cull", ["back", "front"])
@pytest.mark.parametrize("name", CAMERAS)
def test_the_world_and_the_image_agree(name, cull):
    mesh, camera = soup(), CAMERAS[name]
    faces = mesh.with_vertices(camera.project(mesh.vertices)).face_vertices()
    mirrors = bool(torch.linalg.det(camera.rotation[0]) > 0)
    kernel = rasterize(faces, 32, tau=0.01, cull=SENSE[cull][mirrors], perspective=False).alpha
    world = Renderer(32, tau=0.01, raster=RasterStage(cull=cull))(mesh, camera).alpha
    assert torch.equal(kernel, world)
    assert not torch.equal(world, Renderer(32, tau=0.01)(mesh, camera).alpha)


@pytest.mark.parametrize("near", [1.0, 2.7], ids=["in front", "through the near plane"])
@pytest.mark.parametrize("clip", [True, False])
def test_cameras_of_both_handednesses_may_be_mixed(near, clip):
    renderer = Renderer(32, tau=0.01, raster=RasterStage(cull="back", near=near, clip=clip))
    both = [CAMERAS["look_at"], CAMERAS["mirrored"]]
    together = renderer(soup(), Camera.cat(both), outputs=["alpha", "depth", "face_id"])
    for half, camera in zip((slice(0, 3), slice(3, 6)), both, strict=True):
        alone = renderer(soup(), camera, outputs=["alpha", "depth", "face_id"])
        for image in ("alpha", "depth", "face_id"):
            torch.testing.assert_close(getattr(together, image)[half], getattr(alone, image), rtol=0, atol=1e-6)
    assert torch.equal(together.alpha[:3].flip(-1), together.alpha[3:])


@pytest.mark.parametrize("near", [1.0, 2.7], ids=["in front", "through the near plane"])
def test_packed_meshes_are_culled_each_in_its_own_view(near):
    meshes = [soup(), Mesh.icosphere(1, radius=0.5), soup(20)]
    renderer = Renderer(32, tau=0.01, raster=RasterStage(cull="front", near=near))
    for camera in (CAMERAS["look_at"], CAMERAS["mirrored"][0]):
        together = renderer(MeshBatch.pack(meshes), camera, outputs=["alpha"]).alpha
        for i, mesh in enumerate(meshes):
            alone = renderer(mesh, camera[i] if len(camera) > 1 else camera).alpha[0]
            torch.testing.assert_close(together[i], alone, rtol=0, atol=1e-6)


def test_what_is_culled_has_no_gradient():
    mesh = soup()
    vertices = mesh.vertices.clone().requires_grad_()
    camera = CAMERAS["look_at"][0]
    alpha = Renderer(32, tau=0.1, raster=RasterStage(cull="back"))(mesh.with_vertices(vertices), camera).alpha
    (gradient,) = torch.autograd.grad(alpha.sum(), vertices)
    gone = culled(mesh.face_vertices(), camera, "back")[0]
    assert 0 < gone.sum() < len(gone)
    of_faces = gradient[mesh.faces].abs().sum((1, 2))
    assert (of_faces[gone] == 0).all()
    assert (of_faces[~gone] > 0).all()


def test_a_face_seen_edge_on_or_without_area_shows_neither_side():
    camera = Camera.look_at(distance=2.0)
    through_the_eye = torch.stack([camera.eye[0], camera.eye[0] + camera.rotation[0, 2], torch.zeros(3).double()])
    faces = torch.stack([through_the_eye, torch.ones(3, 3).double()])[None]
    assert not culled(faces, camera, "back").any()
    assert not culled(faces, camera, "front").any()


def test_an_unknown_side_is_refused():
    with pytest.raises(ValueError, match="cull: expected one of none, back, front, got 'sideways'"):
        replace(RasterStage(), cull="sideways")

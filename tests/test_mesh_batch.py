"""Batches of different meshes: packed and unpacked, projected, textured, and differentiable."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gendr.render.camera import Camera
from gendr.render.material import Material
from gendr.render.mesh import Mesh
from gendr.render.mesh_batch import MeshBatch
from test_mesh_looks import IMAGE, painted

EMPTY = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64))


def meshes() -> list[Mesh]:
    return [Mesh.icosphere(1), painted(), EMPTY, Mesh.icosphere(0, radius=0.5)]


def test_packing_and_unpacking() -> None:
    batch = MeshBatch.pack(meshes())
    assert (len(batch), batch.mesh.n_vertices, batch.mesh.n_faces) == (4, 58, 104)
    assert batch.vertex_ranges.tolist() == [[0, 42], [42, 46], [46, 46], [46, 58]]
    assert batch.face_ranges.tolist() == [[0, 80], [80, 84], [84, 84], [84, 104]]
    assert batch.face_mesh().tolist() == [0] * 80 + [1] * 4 + [3] * 20
    corners = batch.face_vertices()
    for mesh, back, (begin, end) in zip(meshes(), batch.unpack(), batch.face_ranges.tolist(), strict=True):
        assert torch.equal(corners[begin:end], mesh.face_vertices()[0])
        assert torch.equal(back.vertices, mesh.vertices)
        assert torch.equal(back.faces, mesh.faces)
        assert repr(back) == repr(mesh)


def test_one_camera_and_a_camera_for_each_mesh() -> None:
    batch = MeshBatch.pack(meshes())
    one = Camera.look_at(distance=9.0, azimuth=30.0)
    many = Camera.look_at(distance=9.0, azimuth=torch.tensor([0.0, 30.0, 60.0, 200.0]))
    for seen, alone in ((batch.project, Camera.project), (batch.to_camera, Camera.to_camera)):
        together, apart = seen(one), seen(many)
        for k, (mesh, (begin, end)) in enumerate(zip(meshes(), batch.vertex_ranges.tolist(), strict=True)):
            assert torch.allclose(together[begin:end], alone(one, mesh.vertices)[0], atol=1e-6)
            assert torch.allclose(apart[begin:end], alone(many[k : k + 1], mesh.vertices)[0], atol=1e-6)
        assert batch.face_vertices(apart).shape == (104, 3, 3)
    assert MeshBatch.pack([EMPTY, EMPTY]).project(many[:2]).shape == (0, 3)
    with pytest.raises(ValueError, match="camera: expected one camera, or one for each of 4 meshes, got 3 cameras"):
        batch.project(many[:3])


def test_each_face_keeps_its_colours() -> None:
    shared = Material("shared", texture=IMAGE, wrap="mirror")
    sphere = Mesh.icosphere(0)
    items = [
        painted(vertex_colors=None),
        Mesh(sphere.vertices, sphere.faces, materials=(shared,)),
        sphere,
        painted(materials=(shared, Material()), vertex_colors=torch.rand(4, 3)),
    ]
    batch = MeshBatch.pack(items)
    assert len(batch.mesh.materials) == 4  # two, the shared one once, one
    textures = batch.face_textures()
    assert textures is not None
    seen = textures.sample(textures.uvs.mean(2), textures.map_of_face)[0]
    for item, (begin, end) in zip(items, batch.face_ranges.tolist(), strict=True):
        own = item.face_textures()
        wanted = torch.ones(20, 3) if own is None else own.sample(own.uvs.mean(2), own.map_of_face)[0]
        assert torch.allclose(seen[begin:end], wanted, atol=1e-6)
    assert torch.equal(batch.mesh.vertex_colors[:4], torch.ones(4, 3))  # type: ignore[index]
    assert torch.equal(batch.mesh.vertex_colors[-4:], items[-1].vertex_colors)  # type: ignore[index,arg-type]
    assert MeshBatch.pack([sphere, sphere]).face_textures() is None


def test_gradients_of_packed_and_single_vertices() -> None:
    camera = Camera.look_at(distance=9.0, azimuth=torch.tensor([0.0, 50.0]).double())
    first, second = Mesh.icosphere(0, dtype=torch.float64), painted().to(dtype=torch.float64)

    def corners(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        batch = MeshBatch.pack([first.with_vertices(a), second.with_vertices(b)])
        return batch.face_vertices(batch.project(camera))

    inputs = [mesh.vertices.clone().requires_grad_() for mesh in (first, second)]
    assert torch.autograd.gradcheck(corners, inputs)
    batch = MeshBatch.pack([first, second])
    packed = batch.mesh.vertices.clone().requires_grad_()
    sum(mesh.vertices.square().sum() for mesh in batch.with_vertices(packed).unpack()).backward()  # type: ignore[union-attr]
    assert torch.allclose(packed.grad, 2 * packed)  # type: ignore[arg-type]


def test_to_another_dtype() -> None:
    batch = MeshBatch.pack(meshes()).to(dtype=torch.float64)
    assert batch.mesh.vertices.dtype == torch.float64
    assert batch.face_ranges.dtype == torch.int64
    assert batch.unpack()[1].materials[1].texture.dtype == torch.float64  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "meshes: expected one or more, got none"),
        ([EMPTY, EMPTY.to(dtype=torch.float64)], "meshes[1].vertices: expected float32 [V, 3], got float64 [0, 3]"),
        ([EMPTY.with_vertices(torch.zeros(2, 0, 3))], "meshes[0].vertices: expected float32 [V, 3], got float32 [2, 0"),
    ],
)
def test_what_cannot_be_packed(items: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared below)
        MeshBatch.pack(items)
    assert message in str(raised.value)


def test_other_mistakes() -> None:
    with pytest.raises(TypeError, match=r"meshes\[0\]: expected a Mesh, got int"):
        MeshBatch.pack([7])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"vertices: expected float32 or float64 \[58, 3\], got float32 \[4, 3\]"):
        MeshBatch.pack(meshes()).with_vertices(torch.zeros(4, 3))

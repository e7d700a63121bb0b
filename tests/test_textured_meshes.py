"""The six textured sets of the real data, beside what trimesh's own loader makes of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

from gendr.render.mesh import Mesh

DATA = os.environ.get("GENDR_DATA", "")
FOLDER = Path(DATA, "meshes", "textured")
# vertices, faces, coordinates, sizes of the textures (None: a plain colour)
SETS: dict[str, tuple[int, int, int, list[tuple[int, int] | None]]] = {
    "avocado/avocado.obj": (406, 682, 406, [(512, 512)]),
    "cow_spot_pytorch3d/cow.obj": (2930, 5856, 3225, [(1024, 1024)]),
    "fox/fox.obj": (5002, 10000, 5505, [(1024, 1024)]),
    "fuze_bottle/fuze.obj": (502, 1000, 664, [(1024, 1024)]),
    "pizza/pizza.obj": (482, 960, 514, [(1024, 1024), None]),
    "spot_softras/spot_triangulated.obj": (2930, 5856, 3225, [(1024, 1024)]),
}

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA, reason="GENDR_DATA, the folder of real data, is not set"),
]


def by_trimesh(file: Path) -> dict[str, Any]:
    """trimesh's geometries by the name of their material."""
    scene = trimesh.load_scene(file, process=False)
    return {g.visual.material.name: g for g in scene.geometry.values()}


@pytest.mark.parametrize("name", SETS)
def test_against_trimesh(name: str) -> None:
    mesh = Mesh.load(FOLDER / name)
    n_vertices, n_faces, n_uvs, sizes = SETS[name]
    assert (mesh.n_vertices, mesh.n_faces, len(mesh.uvs)) == (n_vertices, n_faces, n_uvs)  # type: ignore[arg-type]
    assert [None if m.texture is None else tuple(m.texture.shape[:2]) for m in mesh.materials] == sizes
    assert mesh.uvs is not None
    assert mesh.face_uvs is not None
    assert mesh.face_material is not None
    textures = mesh.face_textures()
    assert textures is not None
    theirs = by_trimesh(FOLDER / name)
    assert set(theirs) == {m.name for m in mesh.materials}
    for index, material in enumerate(mesh.materials):
        geometry = theirs[material.name]
        own = mesh.face_material == index
        # The same corners with the same coordinates, in whatever order.
        corners = torch.cat([mesh.vertices[mesh.faces[own]], mesh.uvs[mesh.face_uvs[own]]], dim=2)
        reference = np.concatenate([geometry.vertices[geometry.faces], geometry.visual.uv[geometry.faces]], axis=2)
        ours = np.unique(corners.numpy().reshape(-1, 15), axis=0)
        assert np.array_equal(ours, np.unique(reference.astype(np.float32).reshape(-1, 15), axis=0))
        # At the centres of texels trimesh's nearest pixel is the bilinear value.
        if material.texture is None:
            wanted = np.array(geometry.visual.material.diffuse[:3]) / 255
            assert np.abs(material.base_color.numpy() - wanted).max() <= 0.5 / 255 + 1e-6
        else:
            height, width = material.texture.shape[:2]
            texel = torch.rand(500, 2).mul(torch.tensor([width, height])).floor()
            uv = torch.stack([(texel[:, 0] + 0.5) / width, 1 - (texel[:, 1] + 0.5) / height], dim=1)
            seen = textures.sample(uv, torch.tensor(index))
            image = geometry.visual.material.image.convert("RGB")
            nearest = trimesh.visual.color.uv_to_color(uv.double().numpy(), image)[:, :3] / 255
            # float32 places a sample within 6e-5 texels of a centre; neighbours differ by 1 at most.
            assert np.abs(seen.numpy() - nearest).max() < 3e-4


@pytest.mark.parametrize("name", ["avocado/avocado.obj", "pizza/pizza.obj"])
@pytest.mark.parametrize("suffix", [".obj", ".glb"])
def test_there_and_back(name: str, suffix: str, tmp_path: Path) -> None:
    mesh = Mesh.load(FOLDER / name)
    mesh.save(tmp_path / f"a{suffix}")
    back = Mesh.load(tmp_path / f"a{suffix}")
    order = torch.arange(mesh.n_faces)
    if suffix == ".glb":  # a mesh for each material
        order = mesh.face_material.argsort(stable=True)  # type: ignore[union-attr]
    assert torch.equal(back.face_vertices()[0], mesh.face_vertices()[0, order])
    for there, here in zip(back.materials, mesh.materials, strict=True):
        assert there.name == here.name
        assert torch.equal(there.base_color, here.base_color)
        assert (there.texture is None) == (here.texture is None)
        assert here.texture is None or torch.equal(there.texture, here.texture)  # type: ignore[arg-type]
    one, other = back.face_textures(), mesh.face_textures()
    assert one is not None
    assert other is not None
    # glTF counts v from the top: 1 - (1 - v) has float32's rounding.
    shown = (mesh.face_uvs[order] >= 0) & other.maps[other.map_of_face[order], 1:2].gt(1)  # type: ignore[index]
    assert (one.uvs[0] - other.uvs[0, order])[shown].abs().max() <= (0 if suffix == ".obj" else 1.2e-7)


def test_kd_colours_of_shapes13() -> None:
    """Models of plain colours, against the text of their own libraries."""
    for file in sorted(Path(DATA, "shapes13").glob("*/*.obj"))[::16]:
        words = [line.split() for line in file.with_suffix(".mtl").read_text().splitlines()]
        wanted: dict[str, list[float]] = {}
        for line in words:
            if line[:1] == ["newmtl"]:
                current = line[1]
            elif line[:1] == ["Kd"]:
                wanted[current] = [float(x) for x in line[1:4]]
        mesh = Mesh.load(file)
        assert mesh.materials
        for material in mesh.materials:
            assert torch.equal(material.base_color, torch.tensor(wanted[material.name]))

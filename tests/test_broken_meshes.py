"""The odd and broken mesh files of the shared data, one by one: each loads correctly or says what is wrong with it.

The names are REPOSITORY__FILE, after the test suites the files come from.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import pytest

from gendr.render.formats import MeshError
from gendr.render.mesh import Mesh

DATA = os.environ.get("GENDR_DATA", "")
FOLDER = Path(DATA, "meshes", "broken")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA, reason="GENDR_DATA, the folder of real data, is not set"),
    pytest.mark.skipif(bool(DATA) and not FOLDER.is_dir(), reason=f"{FOLDER} does not exist"),
]


@dataclass(frozen=True)
class Loads:
    """What a file must become; the area is known by hand where it is given, and sees wrong triangulations."""

    vertices: int
    faces: int
    area: float | None = None
    is_watertight: bool = False


CUBE = Loads(8, 12, area=6 * 16 / 3, is_watertight=True)  # of edge 4 / sqrt(3)
ZERO = "(OBJ counts from 1)"

# Right for each file: what it holds where the format allows that, an error with the place and the reason where it does
# not. Nothing is repaired or dropped: a face that is no face might be the one that mattered.
EXPECTED: dict[str, Loads | str] = {
    # Counts of 353,535,235,358 vertices over eight lines.
    "assimp__OutOfMemory.off": "the header promises 353535235358 vertices and 6 faces, one a line, but 14 lines follow",
    # The header stops in the middle of a property, and binary data follows.
    "assimp__crash-30d6d0f7c529b3b66b4131700b7a4580cd7082df.ply": "the header has no end_header line",
    "assimp__empty.off": "the file is empty",
    # Four faces, of which the first has no corners.
    "assimp__invalid.off": "line 6: faces[0]: expected 3 or more corners, got 0",
    # Corner 12 of 8 vertices in line 23, and corner 0, which no OBJ has, in line 28.
    "assimp__malformed.obj": f"line 28: f: vertex index 0 in '0 7 8 5' {ZERO}",
    # An `f` without corners.
    "assimp__malformed2.obj": "line 23: faces[0]: expected 3 or more corners, got 0",
    # Its material library does not exist: geometry needs none.
    "pytorch3d__model.obj": Loads(4, 2, area=0.0),
    "tinyobjloader__invalid-face-definition.obj": "line 15: faces[0]: expected 3 or more corners, got 1",
    "tinyobjloader__invalid-relative-texture-index.obj": "the file has no vertices",
    "tinyobjloader__invalid-relative-vertex-index.obj": "line 1: f: vertex index -4 goes back beyond the 0 vertices",
    "tinyobjloader__issue-140-zero-face-idx.obj": f"line 16: f: vertex index 0 in '0/0/0 1/1/0 3/3/0' {ZERO}",
    # A last face without texture coordinates, unlike the others: a legal unit cube.
    "tinyobjloader__issue-161-inconsistent-f.obj": Loads(8, 12, area=6.0, is_watertight=True),
    # A box of 1 x 1 x 3 far from the origin, of quads.
    "tinyobjloader__issue-295-trianguation-failure.obj": Loads(16, 28, area=14.0, is_watertight=True),
    "tinyobjloader__issue-330.obj": Loads(7, 3),
    # `.8e-001` is a number.
    "tinyobjloader__leading-zero-in-exponent-notation-issue-210.obj": Loads(3, 1),
    "tinyobjloader__line-prim.obj": "the file has no faces ('f'), only other elements: 2 'l'",
    # Cornell's box: negative indices and comments in odd places.
    "tinyobjloader__missing_material_file.obj": Loads(76, 36),
    "tinyobjloader__points-prim.obj": "the file has no faces ('f'), only other elements: 1 'p'",
    "tinyobjloader__test-nan.obj": "line 12: v: expected finite coordinates, got 'nan -nan nan'",
    # 3,878 separate triangles which, joined, are a closed surface.
    "trimesh__busted.STL": Loads(1941, 3878, is_watertight=True),
    "trimesh__comments.off": CUBE,
    "trimesh__empty.obj": "the file has no vertices",
    "trimesh__empty.ply": "the file has no vertices",
    # NaN in a vertex's colour, which is not read: a unit cube.
    "trimesh__nancolor.obj": Loads(8, 12, area=6.0, is_watertight=True),
    "trimesh__negative_indices.obj": Loads(8, 12, area=24.0, is_watertight=True),
    # Its image does not exist.
    "trimesh__noimg.obj": Loads(502, 1000, is_watertight=True),
    # Every triangle has vertices of its own, and keeps them.
    "trimesh__not_convex.obj": Loads(288, 96),
    "trimesh__notenoughindices.obj": "line 9: faces[0]: expected 3 or more corners, got 2",
    "trimesh__obj_points.obj": "the file has 8 vertices but no faces",
    "trimesh__obj_wireframe.obj": "the file has no faces ('f'), only other elements: 12 'l'",
    "trimesh__obj_with_no_face_in_chunk.obj": Loads(3, 1, area=sqrt(18)),
    "trimesh__ply_empty_header.ply": "the header describes no element vertex",
    "trimesh__points_emptyface.ply": "the file has 1024 vertices but no faces",
    # One polygon of five corners.
    "trimesh__polygonfaces.obj": Loads(5, 3),
    # Corners that share one normal: a square of 1,000 x 1,000.
    "trimesh__singlevn.obj": Loads(4, 2, area=1e6),
    # A house of polygons with up to eleven corners, some of them concave: fans have an area of 620 + 100 sqrt(2).
    "trimesh__wallhole.obj": Loads(92, 66, area=580 + 100 * sqrt(2)),
    # `OFF8 6 12`, far to the right.
    "trimesh__whitespace.off": CUBE,
}


def test_the_table_is_complete() -> None:
    assert sorted(EXPECTED) == sorted(f.name for f in FOLDER.iterdir())
    assert len(EXPECTED) == 37


@pytest.mark.parametrize("name", EXPECTED)
def test_each_loads_or_says_why_not(name: str) -> None:
    expected = EXPECTED[name]
    start = time.perf_counter()
    tracemalloc.start()
    try:
        if isinstance(expected, str):
            with pytest.raises(MeshError) as raised:
                Mesh.load(FOLDER / name)
            assert str(raised.value).startswith(f"{FOLDER / name}: {expected}")
        else:
            mesh = Mesh.load(FOLDER / name)
            assert (mesh.n_vertices, mesh.n_faces) == (expected.vertices, expected.faces)
            if expected.area is not None:
                # float32 coordinates: relative 6e-8, times the distance from the origin in units of the size (5e3).
                assert mesh.to_trimesh().area == pytest.approx(expected.area, rel=1e-6, abs=1e-6)
            assert mesh.to_trimesh().is_watertight == expected.is_watertight
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50e6  # the largest file has 194 kB; trimesh's own import may fall into it
    assert time.perf_counter() - start < 10  # seen: 0.3 s with tracemalloc

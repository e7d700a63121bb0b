"""A ray caster in numpy and float64: an independent reference for sharp pictures of textured meshes.

Files are read by trimesh, rays come from the camera's definition, hits from the signs of triple products, and colours
from a bilinear look-up written here. Nothing of gendr is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

RAYS_AT_ONCE = 512


@dataclass(frozen=True)
class Part:
    """Triangles of one material."""

    corners: np.ndarray  # [F, 3, 3]
    uvs: np.ndarray  # [F, 3, 2], v up
    image: np.ndarray  # [H, W, 3], row 0 on top, in [0, 1]


@dataclass(frozen=True)
class Hits:
    """What the rays of an image meet first."""

    is_hit: np.ndarray  # [H, W]
    depth: np.ndarray  # [H, W], along the view axis; inf where nothing is met
    rgb: np.ndarray  # [H, W, 3]; 0 where nothing is met


def load_parts(path: Path) -> list[Part]:
    """All parts of an OBJ file, moved and scaled together so that the longest side of their box is 1."""
    loaded = trimesh.load(path, process=False)
    geometries = list(loaded.geometry.values()) if isinstance(loaded, trimesh.Scene) else [loaded]
    points = np.concatenate([g.vertices[g.faces].reshape(-1, 3) for g in geometries])
    low, high = points.min(0), points.max(0)
    parts = []
    for geometry in geometries:
        corners = (geometry.vertices[geometry.faces] - (low + high) / 2) / (high - low).max()
        material = geometry.visual.material
        colour = np.asarray(material.diffuse[:3], dtype=float) / 255
        uvs = geometry.visual.uv
        if material.image is None or uvs is None:
            parts.append(Part(corners, np.zeros((len(corners), 3, 2)), np.ones((1, 1, 3)) * colour))
        else:
            image = np.asarray(material.image.convert("RGB"), dtype=float) / 255
            parts.append(Part(corners, uvs[geometry.faces], image))
    return parts


def draw(parts: list[Part], azimuth: float, elevation: float, half_angle: float, distance: float, size: int) -> Hits:
    """The nearest hit of every pixel's ray, from an eye that looks at the origin, in a right-handed world with y up."""
    a, e = np.radians([azimuth, elevation])
    eye = distance * np.array([np.cos(e) * np.sin(a), np.sin(e), -np.cos(e) * np.cos(a)])
    forward = -eye / np.linalg.norm(eye)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    row, col = np.mgrid[:size, :size]
    reach = np.tan(np.radians(half_angle))
    x, y = reach * (2 * col + 1 - size) / size, reach * (size - 1 - 2 * row) / size
    rays = (x[..., None] * right + y[..., None] * up + forward).reshape(-1, 3)
    depth, rgb = np.full(size * size, np.inf), np.zeros((size * size, 3))
    for part in parts:
        for start in range(0, len(rays), RAYS_AT_ONCE):
            chunk = slice(start, start + RAYS_AT_ONCE)
            face, weights, along = _first_hits(rays[chunk], part.corners - eye)
            nearer = along < depth[chunk]
            uv = (weights[..., None] * part.uvs[face]).sum(1)
            depth[chunk] = np.where(nearer, along, depth[chunk])
            rgb[chunk] = np.where(nearer[:, None], _bilinear(part.image, uv), rgb[chunk])
    return Hits(np.isfinite(depth).reshape(size, size), depth.reshape(size, size), rgb.reshape(size, size, 3))


def _first_hits(rays: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of rays from the origin: the face met first, the barycentric weights there, how far along the ray; inf for none.

    With `w_a = r . (b x c)` and so on, a ray meets the triangle's plane at `s = a . (b x c) / (w_a + w_b + w_c)`, at
    the weights `w / (w_a + w_b + w_c)`: inside where all three have one sign.
    """
    a, b, c = corners.transpose(1, 0, 2)
    w = np.stack([rays @ np.cross(p, q).T for p, q in ((b, c), (c, a), (a, b))])
    total = w.sum(0)
    volume = (a * np.cross(b, c)).sum(1)
    inside = ((w >= 0).all(0) | (w <= 0).all(0)) & (total != 0)
    along = np.where(inside, volume / np.where(total == 0, 1, total), np.inf)
    along = np.where(along > 0, along, np.inf)
    face = along.argmin(1)
    pick = np.arange(len(rays)), face
    weights = np.stack([part[pick] for part in w], -1) / np.where(total[pick] == 0, 1, total[pick])[:, None]
    return face, weights, along[pick]


def _bilinear(image: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Texels have their centres at half steps; the image repeats."""
    height, width = image.shape[:2]
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    s, t = (x - left)[:, None], (y - top)[:, None]

    def at(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return image[i % height, j % width]

    above = (1 - s) * at(top, left) + s * at(top, left + 1)
    below = (1 - s) * at(top + 1, left) + s * at(top + 1, left + 1)
    return (1 - t) * above + t * below

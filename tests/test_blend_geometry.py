"""What is seen where: cases whose answer is known without a renderer, and what must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from blends import blend_scene, draw
from gendr import rasterize
from gendr.distributions import Heaviside, Logistic
from gendr.render import FaceTextures
from gendr.render.texture_wraps import WRAPS
from gendr.tnorms import Maximum, Probabilistic

BACKENDS = ("cpu", "reference")
LIMITS = {"near": 1.0, "far": 5.0}
BIG = torch.tensor([[[[-3.0, -2.0, 1.5], [4.0, -2.5, 3.0], [0.5, 5.0, 4.5]]]], dtype=torch.float64)
COLOURS = torch.tensor([[[[0.1, 0.9], [0.5, 0.2], [0.8, 0.4]]]], dtype=torch.float64)


def flat(*depths: float) -> Tensor:
    """The big triangle at several depths, parallel to the image."""
    faces = BIG.repeat(1, len(depths), 1, 1)
    faces[..., 2] = torch.tensor(depths, dtype=torch.float64)[None, :, None]
    return faces


def seen(height: int, width: int, perspective: bool) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the big triangle's corners `[H, W, 3]` and depth `[H, W]`, from the planes through its corners.

    1 / depth, and values over depth, are planes over the image: take those that are 1 at a corner and 0 at others.
    """
    corners = BIG[0, 0].numpy()
    plane = np.linalg.inv(np.stack([corners[:, 0], corners[:, 1], np.ones(3)], 1))  # column i: the plane of corner i
    rows, columns = np.mgrid[:height, :width]
    x, y = (2 * columns + 1 - width) / height, (height - 1 - 2 * rows) / height
    lam = np.stack([x, y, np.ones_like(x)], -1) @ plane
    if not perspective:
        return lam, lam @ corners[:, 2]
    inverse = lam / corners[:, 2]
    depth = 1 / inverse.sum(-1)
    return inverse * depth[..., None], depth


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("blend", ["soft", "hard"])
@pytest.mark.parametrize("perspective", [True, False])
def test_one_triangle_is_interpolated(perspective, blend, backend):
    options = {"attributes": COLOURS, "blend": blend, "perspective": perspective, "backend": backend, "eps": -10.0}
    raster = rasterize(BIG, (6, 9), Logistic(), 1e-3, gamma=0.05, **options, **LIMITS)
    weights, depth = seen(6, 9, perspective)
    np.testing.assert_allclose(raster.depth[0].numpy(), depth, rtol=1e-12)
    colours = np.moveaxis(weights @ COLOURS[0, 0].numpy(), -1, 0)
    np.testing.assert_allclose(raster.features[0].numpy(), colours, rtol=1e-12)
    assert (raster.background_weight <= (0 if blend == "hard" else 1e-60)).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("wrap", WRAPS)
def test_textures_are_sampled_where_coordinates_are(wrap, backend):
    """As `FaceTextures.sample` says, at coordinates interpolated with perspective."""
    uvs = torch.tensor([[[[-1.0, 0.3], [2.5, -0.7], [0.4, 3.0]]]], dtype=torch.float64)
    textures = FaceTextures.from_image(uvs, torch.rand(4, 5, 3, dtype=torch.float64), wrap)
    options = {"textures": textures, "attributes": COLOURS, "blend": "hard", "backend": backend}
    raster = rasterize(BIG, (6, 9), Logistic(), 1e-3, **options, **LIMITS)
    weights = torch.from_numpy(seen(6, 9, True)[0])
    want = textures.sample(weights @ uvs[0, 0], torch.tensor(0)).permute(2, 0, 1)
    torch.testing.assert_close(raster.features[0, 2:], want, rtol=0, atol=1e-12)  # behind the attributes


@pytest.mark.parametrize("backend", BACKENDS)
def test_texel_grids_show_their_corners(backend):
    grids = torch.rand(1, 4, 4, 3, dtype=torch.float64)
    raster = rasterize(BIG, (6, 9), textures=FaceTextures.from_grids(grids), blend="hard", backend=backend, **LIMITS)
    weights = torch.from_numpy(seen(6, 9, True)[0])
    row, column = 3 * weights[..., 1], 3 * weights[..., 2]
    i, j = row.floor().long().clamp(0, 2), column.floor().long().clamp(0, 2)
    s, t = (row - i)[..., None], (column - j)[..., None]
    grid = grids[0]
    want = (1 - s) * ((1 - t) * grid[i, j] + t * grid[i, j + 1]) + s * (
        (1 - t) * grid[i + 1, j] + t * grid[i + 1, j + 1]
    )
    torch.testing.assert_close(raster.features[0], want.permute(2, 0, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_hard_is_the_nearest_and_ties_go_to_the_first(backend):
    faces = torch.cat([flat(3.0, 2.0, 2.0, 4.0), BIG - torch.tensor([50.0, 0.0, 0.4])], 1)
    raster = rasterize(faces, (3, 5), Logistic(), 0.1, blend="hard", backend=backend, **LIMITS)
    assert (raster.face_id == 1).all()
    torch.testing.assert_close(raster.depth, torch.full_like(raster.depth, 2.0), rtol=1e-14, atol=0)
    assert raster.features is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_hard_shows_the_background_where_there_is_no_face(backend):
    half_plane = torch.tensor([[[[0.0, -1e3, 2.0], [0.0, 1e3, 2.0], [-1e3, 0.0, 2.0]]]], dtype=torch.float64)
    colours = torch.full((1, 1, 3, 2), 0.5, dtype=torch.float64)
    behind = torch.rand(1, 2, 2, 4, dtype=torch.float64)
    options = {"attributes": colours, "blend": "hard", "background": behind, "backend": backend}
    raster = rasterize(half_plane, (2, 4), Logistic(), 0.3, **options, **LIMITS)
    assert raster.face_id[0].tolist() == [[0, 0, -1, -1]] * 2
    assert torch.equal(raster.features[0, :, :, 2:], behind[0, :, :, 2:])
    assert (raster.features[0, :, :, :2] - 0.5).abs().max() < 1e-14
    assert (raster.depth[0] - torch.tensor([2.0, 2.0, 5.0, 5.0])).abs().max() < 1e-14
    assert torch.equal(raster.background_weight[0], (raster.face_id[0] < 0).double())


def grid_mesh(columns: int, rows: int, jitter: float, low: float, high: float) -> Tensor:
    """Triangles that cover the square from low to high without overlaps, `[1, 2 columns rows, 3, 3]`."""
    y, x = torch.meshgrid(
        torch.linspace(low, high, rows + 1).double(), torch.linspace(low, high, columns + 1).double(), indexing="ij"
    )
    points = torch.stack([x, y, torch.full_like(x, 2.0)], -1)
    inner = points[1:-1, 1:-1]
    inner[..., :2] += jitter * (torch.rand(*inner.shape[:2], 2, dtype=torch.float64) - 0.5)
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    lower, upper = torch.stack([a, b, c], -2), torch.stack([b, d, c], -2)
    return torch.cat([lower.reshape(-1, 3, 3), upper.reshape(-1, 3, 3)])[None]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("distribution", [Logistic(), Logistic().squared(), Heaviside()], ids=str)
def test_no_gaps_along_shared_edges(distribution, dtype):
    grids = [
        grid_mesh(16, 16, 0.0, -1.0, 1.0),  # edges between the pixels' columns, diagonals through centres
        grid_mesh(15, 15, 0.0, -15 / 16, 15 / 16),  # corners on the pixels' centres
        grid_mesh(30, 45, 0.0, -1.0, 1.0),
        *(grid_mesh(7, 9, 0.1, -1.2, 1.1) for _ in range(10)),
    ]
    for i, faces in enumerate(grids):
        raster = rasterize(faces.to(dtype), 16, distribution, 1e-3, Probabilistic(), blend="hard")
        assert (raster.face_id >= 0).all(), f"grid {i}"
        torch.testing.assert_close(raster.depth, torch.full_like(raster.depth, 2.0), rtol=1e-6, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_soft_tends_to_hard(backend):
    made = blend_scene(faces=8)
    hard = draw(made, Logistic(), Probabilistic(), backend, blend="hard", shift=0.0)
    off = [
        max(
            float((soft.features - hard.features).abs().mean()),
            float((soft.depth - hard.depth).abs().mean()),
        )
        for soft in (
            draw(made, Logistic(), Probabilistic(), backend, gamma=0.1 * k, tau=0.05 * k**2, shift=0.0, eps=0.0)
            for k in (1.0, 1e-1, 1e-2, 1e-4)
        )
    ]
    assert off[0] > off[1] > off[2] > off[3]
    assert off[3] < 1e-6


@pytest.mark.parametrize("backend", BACKENDS)
def test_shares_and_the_background_s_add_to_one(backend):
    """Faces of colour 1 before a background of 1 are 1 everywhere."""
    made = blend_scene()
    ones = torch.ones(2, 6, 3, 1, dtype=torch.float64)
    for gamma in (1e-4, 0.1, 10.0):
        options = {"attributes": ones, "gamma": gamma, "background": ones[0, 0, 0], "backend": backend}
        raster = rasterize(made.corners, made.size, tau=0.1, **options, **LIMITS)
        torch.testing.assert_close(raster.features, torch.ones_like(raster.features), rtol=1e-12, atol=0)
        alone = rasterize(made.corners, made.size, tau=0.1, **{**options, "background": None}, **LIMITS)
        torch.testing.assert_close(alone.features[:, 0], 1 - alone.background_weight, rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_are_the_published_softmax(backend):
    """Two flat faces and the background, by the formula itself."""
    colours = torch.tensor([1.0, 2.0], dtype=torch.float64).reshape(1, 2, 1, 1).expand(1, 2, 3, 1)
    options = {"attributes": colours, "gamma": 0.3, "eps": 0.2, "background": torch.tensor([5.0]).double()}
    raster = rasterize(flat(2.0, 3.5), 2, Heaviside(), 1.0, Maximum(), backend=backend, **options, **LIMITS)
    exponents = np.array([(5 - 2) / 4, (5 - 3.5) / 4, 0.2]) / 0.3
    weights = np.exp(exponents) / np.exp(exponents).sum()
    np.testing.assert_allclose(raster.features.numpy(), weights @ [1.0, 2.0, 5.0], rtol=1e-12)
    np.testing.assert_allclose(raster.depth.numpy(), weights @ [2.0, 3.5, 5.0], rtol=1e-12)
    np.testing.assert_allclose(raster.background_weight.numpy(), weights[2], rtol=1e-12)


def test_backgrounds_of_every_shape():
    made = blend_scene()
    colour = torch.rand(2, dtype=torch.float64)
    options = {"attributes": made.attributes, "tau": 0.1, **LIMITS}
    shapes = (colour, colour.expand(2, 2), colour[None, :, None, None].expand(2, 2, *made.size))
    drawn = [rasterize(made.corners, made.size, background=b, **options).features for b in shapes]
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])
    bare = rasterize(made.corners, made.size, **options)
    torch.testing.assert_close(drawn[0], bare.features + bare.background_weight[:, None] * colour[:, None, None])


def test_alpha_is_coverage_s_own():
    """Blending changes nothing of coverage."""
    made = blend_scene(faces=40)
    for dtype in (torch.float32, torch.float64):
        corners = made.corners.to(dtype)
        for t_conorm in (Probabilistic(), Maximum()):
            alone = rasterize(corners, made.size, tau=0.03, t_conorm=t_conorm, **LIMITS).alpha
            blended = rasterize(corners, made.size, tau=0.03, t_conorm=t_conorm, blend="soft", **LIMITS).alpha
            torch.testing.assert_close(blended, alone, rtol=1e-6 if dtype == torch.float32 else 1e-14, atol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_order_of_faces_does_not_matter(backend):
    made = blend_scene(faces=30)
    order = torch.randperm(30)
    names = ("corners", "attributes", "uvs")
    moved = replace(made, map_of_face=made.map_of_face[order], **{n: getattr(made, n)[:, order] for n in names})
    want, got = (draw(s, Logistic(), Probabilistic(), backend) for s in (made, moved))
    for name, value in want.values().items():
        torch.testing.assert_close(got.values()[name], value, rtol=1e-11, atol=1e-12)
    for name in ("face_vertices", "attributes", "uvs"):
        torch.testing.assert_close(got.gradients[name], want.gradients[name][:, order], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_images_of_a_batch_do_not_touch(blend, backend):
    """Together, one by one, and packed into one list: the same values and gradients."""
    made = blend_scene(batch=3, faces=4)
    tau = torch.tensor([0.1, 0.2, 0.15], dtype=torch.float64)
    weights = made.weights[:, :5]

    def loss(raster, i: int | slice) -> Tensor:
        drawn = torch.cat([raster.alpha[:, None], raster.depth[:, None], raster.features], 1)
        return drawn, (drawn * torch.cat([weights, weights[:, :1]], 1)[i]).sum()

    def inputs() -> list[Tensor]:
        tensors = (made.corners, made.attributes, made.uvs, made.texels)
        return [t.clone().requires_grad_() for t in tensors]

    def textures(uvs: Tensor, texels: Tensor, repeat: int = 1) -> FaceTextures:
        return FaceTextures(uvs, texels, made.maps, made.map_of_face.repeat(repeat), made.wrap)

    options = {"blend": blend, "gamma": 0.1, "backend": backend, **LIMITS}
    corners, colours, uvs, texels = together = inputs()
    raster = rasterize(corners, made.size, tau=tau, attributes=colours, textures=textures(uvs, texels), **options)
    drawn, total = loss(raster, slice(None))
    want = torch.autograd.grad(total, together)

    corners, colours, uvs, texels = separate = inputs()
    parts = [
        loss(
            rasterize(
                corners[i : i + 1],
                made.size,
                tau=tau[i],
                attributes=colours[i : i + 1],
                textures=textures(uvs[i : i + 1], texels),
                **options,
            ),
            slice(i, i + 1),
        )
        for i in range(3)
    ]
    torch.testing.assert_close(torch.cat([p[0] for p in parts]), drawn, rtol=1e-13, atol=0)
    for got, one in zip(torch.autograd.grad(sum(p[1] for p in parts), separate), want, strict=True):
        torch.testing.assert_close(got, one, rtol=1e-10, atol=1e-12)

    corners, colours, uvs, texels = packed = inputs()
    raster = rasterize(
        corners.flatten(0, 1),
        made.size,
        tau=tau,
        attributes=colours.flatten(0, 1),
        textures=textures(uvs.flatten(0, 1)[None], texels, 3),
        face_ranges=torch.tensor([[0, 4], [4, 8], [8, 12]]),
        **options,
    )
    got, total = loss(raster, slice(None))
    torch.testing.assert_close(got, drawn, rtol=1e-13, atol=0)
    for got, one in zip(torch.autograd.grad(total, packed), want, strict=True):
        torch.testing.assert_close(got, one, rtol=1e-10, atol=1e-12)


def test_packed_meshes_of_different_sizes():
    """Each image shows its own faces, those between ranges belong to none, and face_id counts within the image."""
    faces = flat(3.0, 2.0, 1.5, 4.0, 2.5)[0].requires_grad_()
    colours = torch.arange(5.0).double()[:, None, None].expand(5, 3, 1).clone().requires_grad_()
    ranges = torch.tensor([[0, 2], [2, 2], [3, 5]])
    raster = rasterize(faces, 2, attributes=colours, face_ranges=ranges, blend="hard", **LIMITS)
    assert raster.face_id[:, 0, 0].tolist() == [1, -1, 1]
    assert raster.features[:, 0, 0, 0].tolist() == [1.0, 0.0, 4.0]
    (gradient,) = torch.autograd.grad(raster.features.sum(), colours)
    assert (gradient.sum((1, 2)) > 0).tolist() == [False, True, False, False, True]


@pytest.mark.parametrize("blend", ["soft", "hard"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_not_drawn_has_no_features_and_no_gradient(backend, blend):
    """Culled, before near and beyond far: alpha, features and gradients leave the face out alike."""
    turned = flat(2.0)[:, :, [0, 2, 1]]
    across = flat(2.0)
    across[0, 0, 1, 2] = 0.5
    beyond = flat(2.0)
    beyond[0, 0, 2, 2] = 5.5
    faces = torch.cat([turned, across, beyond], 1).requires_grad_()
    colours = torch.ones(1, 3, 3, 1, dtype=torch.float64).requires_grad_()
    raster = rasterize(faces, 3, tau=0.1, attributes=colours, blend=blend, cull="back", backend=backend, **LIMITS)
    assert not raster.alpha.any()
    assert not raster.features.any()
    assert (raster.background_weight - 1).abs().max() < 1e-14
    assert (raster.depth - 5).abs().max() < 1e-13
    gradients = torch.autograd.grad(raster.features.sum() + raster.depth.sum() + raster.alpha.sum(), (faces, colours))
    assert not any(g.any() for g in gradients)

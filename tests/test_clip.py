"""Clipping at the near plane against an independent polygon clipper, at its edges, and as the rasterizer sees it."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gendr import Camera, Mesh, rasterize
from gendr.render.clip import clip_depth, clip_far, clip_near
from gendr.render.clipped import Clipped

DTYPES = [torch.float32, torch.float64]
SIGNS = list(itertools.product((-1.0, 0.0, 1.0), repeat=3))


def clip_in_any_layout(layout, clip, face_vertices, plane):
    """`clip`, as the CPU does it or with two slots per face, as other devices, compilers and vmap have it."""
    if layout == "compact":
        return clip(face_vertices, plane)

    def fields(corners):
        clipped = clip(corners, plane)
        return clipped.face_vertices, clipped.barycentrics, clipped.source

    pieces = [t[0] for t in torch.func.vmap(fields)(face_vertices[None])]
    return Clipped(*pieces, _copies=pieces[2].shape[1] // max(face_vertices.shape[1], 1))


def random_faces(batch, faces, dtype=torch.float64):
    return (torch.randn(batch, faces, 3, 3, dtype=torch.float64) * 2).to(dtype)


def polygon_area(corners):
    """Area vector of a planar polygon [N, 3]."""
    corners = np.asarray(corners).reshape(-1, 3)
    return sum((np.cross(p, q) for p, q in zip(corners, np.roll(corners, -1, 0), strict=True)), np.zeros(3)) / 2


def clipped_polygon(triangle, keep):
    """Sutherland and Hodgman's loop, corner by corner; `keep(z) >= 0` stays."""
    out = []
    for p, q in zip(triangle, np.roll(triangle, -1, 0), strict=True):
        a, b = keep(p[2]), keep(q[2])
        if a >= 0:
            out.append(p)
        if (a >= 0) != (b >= 0):
            out.append(p + (q - p) * a / (a - b))
    return out


def pieces_of(clipped, image, face, is_drawn):
    slots = (clipped.source[image] == face).nonzero()[:, 0]
    pieces = clipped.face_vertices[image, slots]
    return pieces[is_drawn(pieces[..., 2]).all(-1)]


@pytest.mark.parametrize("layout", ["compact", "uniform"])
@pytest.mark.parametrize("clip", [clip_near, clip_far])
def test_pieces_have_the_area_of_the_clipped_polygon(layout, clip):
    faces = random_faces(3, 40)
    side, plane = (1.0, 0.5) if clip is clip_near else (-1.0, 0.25)
    clipped = clip_in_any_layout(layout, clip, faces, plane)
    for image, face in itertools.product(range(3), range(40)):
        polygon = clipped_polygon(faces[image, face].numpy(), lambda z: side * (z - plane))
        pieces = pieces_of(clipped, image, face, lambda z: side * z >= side * plane)
        assert len(pieces) == max(len(polygon) - 2, 0)
        total = sum((polygon_area(piece) for piece in pieces), np.zeros(3))
        # Two sums of products of numbers of size 6 in another order: worst seen 2e-15.
        np.testing.assert_allclose(total, polygon_area(polygon), atol=1e-13)
    assert clipped.face_vertices.shape[1] == (80 if layout == "uniform" else clipped.source.shape[1]) <= 80


@pytest.mark.parametrize("layout", ["compact", "uniform"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("signs", SIGNS)
def test_corners_on_the_plane(layout, dtype, signs):
    """All ways in which three corners lie behind, on and in front of the plane."""
    triangle = torch.tensor([[0.3, 0.1, 0.0], [1.7, 0.2, 0.0], [0.6, 1.9, 0.0]], dtype=dtype)
    triangle[:, 2] = 0.7 + torch.tensor(signs, dtype=dtype) * torch.tensor([0.5, 0.25, 0.3], dtype=dtype)
    near = float(triangle.new_tensor(0.7))
    clipped = clip_in_any_layout(layout, clip_near, triangle[None, None], near)
    pieces = pieces_of(clipped, 0, 0, lambda z: z >= near)
    whole = polygon_area(triangle)
    n_front, n_behind = signs.count(1.0), signs.count(-1.0)
    assert len(pieces) == (1 if n_behind == 0 or n_front == 1 else 2 if n_front == 2 else 0)
    if n_behind == 0:
        assert torch.equal(pieces[0], triangle)
    for piece in pieces:
        area = polygon_area(piece)
        assert area @ whole > 0  # same winding, and no segment or point among the pieces
        assert np.linalg.norm(area) <= np.linalg.norm(whole) * (1 + 1e-6)
    on_plane = triangle[torch.tensor(signs) == 0.0]
    if len(pieces) and len(on_plane):  # the corner itself, not a rounded copy
        assert (pieces.reshape(-1, 1, 3) == on_plane).all(-1).any(0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_in_front_is_returned_as_it_is(dtype):
    faces = random_faces(2, 300, dtype)  # more than one row of the reduction, and a rest
    faces[..., 2] = faces[..., 2].abs() + 1.0
    faces[1, 299, 2, 2] = 1.0
    clipped = clip_near(faces, 1.0)
    assert clipped.face_vertices is faces
    assert torch.equal(clipped.source, torch.arange(300).expand(2, 300))
    assert torch.equal(clipped.barycentrics, torch.eye(3, dtype=dtype).expand(2, 300, 3, 3))
    colours = torch.rand(1, 300, 3, 2, dtype=dtype)
    assert clipped.interpolate(colours) is colours
    for corner in ((0, 0, 0), (0, 255, 1), (1, 299, 2)):
        moved = faces.clone()
        moved[(*corner, 2)] = 0.999
        after = clip_near(moved, 1.0)
        assert after.face_vertices.shape[1] == 301
        others = torch.ones(2, 300, dtype=torch.bool)
        others[corner[:2]] = False
        assert torch.equal(after.face_vertices[:, :300][others], faces[others])


def test_faces_behind_are_dropped_and_take_no_gradient():
    faces = random_faces(1, 6)
    faces[..., 2] = -faces[..., 2].abs()
    faces.requires_grad_()
    clipped = clip_near(faces, 0.1)
    assert torch.equal(clipped.face_vertices, torch.zeros(1, 6, 3, 3, dtype=torch.float64))
    clipped.face_vertices.sum().backward()
    assert torch.equal(faces.grad, torch.zeros_like(faces))
    assert (clip_near(faces, 0.0).face_vertices[..., 2] == -1.0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["compact", "uniform"])
def test_neighbours_meet_without_a_crack(dtype, layout):
    """Every edge off the plane is there twice, once in each direction, to the last bit; so are values carried over."""
    mesh = Mesh.icosphere(3, radius=1.3, dtype=dtype)
    camera = Camera.look_at(distance=0.9, elevation=33.0, azimuth=12.0).to(dtype)
    corners = camera.to_camera(mesh.vertices)[:, mesh.faces]
    colours = torch.rand(mesh.n_vertices, 2, dtype=dtype)[mesh.faces][None]
    clipped = clip_in_any_layout(layout, clip_near, corners, 0.3)
    values = torch.cat((clipped.face_vertices, clipped.interpolate(colours)), -1)[0]
    values = values[(values[..., 2] >= 0.3).all(-1)].numpy()
    assert 0 < len(values) < 1280
    directed = [(a.tobytes(), b.tobytes()) for v in values for a, b in zip(v, np.roll(v, -1, 0), strict=True)]
    assert len(set(directed)) == len(directed)
    unmatched = [(a, b) for a, b in directed if (b, a) not in set(directed)]
    ends = np.array([[np.frombuffer(p, values.dtype)[2] for p in edge] for edge in unmatched])
    assert len(ends) > 20
    assert (ends == ends[0, 0]).all()  # the rim of the hole, at the plane


@pytest.mark.parametrize("layout", ["compact", "uniform"])
def test_barycentrics_describe_the_corners(layout):
    faces = random_faces(2, 50)
    clipped = clip_in_any_layout(layout, clip_near, faces, 0.5)
    torch.testing.assert_close(clipped.barycentrics.sum(-1), torch.ones_like(clipped.barycentrics[..., 0]))
    assert (clipped.barycentrics >= 0).all()
    drawn = (clipped.face_vertices[..., 2] >= 0.5).all(-1)
    again = clipped.interpolate(faces)
    torch.testing.assert_close(again[drawn], clipped.face_vertices[drawn], rtol=0, atol=1e-14)
    images = torch.arange(2)[:, None]
    product = clipped.barycentrics @ faces[images, clipped.source]
    torch.testing.assert_close(again, product, rtol=0, atol=1e-14)
    shared = torch.rand(1, 50, 3, 4, dtype=torch.float64)
    assert torch.equal(clipped.interpolate(shared), clipped.interpolate(shared.expand(2, -1, -1, -1)))


def test_as_many_second_pieces_as_faces():
    """One image needs a second slot for each of its faces, the other for its last face only."""
    triangle = torch.tensor([[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
    faces = torch.stack((triangle, triangle)).expand(2, 2, 3, 3).clone()
    faces[1, 0, :, 2] = 2.0
    clipped = clip_near(faces, 1.0)
    assert clipped.source.tolist() == [[0, 1, 0, 1], [0, 1, 1, 0]]
    colours = torch.rand(2, 2, 3, 1)
    assert torch.equal(clipped.interpolate(colours)[1, 2, 1], colours[1, 1, 1])


@pytest.mark.parametrize("layout", ["compact", "uniform"])
def test_packed_lists(layout):
    """Images of different meshes in one list, with gaps and an empty one: each gets what it gets alone."""
    faces, ranges = random_faces(1, 60), torch.tensor([[0, 10], [10, 10], [13, 40], [40, 58]])
    colours = torch.rand(1, 60, 3, 2, dtype=torch.float64)
    clipped, slots = clip_in_any_layout(layout, clip_near, faces, 0.5).packed(ranges)
    values = torch.cat((clipped.face_vertices, clipped.interpolate(colours)), -1)[0]
    for (begin, end), (first, last) in zip(ranges.tolist(), slots.tolist(), strict=True):
        assert clipped.source[0, first:last].tolist()[: end - begin] == list(range(begin, end))
        alone = clip_in_any_layout(layout, clip_near, faces[:, begin:end], 0.5)
        expected = torch.cat((alone.face_vertices, alone.interpolate(colours[:, begin:end])), -1)[0]
        assert torch.equal(values[first:last], expected)
    whole = clip_near(faces.abs() + 1.0, 0.5)
    assert whole.packed(ranges) == (whole, ranges)
    assert clip_near(faces, 0.5).packed(torch.zeros(0, 2, dtype=torch.int64))[1].shape == (0, 2)


def between(corners, plane):
    """Both planes at once, one unit apart."""
    return clip_depth(corners, plane, plane + 1.0)


@pytest.mark.parametrize("layout", ["compact", "uniform"])
def test_both_planes_are_one_after_the_other(layout):
    faces, colours = random_faces(3, 40), torch.rand(1, 40, 3, 2, dtype=torch.float64)
    both = clip_in_any_layout(layout, between, faces, 0.5)
    near = clip_near(faces, 0.5)
    far = clip_far(near.face_vertices, 1.5)
    carried = far.interpolate(near.interpolate(colours))
    values = both.interpolate(colours)
    for image, face in itertools.product(range(3), range(40)):
        slots = (both.source[image] == face).nonzero()[:, 0]
        slots = slots[((both.face_vertices[image, slots, :, 2] - 1).abs() <= 0.5).all(-1)]
        others = (near.source.gather(1, far.source)[image] == face).nonzero()[:, 0]
        others = others[((far.face_vertices[image, others, :, 2] - 1).abs() <= 0.5).all(-1)]
        assert torch.equal(both.face_vertices[image, slots], far.face_vertices[image, others])
        # The weights of both cuts are multiplied first here, the values carried over twice there.
        torch.testing.assert_close(values[image, slots], carried[image, others], rtol=0, atol=1e-14)
        corners = torch.einsum("skj,jc->skc", both.barycentrics[image, slots], faces[image, face])
        torch.testing.assert_close(corners, both.face_vertices[image, slots], rtol=0, atol=1e-13)
    assert both.source.shape[1] > 60


def test_rounds_of_slots_are_packed_in_order():
    """As devices have it: further pieces behind the first ones of the same mesh, values along with them."""
    faces, colours = random_faces(1, 9), torch.rand(1, 9, 3, 2, dtype=torch.float64)
    ranges = torch.tensor([[0, 4], [4, 4], [4, 9]])
    whole = clip_in_any_layout("uniform", between, faces, 0.5)
    packed, bounds = whole.packed(ranges)
    assert bounds.tolist() == [[0, 16], [16, 16], [16, 36]]
    assert packed.source[0, :16].tolist() == [0, 1, 2, 3] * 4
    assert packed.source[0, 16:].tolist() == [4, 5, 6, 7, 8] * 4
    order = torch.arange(36)[torch.argsort((whole.source[0] >= 4).long(), stable=True)]
    assert torch.equal(packed.interpolate(colours)[0], whole.interpolate(colours)[0, order])


@pytest.mark.parametrize("layout", ["compact", "uniform"])
def test_layouts_hold_the_same_pieces(layout):
    faces = random_faces(3, 30, torch.float32)
    one, other = clip_near(faces, 0.5), clip_in_any_layout("uniform", clip_near, faces, 0.5)
    for image, face in itertools.product(range(3), range(30)):
        assert torch.equal(*(pieces_of(c, image, face, lambda z: z >= 0.5) for c in (one, other)))


@pytest.mark.parametrize("clip", [clip_near, clip_far, between])
def test_derivatives(clip):
    faces = random_faces(2, 4).requires_grad_()
    colours = torch.rand(1, 4, 3, 2, dtype=torch.float64).requires_grad_()
    assert clip(faces, 0.5).face_vertices.shape[1] > 4
    assert torch.autograd.gradcheck(lambda v: clip(v, 0.5).face_vertices, faces)
    assert torch.autograd.gradcheck(lambda v, c: clip(v, 0.5).interpolate(c), (faces, colours))
    assert torch.autograd.gradgradcheck(lambda v: clip(v, 0.5).face_vertices, faces)


def test_cut_points_slide_along_their_edges():
    """Raising the corner in front raises t: the formula's own derivative, and the depth stays at the plane."""
    corners = torch.tensor([[[[0.0, 0.0, 3.0], [4.0, 2.0, 1.0], [8.0, 0.0, 1.0]]]], requires_grad=True)
    piece = clip_near(corners, 2.0).face_vertices[0, 0]
    assert piece.tolist() == [[0.0, 0.0, 3.0], [2.0, 1.0, 2.0], [4.0, 0.0, 2.0]]
    (gradient,) = torch.autograd.grad(piece[1, 0], corners, retain_graph=True)
    # x = 4 t, t = (z0 - 2) / (z0 - z1): dt/dz0 = (2 - z1) / (z0 - z1)^2 = 1/4, dt/dz1 = (z0 - 2) / (z0 - z1)^2 = 1/4
    assert gradient[0, 0].tolist() == [[0.5, 0.0, 1.0], [0.5, 0.0, 1.0], [0.0, 0.0, 0.0]]
    assert not torch.autograd.grad(piece[1:, 2].sum(), corners)[0].any()


def test_functional_transforms():
    faces = random_faces(4, 8)
    batched = torch.func.vmap(lambda v: clip_near(v[None], 0.5).face_vertices[0])(faces)
    assert torch.equal(batched, clip_in_any_layout("uniform", clip_near, faces, 0.5).face_vertices)
    gradient = torch.func.grad(lambda v: clip_near(v, 0.5).face_vertices.square().sum())(faces)
    leaf = faces.clone().requires_grad_()
    clip_near(leaf, 0.5).face_vertices.square().sum().backward()
    torch.testing.assert_close(gradient, leaf.grad)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
def test_compiles_whole():
    def cut(corners, colours):
        clipped = clip_near(corners, 0.5)
        return clipped.face_vertices, clipped.interpolate(colours)

    faces, colours = random_faces(2, 8), torch.rand(1, 8, 3, 2, dtype=torch.float64)
    points, values = torch.compile(cut, fullgraph=True, backend="aot_eager")(faces.requires_grad_(), colours)
    expected = clip_in_any_layout("uniform", clip_near, faces.detach(), 0.5)
    assert torch.equal(points, expected.face_vertices)
    assert torch.equal(values, expected.interpolate(colours))


coordinates = st.floats(-999999986991104.0, 999999986991104.0, width=32) | st.sampled_from(
    [0.0, 0.5, 1.0, -1.0, 1.0 + 2**-23, 1e-40, -1e-40]
)


@given(st.lists(coordinates, min_size=18, max_size=18), st.sampled_from([1.0, 0.5, 0.7, 1e-3, 0.0, -0.3, 50.0]))
def test_any_finite_corners_give_finite_pieces_in_range(numbers, near):
    for dtype, clip in itertools.product(DTYPES, (clip_near, clip_far, between)):
        faces = torch.tensor(numbers, dtype=dtype).view(1, 2, 3, 3).requires_grad_()
        clipped = clip(faces, near)
        z = clipped.face_vertices[..., 2].detach().double()
        in_range = {clip_near: z >= near, clip_far: z <= near, between: (z >= near) & (z <= near + 1.0)}[clip]
        assert (in_range.all(-1) | ~in_range.any(-1)).all()
        (clipped.face_vertices.sum() + clipped.barycentrics[..., 0].sum()).backward()
        assert clipped.face_vertices.isfinite().all()
        assert clipped.barycentrics.isfinite().all()
        assert faces.grad.isfinite().all()


@pytest.mark.parametrize("faces", [(0, 5), (2, 0), (1, 1)])
def test_little_or_nothing(faces):
    clipped = clip_near(torch.full((*faces, 3, 3), 2.0), 1.0)
    assert clipped.face_vertices.shape == (*faces, 3, 3)
    assert clipped.interpolate(torch.zeros(*faces, 3, 0)).shape == (*faces, 3, 0)


CLIPPED = clip_near(torch.zeros(2, 4, 3, 3), 1.0)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "face_vertices", lambda: clip_near(torch.zeros(1, 3, 3), 1.0)),
        (ValueError, "face_vertices", lambda: clip_near(torch.zeros(1, 1, 3, 3, dtype=torch.float16), 1.0)),
        (ValueError, "near", lambda: clip_near(torch.zeros(1, 1, 3, 3), float("nan"))),
        (TypeError, "near", lambda: clip_near(torch.zeros(1, 1, 3, 3), "1")),
        (ValueError, "far", lambda: clip_far(torch.zeros(1, 1, 3, 3), float("inf"))),
        (ValueError, "face_ranges", lambda: CLIPPED.packed(torch.tensor([[0, 4]]))),
        (ValueError, "face_ranges", lambda: CLIPPED.packed(torch.tensor([0, 4]))),
        (ValueError, "attributes", lambda: CLIPPED.interpolate(torch.zeros(3, 4, 3, 1))),
        (ValueError, "attributes", lambda: CLIPPED.interpolate(torch.zeros(2, 5, 3, 1))),
        (ValueError, "attributes", lambda: CLIPPED.interpolate(torch.ones(2, 4, 3, 1, dtype=torch.float64))),
    ],
)
def test_wrong_arguments_are_named(error, message, call):
    with pytest.raises(error, match=message):
        call()


# As the rasterizer sees it

NEAR = 0.7  # no float32 number: rounded down, the cut corners would be out of range


def floor(dtype, z_from, steps):
    """A floor one unit below the eye, 8 wide, to depth 30, as a grid of triangles in camera space."""
    x = torch.linspace(-4, 4, steps + 1, dtype=dtype)
    z = (
        z_from * (30.0 / z_from) ** torch.linspace(0, 1, steps + 1, dtype=dtype)
        if z_from > 0
        else torch.tensor([z_from, 30.0])
    )
    x = x if z_from > 0 else x[[0, -1]]
    grid = torch.stack(torch.meshgrid(x, torch.tensor([-1.0], dtype=dtype), z.to(dtype), indexing="ij"), -1)[:, 0]
    a, b, c, d = grid[:-1, :-1], grid[1:, :-1], grid[:-1, 1:], grid[1:, 1:]
    return torch.cat([torch.stack(t, -2).reshape(-1, 3, 3) for t in ((a, b, d), (a, d, c))])[None]


def seen(corners, dtype=None, clip=True, **options):
    camera = Camera.look_at(fov=80.0)
    corners = clip_near(corners, NEAR).face_vertices if clip else corners
    image_points = camera.to(corners.dtype).to_image(corners)
    return rasterize(image_points, (48, 64), tau=1e-5, near=NEAR, far=40.0, **options).alpha


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cull", ["none", "back", "front"])
def test_a_floor_under_the_camera(dtype, cull):
    """One big quad that passes under the eye covers what its fine subdivision in front of the plane covers."""
    big = seen(floor(dtype, -20.0, 1), cull=cull)
    fine = seen(floor(dtype, NEAR + 1e-6, 12), cull=cull, clip=False)
    assert not seen(floor(dtype, -20.0, 1), cull=cull, clip=False).any()  # unclipped it would be gone
    assert ((big > 0.5) == (fine > 0.5)).all()
    assert (big > 0.5).any() == (cull != "front")
    # Away from the subdivision's seams, on which two faces give 3/4, the images agree.
    assert ((big - fine).abs() < 1e-4).double().mean() > 0.97


def test_alpha_s_gradient_passes_the_plane():
    """The image's derivative in corners behind the plane, against central differences."""
    corners = floor(torch.float64, -20.0, 1)
    weights = torch.rand(1, 48, 64, dtype=torch.float64)

    def image(points):
        piece = Camera.look_at(fov=80.0).to_image(clip_near(points, NEAR).face_vertices)
        return (rasterize(piece, (48, 64), tau=0.05, near=NEAR, far=40.0, cutoff=0.0).alpha * weights).sum()

    leaf = corners.clone().requires_grad_()
    image(leaf).backward()
    for index in itertools.product((0,), (0, 1), (0, 1, 2), (0, 1, 2)):
        step = torch.zeros_like(corners)
        step[index] = 1e-6
        difference = (image(corners + step) - image(corners - step)) / 2e-6
        # Central differences of a sum of 3,000 alphas: worst seen relative 1e-6.
        assert leaf.grad[index].item() == pytest.approx(difference.item(), rel=1e-5, abs=1e-7)
    assert leaf.grad[..., 2].abs().max() > 1e-3

"""The large-steps parametrisation against dense linear algebra, on regular meshes and on the worst topologies."""

import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from gendr.optim import LargeSteps
from gendr.optim._symmetric_solve import Factor, dense_inverse, solve

N = 8
FACE_LISTS = st.lists(
    st.tuples(*[st.integers(0, N - 1)] * 3), max_size=14
)  # degenerate, duplicate, non-manifold, holes


def random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def sphere(level, dtype=torch.float64):
    mesh = trimesh.creation.icosphere(subdivisions=level)
    return torch.tensor(mesh.vertices.tolist(), dtype=dtype), torch.tensor(mesh.faces.tolist())


def dense(faces, n_vertices, lambda_):
    """I + lambda L, by the definition of L."""
    edges = {frozenset(p) for f in faces for p in ((f[0], f[1]), (f[1], f[2]), (f[2], f[0])) if p[0] != p[1]}
    matrix = torch.eye(n_vertices, dtype=torch.float64)
    for a, b in edges:
        for i, j in ((a, b), (b, a)):
            matrix[i, i] += lambda_
            matrix[i, j] -= lambda_
    return matrix


@settings(deadline=None, max_examples=100)
@given(FACE_LISTS, st.sampled_from([0.0, 1e-3, 1.0, 30.0]))
def test_any_topology_agrees_with_a_dense_solve(faces, lambda_):
    steps = LargeSteps(torch.zeros(N, 3), torch.tensor(faces, dtype=torch.int64).reshape(-1, 3), lambda_)
    matrix, u = dense(faces, N, lambda_), random(2, N, 3)
    # The condition number is at most 1 + 2 * 30 * 7 = 421: 421 * 1e-16 with a margin of ten.
    torch.testing.assert_close(steps.to_vertices(u), torch.linalg.solve(matrix, u), atol=5e-13, rtol=0)
    torch.testing.assert_close(steps.to_parameters(u), matrix @ u, atol=1e-12, rtol=1e-13)


@pytest.mark.parametrize("level", [2, 3, 4])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
def test_round_trip(level, dtype, tolerance):
    vertices, faces = sphere(level, dtype)
    steps = LargeSteps(vertices, faces, 1.0)
    there_and_back = steps.to_vertices(steps.to_parameters(vertices))
    assert there_and_back.dtype == dtype
    # The solve is done in float64: float32 loses digits in `u` and in the result only, where |u| <= 13.
    torch.testing.assert_close(there_and_back, vertices, atol=tolerance, rtol=0)
    torch.testing.assert_close(steps.to_parameters(steps.to_vertices(vertices)), vertices, atol=10 * tolerance, rtol=0)


def test_sphere_agrees_with_a_dense_solve():
    vertices, faces = sphere(3)
    for lambda_ in (1.0, 19.0):
        matrix, u = dense(faces.tolist(), len(vertices), lambda_), random(len(vertices), 3)
        got = LargeSteps(vertices, faces, lambda_).to_vertices(u)
        torch.testing.assert_close(got, torch.linalg.solve(matrix, u), atol=1e-13, rtol=0)


def test_dense_factor_agrees_with_the_sparse_one():
    """What other devices use, run on the CPU."""
    vertices, faces = sphere(2)
    steps = LargeSteps(vertices, faces, 2.0)
    matrix = steps._diagonal[:, 0], torch.cat((steps.edges, steps.edges.flip(1))), -2.0
    factor = Factor(*matrix)
    factor._inverses = {torch.float64: dense_inverse(*matrix)}
    u = random(2, len(vertices), 3)
    torch.testing.assert_close(solve(u, factor), steps.to_vertices(u), atol=1e-13, rtol=0)
    torch.testing.assert_close(solve(u.float(), factor), steps.to_vertices(u).float(), atol=1e-6, rtol=0)


def test_translations_pass_unchanged_and_the_centre_stays():
    vertices, faces = sphere(2)
    steps = LargeSteps(vertices, faces, 5.0)
    shift = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(steps.to_vertices(shift.expand(len(vertices), 3)), shift.expand(len(vertices), 3))
    u = random(len(vertices), 3)
    torch.testing.assert_close(steps.to_vertices(u + shift), steps.to_vertices(u) + shift)
    torch.testing.assert_close(steps.to_vertices(u).mean(0), u.mean(0))  # rows of the inverse sum to 1, and columns too


def test_the_inverse_is_symmetric_positive_and_smooths():
    vertices, faces = sphere(2)
    steps = LargeSteps(vertices, faces, 3.0)
    n = len(vertices)
    inverse = torch.cat([steps.to_vertices(block) for block in torch.eye(n, dtype=torch.float64).split(3, 1)], 1)
    torch.testing.assert_close(inverse, inverse.T, atol=1e-15, rtol=0)
    eigenvalues = torch.linalg.eigvalsh(inverse)
    assert eigenvalues.min() >= 1 / (1 + 2 * 3.0 * 6) - 1e-12
    assert eigenvalues.max() == pytest.approx(1.0)
    assert inverse.min() > 0  # an M-matrix: a push outwards anywhere pulls nothing inwards


def test_isolated_vertices_pass_unchanged():
    steps = LargeSteps(torch.zeros(5, 3), torch.tensor([[0, 1, 2]]), 4.0)
    u = random(5, 3)
    assert torch.equal(steps.to_vertices(u)[3:], u[3:])
    alone = LargeSteps(torch.zeros(2, 3), torch.zeros(0, 3, dtype=torch.int64))
    assert torch.equal(alone.to_vertices(u[:2]), u[:2])


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # raised inside torch's forward mode
@pytest.mark.parametrize("shape", [(12, 3), (2, 12, 3)])
def test_derivatives_of_any_order(shape):
    vertices, faces = sphere(0)
    steps = LargeSteps(vertices, faces, 1.5)
    u = random(*shape).requires_grad_()
    for function in (steps.to_vertices, steps.to_parameters):
        assert torch.autograd.gradcheck(function, u, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(lambda v, function=function: function(v).pow(3), u)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # raised inside torch's forward mode
def test_function_transforms():
    vertices, faces = sphere(0)
    steps = LargeSteps(vertices, faces, 1.5)
    u = random(4, 12, 3)
    torch.testing.assert_close(torch.func.vmap(steps.to_vertices)(u), steps.to_vertices(u))
    torch.testing.assert_close(
        torch.func.vmap(steps.to_vertices, in_dims=1, out_dims=1)(u.movedim(0, 1)).movedim(1, 0), steps.to_vertices(u)
    )
    pairs = u.reshape(2, 2, 12, 3)
    torch.testing.assert_close(torch.func.vmap(steps.to_vertices)(pairs), steps.to_vertices(u).reshape(pairs.shape))
    gradients = torch.func.vmap(torch.func.grad(lambda v: steps.to_vertices(v).square().sum()))(u)
    torch.testing.assert_close(gradients, steps.to_vertices(2 * steps.to_vertices(u)))
    forward, reverse = (jacobian(steps.to_vertices)(u[0]) for jacobian in (torch.func.jacfwd, torch.func.jacrev))
    torch.testing.assert_close(forward, reverse)


def test_other_layouts_in_memory():
    vertices, faces = sphere(1)
    steps = LargeSteps(vertices, faces)
    u = random(5, 3, len(vertices)).mT
    assert not u.is_contiguous()
    torch.testing.assert_close(steps.to_vertices(u), steps.to_vertices(u.contiguous()), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("lambda_", {"lambda_": -1.0}),
        ("lambda_", {"lambda_": float("inf")}),
        ("lambda_", {"lambda_": "1"}),
        ("faces", {"faces": torch.tensor([[0, 1, 4]])}),
        ("faces", {"faces": torch.tensor([[0.0, 1.0, 2.0]])}),
        ("vertices", {"vertices": torch.zeros(4, 2)}),
    ],
)
def test_wrong_arguments_are_named(name, change):
    with pytest.raises((ValueError, TypeError), match=name):
        LargeSteps(**({"vertices": torch.zeros(4, 3), "faces": torch.tensor([[0, 1, 2]])} | change))


def test_other_vertices_are_refused():
    steps = LargeSteps(torch.zeros(4, 3), torch.tensor([[0, 1, 2]]))
    with pytest.raises((ValueError, TypeError), match="parameters"):
        steps.to_vertices(torch.zeros(5, 3))
    with pytest.raises((ValueError, TypeError), match="vertices"):
        steps.to_parameters(torch.zeros(5, 3))

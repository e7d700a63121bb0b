"""Images whose faces the kernels draw tile by tile: what is seen and its gradients do not tell in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from blends import LIMITS, BlendScene, blend_scene, draw
from gendr import rasterize
from gendr.distributions import Logistic, Uniform
from gendr.tnorms import Average, Maximum, Probabilistic, Yager
from renderers import relative_error

SIZE = (250, 280)  # more than 2^16 pixels


@pytest.mark.parametrize("t_conorm", [Probabilistic(), Maximum(), Yager(p=2.0), Average()], ids=str)
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_kernels_are_the_reference(t_conorm, blend):
    scene = blend_scene(size=SIZE)
    want, got = (draw(scene, Logistic(), t_conorm, backend, blend=blend) for backend in ("reference", "cpu"))
    for name, value in want.values().items():
        torch.testing.assert_close(got.values()[name], value, rtol=1e-9, atol=1e-12)
    for name, value in want.gradients.items():
        assert relative_error(got.gradients[name], value) < 1e-9, name


def reversed_faces(scene: BlendScene) -> BlendScene:
    names = ("corners", "attributes", "uvs")
    return replace(scene, map_of_face=scene.map_of_face.flip(0), **{n: getattr(scene, n).flip(1) for n in names})


@pytest.mark.parametrize("t_conorm", [Probabilistic(), Maximum()], ids=str)
@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_the_order_of_faces_does_not_matter(t_conorm, blend):
    scene = blend_scene(batch=1, faces=40, size=SIZE)
    want, got = (draw(s, Logistic(), t_conorm, blend=blend) for s in (scene, reversed_faces(scene)))
    for name, value in want.values().items():
        torch.testing.assert_close(got.values()[name], value, rtol=1e-11, atol=1e-12)
    for name in ("face_vertices", "attributes", "uvs"):
        torch.testing.assert_close(got.gradients[name], want.gradients[name].flip(1), rtol=1e-9, atol=1e-11)


def twins(upper_first: bool) -> Tensor:
    """One rectangle's half twice, the two differing in which corner comes first: the lower one, or the upper one."""
    low, high, side = [-0.8, -0.8, 2.0], [-0.8, 0.8, 2.0], [0.8, -0.8, 2.0]
    pair = [[low, side, high], [high, low, side]]
    return torch.tensor([pair[::-1] if upper_first else pair], dtype=torch.float64)


@pytest.mark.parametrize("upper_first", [True, False])
def test_of_two_faces_as_near_the_first_is_seen(upper_first):
    faces = twins(upper_first)
    both, *alone = (
        rasterize(f, SIZE, Logistic(), 1e-3, blend="hard", **LIMITS) for f in (faces, faces[:, :1], faces[:, 1:])
    )
    as_near = (alone[0].depth == alone[1].depth) & (alone[0].face_id == 0)  # elsewhere rounding tells them apart
    assert as_near.sum() > 10_000
    assert (both.face_id[as_near] == 0).all()


@pytest.mark.parametrize("upper_first", [True, False])
def test_of_two_faces_as_probable_maximum_takes_the_first(upper_first):
    faces = twins(upper_first).requires_grad_()
    attributes = torch.ones(1, 2, 3, 1, dtype=torch.float64)
    alpha = rasterize(faces, SIZE, Uniform(), 0.01, Maximum(), attributes=attributes, **LIMITS).alpha
    (gradient,) = torch.autograd.grad(alpha.sum(), faces)
    assert gradient[0, 0].abs().max() > 1
    assert gradient[0, 1].abs().max() == 0


@pytest.mark.parametrize("blend", ["soft", "hard"])
def test_packed_lists(blend):
    """Lists of different lengths, with a face between them that no image has, and more images than are drawn at once
    backwards."""
    scene = blend_scene(batch=1, faces=11, size=SIZE)
    corners, colours = scene.corners[0].requires_grad_(), scene.attributes[0].requires_grad_()
    weights = torch.rand(5, 2, *SIZE, dtype=torch.float64)
    ranges = [(0, 4), (4, 4), (5, 8), (8, 9), (9, 11)]
    options = {"tau": 0.01, "blend": blend, **LIMITS}

    packed = rasterize(corners, SIZE, attributes=colours, face_ranges=torch.tensor(ranges), **options)
    loss = torch.zeros(())
    for image, (begin, end) in enumerate(ranges):
        alone = rasterize(corners[None, begin:end], SIZE, attributes=colours[None, begin:end], **options)
        assert torch.equal(packed.features[image], alone.features[0])
        assert torch.equal(packed.alpha[image], alone.alpha[0])
        loss = loss + (alone.features[0] * weights[image]).sum()
    want = torch.autograd.grad(loss, [corners, colours])
    for got, one in zip(torch.autograd.grad((packed.features * weights).sum(), [corners, colours]), want, strict=True):
        torch.testing.assert_close(got, one, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("batch", "faces"), [(0, 3), (2, 0), (2, 1)])
def test_few_faces_or_none(batch, faces):
    scene = blend_scene(batch=batch, faces=faces, size=SIZE, shared=True)
    want, got = (draw(scene, Logistic(), Probabilistic(), backend) for backend in ("reference", "cpu"))
    for name, value in want.values().items():
        torch.testing.assert_close(got.values()[name], value, rtol=1e-9, atol=1e-12)

"""Spherical harmonics: orthonormal, scipy's, and convolved with the cosine as integration has it."""

import math

import numpy as np
import pytest
import torch
from scipy.special import lpmv

from gendr.render.normals import unit
from gendr.render.spherical_harmonics import COSINE_FACTORS, basis, irradiance, project, sphere_quadrature

DIRECTIONS, WEIGHTS = sphere_quadrature(64)


def some_normals(count=6):
    return unit(torch.randn(count, 3, dtype=torch.float64))


def test_orthonormal_under_quadrature():
    values = basis(DIRECTIONS)
    torch.testing.assert_close(values.mT @ (WEIGHTS[:, None] * values), torch.eye(9).double(), rtol=0, atol=1e-13)


def test_the_functions_are_scipy_s_legendre_functions_around_the_axis():
    """scipy's have the sign (-1)^m of Condon and Shortley, which is taken out."""
    normals = some_normals(20)
    x, y, z = normals.numpy().T
    for index, (degree, order) in enumerate((d, m) for d in range(3) for m in range(-d, d + 1)):
        m, angle = abs(order), np.arctan2(y, x)
        ratio = math.factorial(degree - m) / math.factorial(degree + m)
        scale = (-1) ** m * math.sqrt((2 * degree + 1) / (4 * math.pi) * ratio * (1 if m == 0 else 2))
        expected = scale * lpmv(m, degree, z) * (np.sin(m * angle) if order < 0 else np.cos(m * angle))
        np.testing.assert_allclose(basis(normals)[:, index].numpy(), expected, atol=1e-14)


def test_published_constants():
    values = basis(torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [1.0, 1.0, 0]], dtype=torch.float64))
    assert values[0, 0].item() == pytest.approx(0.282095, abs=5e-7)
    assert [values[1, 1].item(), values[2, 2].item(), values[0, 3].item()] == pytest.approx([0.488603] * 3, abs=5e-7)
    assert values[3, 4].item() == pytest.approx(1.092548, abs=5e-7)
    assert values[2, 6].item() == pytest.approx(2 * 0.315392, abs=1e-6)
    assert values[0, 8].item() == pytest.approx(0.546274, abs=5e-7)
    assert list(COSINE_FACTORS) == pytest.approx([3.141593, 2.094395, 0.785398], abs=5e-7)


def test_irradiance_is_the_integral_with_the_clamped_cosine():
    coefficients = torch.randn(9, 3, dtype=torch.float64)
    normals = some_normals()
    # Polar axis of the quadrature along the normal, so that the cosine's kink lies between two rings of one height.
    for normal in normals:
        frame = torch.linalg.qr(torch.stack((normal, *torch.randn(2, 3, dtype=torch.float64)), 1))[0].roll(-1, 1)
        frame = frame * torch.sign(frame[:, 2] @ normal)
        half = (DIRECTIONS * torch.tensor([1.0, 1.0, 0.5]) + torch.tensor([0, 0, 0.5])).double()  # z in [0, 1]
        radius = (1 - half[:, 2] ** 2).sqrt() / (1 - DIRECTIONS[:, 2] ** 2).sqrt()
        local = torch.stack((half[:, 0] * radius, half[:, 1] * radius, half[:, 2]), 1)
        radiance = basis(local @ frame.mT) @ coefficients
        integral = ((0.5 * WEIGHTS * local[:, 2])[:, None] * radiance).sum(0)
        torch.testing.assert_close(irradiance(coefficients, normal), integral, rtol=0, atol=1e-12)


def test_projection_recovers_what_was_projected():
    coefficients = torch.randn(9, 3, dtype=torch.float64)
    again = project(lambda d: basis(d) @ coefficients, n_rings=3, dtype=torch.float64)
    torch.testing.assert_close(again, coefficients, rtol=0, atol=1e-14)
    assert project(lambda d: d.float(), n_rings=4).dtype == torch.float32


def test_what_the_truncation_costs():
    """The worst case, one distant source: the figures of the docstrings."""
    towards = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    light = irradiance(basis(towards).mT, DIRECTIONS)[:, 0]
    cosine = DIRECTIONS[:, 2].clamp_min(0)
    lost = (WEIGHTS * (light - cosine) ** 2).sum() / (WEIGHTS * cosine**2).sum()
    assert 1 - lost.item() == pytest.approx(0.992, abs=5e-4)
    at_the_rim = irradiance(basis(towards).mT, torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64))
    assert (light - cosine).abs().max() < at_the_rim.item() == pytest.approx(0.094, abs=5e-4)
    assert light.min().item() == pytest.approx(-0.04, abs=1e-3)


def test_rotating_the_environment_and_the_normals_changes_nothing():
    rotation = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    normals = some_normals()

    def environment(directions):
        return torch.stack((directions[:, 0].exp(), (directions[:, 1] * 3).sin()), 1)

    turned = project(lambda d: environment(d @ rotation), dtype=torch.float64)
    plain = project(environment, dtype=torch.float64)
    torch.testing.assert_close(irradiance(turned, normals @ rotation.mT), irradiance(plain, normals))


def test_batches_and_zero_vectors():
    coefficients = torch.randn(2, 9, 3)
    normals = torch.randn(2, 4, 5, 3)
    each = torch.stack([irradiance(c, n) for c, n in zip(coefficients, normals, strict=True)])
    torch.testing.assert_close(irradiance(coefficients, normals), each)
    torch.testing.assert_close(irradiance(coefficients[0], torch.zeros(3)), coefficients[0, 0] * math.pi**0.5 / 2)


def test_derivatives():
    inputs = (torch.randn(9, 2).double().requires_grad_(), torch.randn(3, 3).double().requires_grad_())
    assert torch.autograd.gradcheck(irradiance, inputs)
    assert torch.autograd.gradgradcheck(irradiance, inputs)
    tint = torch.randn(3, 2, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: project(lambda d: d @ t, 4, torch.float64), tint)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("directions", lambda: basis(torch.zeros(2))),
        ("coefficients", lambda: irradiance(torch.zeros(8, 3), torch.zeros(3))),
        ("coefficients", lambda: irradiance(torch.zeros(1, 9, 3), torch.zeros(3))),
        ("coefficients", lambda: irradiance(torch.zeros(9, 3).double(), torch.zeros(3))),
        ("normals", lambda: irradiance(torch.zeros(9, 3), torch.zeros(4))),
        ("n_rings", lambda: project(lambda d: d, 1)),
        ("radiance", lambda: project(lambda d: d[:, 0])),
    ],
)
def test_wrong_arguments_are_named(name, call):
    with pytest.raises(ValueError, match=name):
        call()

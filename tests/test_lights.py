"""Lights: what they send where, their parameters in every form, and their gradients."""

import math

import pytest
import torch

from gendr.render.lights import (
    GREATEST_GAIN,
    AmbientLight,
    DirectionalLight,
    Light,
    PointLight,
    SphericalHarmonicsLight,
    aligned,
)
from gendr.render.normals import unit
from gendr.render.spherical_harmonics import irradiance


def vectors(*shape):
    return torch.randn(*shape, 3, dtype=torch.float64)


def test_ambient_light_is_its_colour():
    light = AmbientLight((0.1, 0.2, 0.3))
    assert light.ambient(vectors(5)).tolist() == [0.1, 0.2, 0.3]
    assert light.incident(vectors(5)) is None
    assert AmbientLight(0.5).color.tolist() == [0.5] * 3


def test_direction_points_to_the_light():
    towards, color = DirectionalLight((0, 3, 4), color=(1, 2, 3)).incident(vectors(5))
    assert towards.tolist() == [0.0, 0.6, 0.8]
    assert color.tolist() == [1.0, 2.0, 3.0]
    assert DirectionalLight().ambient(vectors(5)) is None
    assert not DirectionalLight((0, 0, 0)).incident(vectors(1))[0].any()


def test_point_light():
    positions = vectors(7)
    light = PointLight(position=(1, 2, 3), color=(0.5, 1, 2))
    towards, color = light.incident(positions)
    distance = (torch.tensor([1.0, 2, 3]).double() - positions).norm(dim=1, keepdim=True)
    torch.testing.assert_close(positions + towards * distance, torch.tensor([[1.0, 2, 3]]).double().expand(7, 3))
    assert color.tolist() == [0.5, 1.0, 2.0]
    faded = PointLight(position=(1, 2, 3), color=(0.5, 1, 2), attenuation=(0.5, 0.25, 2)).incident(positions)[1]
    torch.testing.assert_close(faded, color / (0.5 + 0.25 * distance + 2 * distance**2))


def test_at_the_point_light_itself():
    positions = torch.ones(1, 3, requires_grad=True)
    for attenuation in (None, (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)):
        towards, color = PointLight((1, 1, 1), attenuation=attenuation).incident(positions)
        (gradient,) = torch.autograd.grad((towards + color).sum(), positions)
        assert not towards.any()
        assert color.max() <= GREATEST_GAIN * (1 + 1e-6)
        assert not gradient.any()


def test_environment_light_is_irradiance_over_pi():
    coefficients, normals = torch.randn(9, 3, dtype=torch.float64), unit(vectors(4, 5))
    light = SphericalHarmonicsLight(coefficients)
    torch.testing.assert_close(light.ambient(normals), irradiance(coefficients, normals) / math.pi)
    assert light.incident(normals) is None


def parameters(batch=()):
    colour, place = torch.rand(*batch, 3, dtype=torch.float64), torch.randn(*batch, 3, dtype=torch.float64)
    return {
        AmbientLight: [colour],
        DirectionalLight: [place, colour],
        PointLight: [place, colour, torch.rand(*batch, 3, dtype=torch.float64)],
        SphericalHarmonicsLight: [torch.randn(*batch, 9, 3, dtype=torch.float64)],
    }


def sent(light, normals, positions):
    """Everything that a light sends, in one tensor."""
    ambient, incident = light.ambient(normals), light.incident(positions)
    parts = [part for part in (ambient, *(incident or ())) if part is not None]
    return torch.cat([part.expand(normals.shape) for part in parts], -1)


@pytest.mark.parametrize("kind", parameters())
def test_batches_are_the_first_dimension(kind):
    normals, positions = unit(vectors(2, 4, 5)), vectors(2, 4, 5)
    many = parameters((2,))[kind]
    together = sent(kind(*many), normals, positions)
    each = [sent(kind(*(p[i] for p in many)), normals[i], positions[i]) for i in range(2)]
    torch.testing.assert_close(together, torch.stack(each))


@pytest.mark.parametrize("kind", parameters())
def test_derivatives(kind):
    inputs = [p.requires_grad_() for p in (unit(vectors(2, 2)), vectors(2, 2), *parameters((2,))[kind])]
    assert torch.autograd.gradcheck(lambda n, p, *values: sent(kind(*values), n, p), inputs)


@pytest.mark.parametrize("kind", parameters())
def test_moved_to_another_dtype(kind):
    values = [p.requires_grad_() for p in parameters()[kind]]
    light = kind(*values).to(torch.float32)
    assert type(light) is kind
    moved = [value for value in vars(light).values() if value is not None]
    assert [value.dtype for value in moved] == [torch.float32] * len(values)
    sent(light, torch.ones(1, 3), torch.zeros(1, 3)).sum().backward()
    assert all(value.grad is not None for value in values)
    assert kind(*parameters()[kind]).to("meta").__dict__.popitem()[1].is_meta


def test_numbers_take_the_dtype_of_what_they_shine_on():
    for dtype in (torch.float32, torch.float64):
        positions = torch.zeros(2, 3, dtype=dtype)
        assert PointLight((0, 1, 0), 0.1, (1, 0, 0.3)).incident(positions)[1].dtype == dtype
        assert AmbientLight(0.1).ambient(positions).dtype == dtype
    assert aligned(torch.zeros(2, 3), torch.zeros(2, 3)).shape == (2, 3)


def test_a_light_of_one_s_own():
    class Headlight(Light):
        def incident(self, positions):
            return torch.zeros_like(positions) + torch.tensor([0.0, 0.0, -1.0]), torch.ones_like(positions)

    assert Headlight().ambient(vectors(1)) is None
    assert Headlight().incident(torch.zeros(1, 3))[0].tolist() == [[0.0, 0.0, -1.0]]


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "color: expected a number, three", lambda: AmbientLight("white")),
        (ValueError, "color: expected a number, three", lambda: AmbientLight((1.0, 2.0))),
        (ValueError, "color: expected a number in", lambda: AmbientLight(float("nan"))),
        (ValueError, "color", lambda: AmbientLight(torch.zeros(1, 1, 3))),
        (TypeError, "direction: expected three numbers", lambda: DirectionalLight(1.0)),
        (ValueError, "position", lambda: PointLight(torch.zeros(4))),
        (ValueError, "attenuation", lambda: PointLight(attenuation=(1, 0, -1))),
        (ValueError, "coefficients", lambda: SphericalHarmonicsLight(torch.zeros(9, 4))),
        (ValueError, "coefficients", lambda: SphericalHarmonicsLight(torch.zeros(1, 1, 9, 3))),
        (ValueError, "lights: expected tensors on meta", lambda: AmbientLight().ambient(torch.zeros(3, device="meta"))),
    ],
)
def test_wrong_arguments_are_named(error, message, call):
    with pytest.raises(error, match=message):
        call()

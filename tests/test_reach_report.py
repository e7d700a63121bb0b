"""Where no gradient leads to the target it is said, in agreement with the gradients; elsewhere nothing is."""

import math

import pytest
import torch

from gendr.distributions import Cauchy, Heaviside, Logistic, Uniform
from gendr.render import rasterize, reach_report
from gendr.tnorms import Maximum

# A triangle on the left of the image, and a target on its right, 32 x 32 pixels.
LEFT = torch.tensor([[[[-0.9, -0.5, 2.0], [-0.4, -0.5, 2.0], [-0.6, 0.5, 2.0]]]])
TARGET = rasterize(LEFT + torch.tensor([1.1, 0.0, 0.0]), 32, Heaviside(), 1.0, Maximum()).alpha


def pull(distribution, tau):
    """Alpha, and the derivative of the overlap with the target as the triangle moves right."""
    shift = torch.zeros((), requires_grad=True)
    faces = LEFT + torch.stack((shift, torch.zeros(()), torch.zeros(())))
    alpha = rasterize(faces, 32, distribution, tau, Maximum()).alpha
    return alpha, torch.autograd.grad((alpha * TARGET).sum(), shift)[0].item()


@pytest.mark.parametrize(
    ("distribution", "tau", "is_reached"),
    [(Uniform(), 0.05, False), (Uniform(), 1.0, True), (Logistic(), 0.01, False), (Cauchy(), 0.01, True)],
)
def test_it_agrees_with_the_gradient(distribution, tau, is_reached):
    alpha, slope = pull(distribution, tau)
    report = reach_report(alpha, TARGET)
    assert (slope > 0) == is_reached
    assert report.is_outside.tolist() == [not is_reached]
    assert (report.message is None) == is_reached
    assert report.target_pixels.item() == TARGET.sum().item()


def test_the_line_says_how_far_and_what_helps():
    alpha, _ = pull(Uniform(), 0.05)
    report = reach_report(alpha, TARGET)
    seen, wanted = alpha[0].nonzero().double(), TARGET[0].nonzero().double()
    gap = torch.cdist(seen, wanted).min().item()  # by comparing all pairs of pixels
    assert report.gap.item() == pytest.approx(gap)
    assert report.message == (
        f"the target lies outside the support of every face, {gap:.0f} pixels away: raise tau, or take a distribution "
        "with longer tails, or start nearer"
    )


def test_sharp_images_have_no_gradient():
    alpha = rasterize(LEFT, 32, Heaviside(), 1.0, Maximum()).alpha
    shifted = alpha.roll(2, 2)
    report = reach_report(alpha, shifted)
    assert report.is_still.tolist() == [True]
    assert "no pixel has a gradient" in report.message
    assert reach_report(alpha, alpha).message is None  # nothing to be done
    moves = torch.ones(1, 3)
    assert reach_report(alpha, shifted, moves).message is None
    assert reach_report(alpha, shifted, 0 * moves).is_still.item()


def test_images_are_counted():
    soft, _ = pull(Cauchy(), 0.01)
    sharp, _ = pull(Uniform(), 0.05)
    alpha, target = torch.cat((soft, sharp)), torch.cat((TARGET, TARGET))
    assert reach_report(alpha, target).message.startswith("in 1 of 2 images the target lies outside")
    nothing = reach_report(torch.zeros(2, 4, 4), torch.eye(4).expand(2, 4, 4))
    assert nothing.gap.tolist() == [math.inf, math.inf]
    assert nothing.message == "in all images nothing of the mesh is seen: move it or the camera, or raise tau"
    assert reach_report(alpha, torch.zeros_like(alpha)).is_outside.tolist() == [False, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(2, 3), torch.zeros(2, 3)), "alpha"),
        ((torch.zeros(1, 2, 3), torch.zeros(1, 3, 2)), "target"),
        ((torch.zeros(1, 2, 3), torch.zeros(1, 2, 3), torch.zeros(2, 5)), r"gradient: expected a tensor \[1, ...\]"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        reach_report(*arguments)

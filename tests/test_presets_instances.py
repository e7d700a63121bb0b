"""The grid of the thesis: its count, its order, its specs, and what is said of it."""

import pytest
import torch

import gendr
from gendr.distributions import Distribution, Gamma, Levy, Logistic, Uniform
from gendr.presets import THESIS, Grid, Instance
from gendr.tnorms import Average, Maximum, Probabilistic, TNorm, Yager


def test_there_are_1242():
    assert len(THESIS) == 1242 == 23 * 2 * 27
    assert len(list(THESIS)) == len(set(THESIS)) == 1242


def test_index_iteration_and_membership_agree():
    for place, instance in enumerate(THESIS):
        assert THESIS[place] == instance == THESIS[place - 1242]
        assert THESIS.index(instance) == place
    assert THESIS[5:8] == (THESIS[5], THESIS[6], THESIS[7])
    assert Instance(Logistic(), Yager(2)) in THESIS
    assert Instance(Logistic(), Yager(3)) not in THESIS
    with pytest.raises(IndexError, match="expected within 1242 instances, got 1242"):
        THESIS[1242]
    with pytest.raises(ValueError, match="instance: expected one of the grid's 1242, got logistic"):
        THESIS.index(Instance(Logistic(), Yager(3)))


def test_every_instance_survives_its_spec():
    for instance in THESIS:
        read = Instance.from_spec(str(instance))
        assert read == instance
        assert (type(read.distribution), type(read.t_conorm)) == (
            type(instance.distribution),
            type(instance.t_conorm),
        )


def test_counts_that_the_thesis_mentions():
    plain = [d for d in THESIS.distributions if not d.is_squared]
    supports = [d.support for d in plain]
    assert sum(high - low < float("inf") for low, high in supports) == 3  # "columns 1-3 contain the finite support"
    assert sum(isinstance(d, Levy) for d in plain[-4:]) == 4  # "the block of Levy distributions (last 4 columns)"
    for name, p in (("yager", 4), ("aczel_alsina", 2), ("aczel_alsina", 4), ("dombi", 2), ("dombi", 4)):
        assert len(THESIS.where(t_conorm=f"{name}(p={p})")) == 46
    assert len(THESIS.where(t_conorm="schweizer_sklar(p=-2)")) == len(THESIS.where(t_conorm=Average())) == 46


def signature(member):
    """Values that tell members apart whatever they are called: 13 digits of float64."""
    x = torch.linspace(-2.1, 2.3, 12, dtype=torch.float64)
    if isinstance(member, Distribution):
        values = member.cdf(x)
    else:
        a = torch.linspace(0.05, 0.6, 12, dtype=torch.float64)
        values = member.aggregate(torch.stack([a, a.flip(0) / 2, a / 3]), 0)
    return tuple(f"{v:.10f}" for v in values.tolist())


def test_966_are_distinct():
    assert len({signature(d) for d in THESIS.distributions}) == 42
    assert len({signature(t) for t in THESIS.t_conorms}) == 23
    assert 42 * 23 == 966


def test_filters():
    assert len(THESIS.where(squared=True)) == 621
    assert {i.distribution.name for i in THESIS.where("gamma")} == {"gamma"}
    assert THESIS.where("gamma(p=0.5, reversed)", "yager").distributions == (Gamma(p=0.5).reversed(),)
    assert list(THESIS.where(Uniform(), Maximum())) == [Instance(Uniform(), Maximum())]
    assert len(THESIS.where(Uniform().shifted(0.25))) == 0
    assert len(THESIS.where("heaviside")) == 0
    with pytest.raises(ValueError, match="distribution: expected one of"):
        THESIS.where("logistics")
    with pytest.raises(ValueError, match="t_conorm: expected one of"):
        THESIS.where(t_conorm="or")


@pytest.mark.parametrize("text", ["logistic", "logistic+probabilistic", "logistic + maximum + maximum", " + maximum"])
def test_broken_specs(text):
    with pytest.raises(ValueError, match=r"expected"):
        Instance.from_spec(text)


def test_it_is_lazy():
    class Counting(Probabilistic):
        made = 0

    grid = Grid([Logistic()] * 1000, [Counting()] * 1000)
    assert len(grid) == 10**6
    assert str(grid[-1]) == "logistic + probabilistic"
    assert isinstance(grid.t_conorms[0], TNorm)


def test_every_instance_draws():
    """A face and its neighbour, every instance: finite, and within [0, 1]; one image each."""
    triangles = torch.tensor(
        [[[[-0.5, -0.5, 2], [0.5, -0.5, 2], [0, 0.5, 2]], [[0, 0.5, 2], [0.5, -0.5, 2], [1, 1, 2]]]]
    )
    for instance in THESIS:
        corners = triangles.clone().requires_grad_()
        alpha = gendr.rasterize(corners, 3, instance.distribution, 0.1, instance.t_conorm).alpha
        (gradient,) = torch.autograd.grad(alpha.sum(), corners)
        assert bool(((alpha >= 0) & (alpha <= 1)).all()), str(instance)
        assert bool(torch.isfinite(gradient).all()), str(instance)

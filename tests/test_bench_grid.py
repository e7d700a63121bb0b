"""Which instances a sweep takes: named grids, files, filters."""

import pytest

from gendr.presets.instances import THESIS, Instance
from gendr.tools.bench.grid import QUICK, instances


def test_the_named_grids():
    assert instances() == tuple(THESIS)
    assert len(set(QUICK)) == 30
    assert set(QUICK) <= set(THESIS)


def specs(**chosen):
    return {str(instance) for instance in instances("quick", **chosen)}


def test_the_quick_grid_holds_both_sides_of_every_claim():
    names = specs()
    probabilistic = {name.removesuffix(" + probabilistic") for name in names if name.endswith(" + probabilistic")}
    for plain in ("uniform", "gaussian", "logistic", "cauchy", "reciprocal"):
        assert {plain, f"{plain}(squared)"} <= probabilistic
    assert {"exponential", "exponential(reversed)", "gamma(p=0.5)", "gamma(p=0.5, reversed)"} <= probabilistic
    assert {"gumbel_max", "gumbel_min"} <= probabilistic
    for distribution in ("logistic", "gamma(p=0.5, reversed)"):
        for t_conorm in ("maximum", "average", "yager(p=2)", "dombi(p=0.5)", "probabilistic"):
            assert f"{distribution} + {t_conorm}" in names


def test_a_name_is_the_family_and_parentheses_are_one_member():
    assert specs(distributions=["gamma"]) == {str(i) for i in QUICK if i.distribution.name == "gamma"}
    assert specs(distributions=["logistic()"], t_conorms=["maximum", "yager"]) == {
        "logistic + maximum",
        "logistic + yager(p=2)",
    }
    assert specs(distributions=["gamma(reversed, p=0.50)"], t_conorms=["average"]) == {
        "gamma(p=0.5, reversed) + average"
    }
    assert len(instances(distributions=["gamma"], t_conorms=["yager"])) == len(THESIS.where("gamma", "yager"))
    assert [str(i.distribution) for i in instances(distributions=["uniform", "cauchy"], t_conorms=["maximum"])] == [
        "uniform",
        "cauchy",
        "uniform(squared)",
        "cauchy(squared)",
    ]


def test_a_file_names_any_instance_once(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("# mine\n\ngamma(p=0.7) + yager(p=3)  # odd\nuniform + maximum\nuniform() + maximum\n")
    assert instances(str(file)) == tuple(map(Instance.from_spec, ("gamma(p=0.7) + yager(p=3)", "uniform + maximum")))
    assert len(instances(str(file), distributions=["uniform"])) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("uniform + maximum\nunifrm + maximum\n", "line 2: distribution: expected one of"),
        ("\nuniform + yager\n", r"line 2: t_conorm: expected yager\(p=NUMBER\)"),
        ("uniform, maximum\n", r"line 1: instance: expected DISTRIBUTION \+ T_CONORM, got 'uniform, maximum'"),
        ("# nothing\n", "expected at least one line"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, text, told):
    file = tmp_path / "bad.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=f"bad.txt.*{told}"):
        instances(str(file))


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"grid": "thesiss"}, "grid: expected thesis, quick or a text file"),
        ({"distributions": ["logistics"]}, "distribution: expected one of"),
        ({"distributions": ["gamma(p=0.7)"]}, r"occurs in the grid thesis.*got 'gamma\(p=0.7\)'"),
        ({"distributions": ["gamma(q=0.7)"]}, "gamma: expected options"),
        ({"t_conorms": ["yager(p=3)"]}, r"t_conorm: expected one that occurs.*got 'yager\(p=3\)'"),
        (
            {"grid": "quick", "distributions": ["cauchy"], "t_conorms": ["maximum"]},
            "t_conorm: expected one that occurs",
        ),
    ],
)
def test_choices_that_leave_nothing(chosen, told):
    with pytest.raises(ValueError, match=told):
        instances(**chosen)

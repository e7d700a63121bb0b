"""The examples in the docstrings, module by module; `torch` is at hand in them. None may be passed over."""

import ast
import doctest
import importlib
import inspect
import sys

import pytest
import torch

from source_tree import MODULES


class Finder(doctest.DocTestFinder):
    """Finds the examples of decorated functions too."""

    def _from_module(self, module, object):
        return super()._from_module(module, inspect.unwrap(object) if inspect.isroutine(object) else object)


def documented(name):
    """How many docstrings of a module have examples."""
    nodes = ast.walk(ast.parse(MODULES[name].read_text()))
    holders = [n for n in nodes if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    return sum(">>> " in (ast.get_docstring(n) or "") for n in holders)


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tests = Finder().find(importlib.import_module(name), name, extraglobs={"torch": torch})
    tests = [test for test in tests if test.examples]
    assert len(tests) == documented(name)
    for test in tests:
        runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
        runner.run(test, out=sys.stdout.write)
        assert runner.failures == 0, f"{test.name}: see the captured output"

"""The documentation's tables follow from the families, and none is out of date."""

from gendr import _ops
from gendr.tools import docs_tables


def test_documents_are_current():
    stale = [file.name for file in docs_tables.documents() if docs_tables.filled(file.read_text()) != file.read_text()]
    assert not stale, "run: make docs"


def test_every_table_has_its_place():
    texts = "".join(file.read_text() for file in docs_tables.documents())
    for name in docs_tables.TABLES:
        assert texts.count(f"<!-- table: {name} -->") == 1


def test_every_member_is_listed():
    for name in _ops.DISTRIBUTIONS:
        assert f"\n| `{name}" in docs_tables.distributions_table()
    for name in _ops.T_CONORMS:
        assert f"\n| `{name}" in docs_tables.t_conorms_table()

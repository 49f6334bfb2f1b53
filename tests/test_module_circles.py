"""No two modules import each other, directly or through others, not even for type checking only."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp


def test_imports_form_no_circle() -> None:
    graph = grimp.build_graph("tapedeck", exclude_type_checking_imports=False)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 200
    assert sum(map(len, imports.values())) > 1000
    TopologicalSorter(imports).prepare()  # CycleError names a circle

"""The registry of importers, and what each of them declares."""

from __future__ import annotations

import inspect

import pytest

from tapedeck.engine.importers.registry import IMPORTERS


def test_the_importers_are_those_of_lean_csv_and_parquet():
    assert list(IMPORTERS) == ["lean", "csv", "parquet"]


@pytest.mark.parametrize("name", IMPORTERS)
def test_an_importer_has_a_summary_and_examples_of_its_command(name):
    importer = IMPORTERS[name]
    assert importer.name == name
    assert importer.summary.endswith(".")
    assert importer.examples
    assert all(example.startswith(f"tapedeck import {name} ") for example in importer.examples)


@pytest.mark.parametrize("name", IMPORTERS)
def test_options_have_flags_of_their_own_and_no_flag_of_every_import(name):
    flags = [option.flag for option in IMPORTERS[name].options]
    assert len(set(flags)) == len(flags)
    assert not {"--store", "--strict", "--replace", "--rejects", "--json"} & set(flags)
    assert all(option.choices for option in IMPORTERS[name].options if option.kind == "choice")


def test_lean_needs_no_options():
    assert list(inspect.signature(IMPORTERS["lean"].find).parameters) == ["path"]

"""Importers: bars from files of several kinds to a store, with a report on every row.

`importer` defines the protocol, `registry` lists the importers, `ingest` runs one. Nothing is imported here,
so that the command line can read the registry for its help texts.
"""

"""Kinds of indicators of tapedeck's own, one file each; `registry.py` lists them and how to add one."""

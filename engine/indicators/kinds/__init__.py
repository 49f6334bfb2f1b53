"""tapedeck's own kinds of indicators, a file each; `registry.py` lists them and says how to add one."""

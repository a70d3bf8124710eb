"""How the bundled regions are made from published packages; one module a region.

A region's module holds `DATASETS`: for each dataset's id the function that takes the files named in the
dataset's TOML (path → bytes) and returns its panel or layer.
"""

"""Stands in for Azure's package, which only its host can use: just what the specification's function names."""

"""Mutants: copies of the reference with one fault each, which the suite has to find.

The records are in ``conformance/mutants``; ``ci/mutants`` runs them and writes ``docs/audits/mutants.md``.
"""

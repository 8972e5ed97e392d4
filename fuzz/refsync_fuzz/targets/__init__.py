"""One module a surface: ``fuzz_one(data)`` with its oracle, ``SURFACE`` and ``seeds()``."""

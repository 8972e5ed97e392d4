"""Builds the optional C kernel; everything else is in ``pyproject.toml``."""

from __future__ import annotations

from setuptools import setup
from setuptools.command.build_ext import build_ext


class OptionalKernel(build_ext):
    """Without a compiler the installation goes on: the kernel has Python twins."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            self._skipped(error)

    def build_extension(self, ext: object) -> None:
        try:
            super().build_extension(ext)
        except Exception as error:
            self._skipped(error)

    def copy_extensions_to_source(self) -> None:
        try:
            super().copy_extensions_to_source()
        except Exception as error:
            self._skipped(error)

    @staticmethod
    def _skipped(error: Exception) -> None:
        print(f"refsync: the C kernel was not built, its Python twins serve instead: {error}")


setup(
    cffi_modules=["reference/refsync/native/build.py:ffi"],
    cmdclass={"build_ext": OptionalKernel},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

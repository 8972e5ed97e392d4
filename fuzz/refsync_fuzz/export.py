"""Writes the targets' corpora in the layout of OSS-Fuzz: ``T_seed_corpus.zip``, ``T.dict``, ``T.options``."""

from __future__ import annotations

import zipfile
from pathlib import Path

from . import corpus, runners
from .target import Target

#: Archives made of the same inputs are the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


def vectors(out: Path) -> Path | None:
    """The bytes of all wire vectors, for fuzzers of other decoders; None without the conformance suite."""
    try:
        from refsync_conformance.vectors.groups import groups
    except ImportError:
        return None
    out.mkdir(parents=True, exist_ok=True)
    archive = out / "wire_vectors_seed_corpus.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for group in groups():
            for number, vector in enumerate(group.vectors):
                info = zipfile.ZipInfo(f"{group.name}-{number:03}-{vector.result}", EPOCH)
                zipped.writestr(info, vector.data)
    return archive


def export(target: Target, out: Path) -> list[Path]:
    """The files written for one target."""
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{target.name}_seed_corpus.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, data in corpus.inputs(target.name):
            info = zipfile.ZipInfo(f"{path.parent.name}-{path.name}", EPOCH)
            zipped.writestr(info, data)
    options = out / f"{target.name}.options"
    lines = ["[libfuzzer]", f"max_len = {target.surface.max_length}"]
    written = [archive, options]
    if target.surface.dictionary:
        lines.append(f"dict = {target.name}.dict")
        words = out / f"{target.name}.dict"
        words.write_text(corpus.dictionary_text(target))
        written.append(words)
    options.write_text("\n".join(lines) + "\n")
    program = out / f"{target.name}.py"
    program.write_text(runners.stub_text(target.name))  # an installed package has no executable ones
    program.chmod(0o755)
    written.append(program)
    return written

"""Runs one input and says what became of it, so that two findings can be told apart or taken as one."""

from __future__ import annotations

import signal
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from .target import Target

#: An input that takes longer than this many seconds is a finding of its own.
TIME_LIMIT = 20.0


class TooSlow(BaseException):
    """The input took longer than the limit. Not an ``Exception``, lest the code under test catches it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an input broke: exception, innermost places (file name and function), trace, clause if known."""

    kind: str
    message: str
    frames: tuple[str, ...]
    trace: str
    clause: str = ""

    @property
    def bucket(self) -> tuple[str, tuple[str, ...], str]:
        """Equal for two inputs that show the same fault."""
        return self.kind, self.frames, self.clause

    def __str__(self) -> str:
        return f"{self.kind} in {' < '.join(self.frames)}: {self.message}"


def run(target: Target, data: bytes, time_limit: float = TIME_LIMIT) -> Finding | None:
    """None if the oracle holds. Must be called in the main thread, since it sets a timer."""

    def expired(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"{len(data)} bytes took more than {time_limit} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, time_limit)
    try:
        target.fuzz_one(data)
    except (Exception, SystemExit, TooSlow) as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return _finding(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return None


def _finding(error: BaseException) -> Finding:
    frames = [
        f"{Path(frame.filename).name}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name not in ("oracle.py", "triage.py")
    ]
    kind = type(error).__name__
    # a slow input stops anywhere: only the target tells two of them apart
    innermost = frames[:1] if isinstance(error, TooSlow) else frames[:-4:-1]
    text = "".join(traceback.format_exception(error))
    return Finding(kind, str(error), tuple(innermost), text, _clause(error))


def _clause(error: BaseException | None) -> str:
    """The clause that the error names, or the one that it was raised for."""
    while error is not None:
        found = getattr(error, "clause", "")
        if isinstance(found, str) and found:
            return found
        error = error.__cause__ or error.__context__
    return ""


def minimize(target: Target, data: bytes, time_limit: float = TIME_LIMIT) -> bytes:
    """The shortest input found that shows the same fault: halves, quarters … bytes are left out.

    ``ValueError`` if the input shows none. Then single bytes are made zero
    where that changes nothing, so that those which matter stand out.
    """
    first = run(target, data, time_limit)
    if first is None:
        raise ValueError("the input breaks nothing")

    def shows(candidate: bytes) -> bool:
        found = run(target, candidate, time_limit)
        return found is not None and found.bucket == first.bucket

    size = len(data)
    while size:
        at = 0
        while at < len(data):
            candidate = data[:at] + data[at + size :]
            if shows(candidate):
                data = candidate
            else:
                at += size
        size = min(size // 2, len(data))
    for at, byte in enumerate(data):
        if byte:
            candidate = data[:at] + b"\0" + data[at + 1 :]
            if shows(candidate):
                data = candidate
    return data

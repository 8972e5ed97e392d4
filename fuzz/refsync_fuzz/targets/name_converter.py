"""What a module's ``name converter`` answers: a program of the module's owner.

Input: a byte that chooses the question, a name behind its length, then what the program writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from refsync.daemon.converter import MAX_LINE, Converter
from refsync.wire.errors import RefsyncError

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("DAEMON-17",),
    code=("refsync.daemon.converter",),
    oracle="EMS",
    dictionary={
        "number": b"1000\n", "most": b"4294967295\n", "past": b"4294967296\n", "name": b"eva\n",
        "empty": b"\n",
        "return": b"7\r\n", "other_digits": "\u0661\n".encode(), "sign": b"-1\n",
    },
    max_length=2100,
    slow="a pipe for each input",
)  # fmt: skip


class _Program:
    """Takes questions, and has answered already."""

    def __init__(self, answers: bytes) -> None:
        self.output, end = os.pipe()
        os.write(end, answers)  # less than a pipe holds
        os.close(end)
        self.asked = b""

    def ask(self, line: bytes) -> None:
        self.asked += line


def fuzz_one(data: bytes) -> None:
    """Oracle: a question is one line; an answer is a line without returns, or the run ends (exit 4 or 10).

    An id is a number of 32 bits or nothing.
    """
    choices = Choices(data)
    kind, name = choices.byte() & 3, choices.text()
    answers = choices.rest()[:4096]
    program = _Program(answers)
    converter = Converter(program)  # type: ignore[arg-type]
    lines = answers.split(b"\n")
    try:
        for number, line in enumerate(lines[:4]):
            asked = program.asked
            found: object
            if kind & 1:
                found = (converter.user_id if kind & 2 else converter.group_id)(name)
            else:
                found = (converter.user_name if kind & 2 else converter.group_name)(len(name) * 77)
            question = program.asked[len(asked) :]
            expect(question.count(b"\n") == bool(question), f"the question {question!r}")
            if not question:
                expect(found is None and {10, 13, 0} & set(name), f"{name!r} was not asked for")
                return
            expect(number < len(lines) - 1, "an answer to each question")
            said = line.replace(b"\r", b"")
            if kind & 1:
                digits = said.strip()
                number_said = (
                    int(digits) if digits and not digits.strip(b"0123456789") and len(digits) < 11 else -1
                )
                same(found, number_said if 0 <= number_said < 1 << 32 else None, f"what {line!r} says")
            else:
                same(found, said or None, f"what {line!r} says")
    except RefsyncError as error:
        expect(error.code in (4, 10) and error.message, f"{error.code}: {error.message!r}")
        expect(error.code == 10 or len(name) > MAX_LINE - 8, "too long a question")
    finally:
        os.close(program.output)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Answers of each kind to each question."""
    answers = (
        b"1000\n",
        b"eva\n",
        b"\n",
        b"",
        b"12",
        b"7\r\n8\r\n",
        b"4294967296\n",
        b"x" * 1100,
        b"x" * 1030 + b"\n",
        b"-1\n 5 \n",
    )
    for number, answer in enumerate(answers):
        for kind in range(4):
            yield f"answer.{number}.{kind}", bytes((kind, 3)) + b"eva" + answer
    yield "line_in_name", b"\1\3a\nb7\n"

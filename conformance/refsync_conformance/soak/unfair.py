"""The clients of a soak that are no use to anybody: they say too little, nonsense or what is not allowed."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from refsync_conformance.deviant.table import Deviation, load
from refsync_conformance.soak.place import Place

GREETING = b"@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n"
#: What such a client starts from.
WORDS = (
    b"",
    GREETING,
    b"@RSYNCD: 32.0\n",
    b"@RSYNCD: 999999999.0 md5\n",
    GREETING + b"#early_input=5119\n",
    GREETING + b"src\n",
    GREETING + b"nowhere\n",
    GREETING + b"in\n--server\0-logDtpre.iLsfxCIvu\0.\0in/hostile\0\0",
    GREETING + b"src\n--server\0--sender\0-logDtpre.iLsfxCIvu\0.\0src/../../etc\0\0",
    GREETING + b"src\n--server\0--sender\0--max-alloc=0\0-re.LsfxCIvu\0.\0src/\0\0\x04md5 \0\0\0\0\0",
    b"GET / HTTP/1.0\r\n\r\n",
)
#: Seconds after which whoever has said nothing must be gone: the daemon gives a client 60 for its arguments,
#: which begin when it is accepted.
SILENCE = 150.0
#: Seconds that a client which breaks the protocol is given.
DEVIANT = 120.0


def stall(place: Place, chance: random.Random, left: float) -> str:
    """Say a part of what there is to say, then nothing for a while; ``left`` seconds at most."""
    words = chance.choice(WORDS)
    try:
        with socket.create_connection(("127.0.0.1", place.port), timeout=SILENCE) as link:
            link.sendall(words[: chance.randrange(len(words) + 1)])
            time.sleep(max(0.0, min(chance.random() * 6, left)))
    except OSError as error:
        return type(error).__name__
    return "gone again"


def listen(place: Place, chance: random.Random) -> tuple[str, float]:
    """Say a part, then wait for the daemon to have enough of it; also how many seconds that took."""
    words = chance.choice(WORDS)
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", place.port), timeout=SILENCE) as link:
            began = time.monotonic()
            link.sendall(words[: chance.randrange(len(words) + 1)])
            while link.recv(65536):
                pass
    except TimeoutError:
        return "not sent away", time.monotonic() - began
    except OSError as error:
        return type(error).__name__, time.monotonic() - began
    return "sent away", time.monotonic() - began


def attack(place: Place, chance: random.Random) -> str:
    """Words that mean something, and then bytes that mean nothing."""
    data = bytearray(chance.choice(WORDS))
    for _ in range(chance.randrange(4)):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    data += chance.randbytes(chance.choice((0, 3, 100, 5000)))
    try:
        with socket.create_connection(("127.0.0.1", place.port), timeout=SILENCE) as link:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            while link.recv(65536):
                pass
    except OSError as error:
        return type(error).__name__
    return "sent away"


def deviate(place: Place, chance: random.Random, own: Path, remote: str) -> str:
    """A client that keeps to the protocol but for one thing, as the cases HOSTILE-501 on have it."""
    deviation = chance.choice(deviations())
    words = [sys.executable, "-m", "refsync_conformance.deviant", deviation.name, "-a", *deviation.options]
    if deviation.side == "sender":
        words += [f"{place.root}/bait/{deviation.source.removeprefix('src/')}", place.url(f"prey/{remote}/")]
    else:
        words += [place.url("bait/"), f"{own}/loot/"]
    process = place.client(words)
    try:
        process.communicate(timeout=DEVIANT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "ended by force"
    finally:
        shutil.rmtree(own / "loot", ignore_errors=True)
    return "let pass" if process.returncode == 0 else "sent away"


def deviations() -> list[Deviation]:
    """Those that a client can be."""
    return [each for each in load().values() if "server" in each.judges]

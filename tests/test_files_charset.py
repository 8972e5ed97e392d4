"""Names and messages between a character set and UTF-8."""

from __future__ import annotations

import errno

import pytest
from refsync.files.charset import Charset, Unconvertible, lenient, open_charset, wanted
from refsync.files.iconv import Codec, Iconv
from refsync.wire.errors import RefsyncError
from refsync.wire.limits import MAX_PATH

WAYS = [Iconv, Codec]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("to", "source", "text", "found"),
    [
        ("UTF-8", "ISO-8859-1", b"f\xe9e", (b"f\xc3\xa9e", 3, 0)),
        ("KOI8-R", "UTF-8", "ключ".encode(), ("ключ".encode("koi8-r"), 8, 0)),
        ("ISO-8859-1", "UTF-8", b"\xc3\xa9\xe2\x82\xac!", (b"\xe9", 2, errno.EILSEQ)),
        ("ISO-8859-1", "UTF-8", b"ab\xe2\x82", (b"ab", 2, errno.EINVAL)),
        ("UTF-8", "UTF-8", b"ab\xe2\x82A", (b"ab", 2, errno.EILSEQ)),
        ("UTF-8", "ASCII", b"\x80", (b"", 0, errno.EILSEQ)),
        ("UTF-8", "UTF-8", b"", (b"", 0, 0)),
    ],
)
def test_a_step_ends_at_what_it_cannot_take(
    way: type[Iconv] | type[Codec], to: str, source: str, text: bytes, found: tuple[bytes, int, int]
) -> None:
    assert way(to, source).step(text) == found


@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_converted_stays_byte_by_byte_or_is_escaped(way: type[Iconv] | type[Codec]) -> None:
    text = b"a\xe2\x82\xac\xffz\xc3"
    assert lenient(way("ISO-8859-1", "UTF-8"), text) == text
    shown = lenient(way("ISO-8859-1", "UTF-8"), text, shown=True)
    assert shown == rb"a\#342\#202\#254\#377z\#303"


@pytest.mark.parametrize("way", WAYS)
def test_a_set_that_nobody_knows_is_an_error(way: type[Iconv] | type[Codec]) -> None:
    with pytest.raises(LookupError):
        way("UTF-8", "no-such-set")


def test_a_long_result_is_written_whole() -> None:
    text = "€".encode() * 5000
    assert Iconv("UTF-16LE", "UTF-8").step(text) == ("€".encode("utf-16le") * 5000, 15000, 0)
    assert len(Iconv("UTF-8", "ISO-8859-1").step(b"\xe9" * 999)[0]) == 1998


def test_a_charset_that_is_not_known_ends_with_4() -> None:
    with pytest.raises(RefsyncError, match=r'iconv_open\("UTF-8", "NOPE"\) failed') as caught:
        Charset("NOPE")
    assert caught.value.code == 4


def test_a_name_that_grows_beyond_a_path_is_not_converted() -> None:
    charset = Charset("ISO-8859-1")
    assert charset.to_wire(b"\xe9" * (MAX_PATH // 2 - 1)) == "é".encode() * (MAX_PATH // 2 - 1)
    with pytest.raises(Unconvertible, match="Argument list too long"):
        charset.to_wire(b"\xe9" * (MAX_PATH // 2))


def test_transliteration_is_the_c_library_s() -> None:
    assert Charset("ISO-8859-1//TRANSLIT").from_wire("10 €".encode()) == b"10 EUR"


@pytest.mark.parametrize(
    ("spec", "client", "server"),
    [
        (None, None, None),
        ("-", None, "-"),
        ("utf8,latin1", "utf8", "latin1"),
        ("utf8", "utf8", "utf8"),
        (".", ".", "."),
        ("utf8,", "utf8", ""),
        (",utf8", "", "utf8"),
    ],
)
def test_each_side_has_its_part(spec: str | None, client: str | None, server: str | None) -> None:
    assert wanted(spec, server=False) == client
    assert wanted(spec, server=True) == server


def test_a_dot_or_nothing_is_the_locale_s() -> None:
    names = {charset.name for spec in (".", "", ",x") if (charset := open_charset(spec, server=False))}
    assert len(names) == 1
    assert open_charset("-", server=False) is None

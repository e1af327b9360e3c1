"""How the bytes of a text file are read as characters: by the mark at its start, as UTF-8, or else by evidence."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

_MARKS = (  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# One byte a character, Latin letters: Windows, DOS and the old Macintosh, western before central Europe.
_LATIN = ("cp1252", "cp850", "cp1250", "cp852", "mac_roman")
_CYRILLIC = ("cp1251", "cp866", "koi8_r")
_OTHERS = ["cp1251", "cp1253", "cp1254", "cp1257", "gb18030", "big5", "shift_jis", "euc_kr"]
_ENOUGH = 64 * 1024  # bytes of lines with characters beyond ASCII
_CYRILLIC_WORD = re.compile(r"[\u0400-\u04ff]+")
_MOST = 0.9  # share of words
_WORD = re.compile(r"[A-Za-z\u0080-\uffff]+")


def encoding_of(head: bytes, *, whole: bool) -> str | None:
    """Python's name of the encoding of a text with these first bytes. None: it is none that is known.

    Args:
        whole: whether these are all bytes. A character may be cut in two at the end of a part.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if wide := _two_bytes_a_character(head):
        return wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return _by_evidence(head)
    return "utf-8"


def _two_bytes_a_character(head: bytes) -> str | None:
    """UTF-16 without a mark: in Latin letters every second byte is zero."""
    pairs = len(head) // 2
    zeros = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if pairs and zeros[1] > 0.4 * pairs and not zeros[0]:
        return "utf-16-le"
    return "utf-16-be" if pairs and zeros[0] > 0.4 * pairs and not zeros[1] else None


def _by_evidence(head: bytes) -> str | None:
    text = b"\n".join(line for line in head.splitlines() if not line.isascii())[:_ENOUGH]
    for encoding in _LATIN:
        if _makes_words(text, encoding):
            return encoding
    for encoding in _CYRILLIC:
        if _makes_cyrillic_words(text, encoding):
            return encoding
    best = from_bytes(text, cp_isolation=_OTHERS, enable_fallback=False).best()
    return None if best is None else best.encoding


def _makes_words(text: bytes, encoding: str) -> bool:
    """Whether an encoding makes words of a text: letters among letters, at least half of them plain.

    Another Latin encoding puts punctuation and signs into words. Cyrillic and Greek have hardly any plain letter.
    """
    try:
        characters = text.decode(encoding)
    except UnicodeDecodeError:
        return False
    words = [word for word in _WORD.findall(characters) if not word.isascii() and len(word) > 1]
    accented = sum(not letter.isascii() for word in words for letter in word)
    return all(word.isalpha() for word in words) and 2 * accented <= sum(map(len, words))


def _makes_cyrillic_words(text: bytes, encoding: str) -> bool:
    """Whether an encoding makes Cyrillic words of a text, with capitals where words have them."""
    try:
        words = [word for word in _WORD.findall(text.decode(encoding)) if not word.isascii()]
    except UnicodeDecodeError:
        return False
    well = sum(word.islower() or word.istitle() or word.isupper() for word in words if _CYRILLIC_WORD.fullmatch(word))
    return bool(words) and well >= _MOST * len(words)

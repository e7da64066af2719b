"""Compressed files as plain bytes, told by how they begin and not by their names. Pure."""

from __future__ import annotations

from engine.base.errors import BadInput

MOST = 256 * 1024 * 1024
"""Bytes that a file may have when it is unpacked."""

_BZIP2 = b"BZh"
_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"


def plain_bytes(data: bytes, what: str) -> bytes:
    """The bytes themselves, unpacked where they are bzip2, gzip or xz.

    Raises `BadInput` for a damaged file, and for one that unpacks to more than `MOST`.
    """
    if data[:1] == b"<" or not data.startswith((_BZIP2, _GZIP, _XZ)):
        return data
    try:
        plain, is_whole = _unpacked(data)
    except (OSError, ValueError, EOFError) as problem:
        raise BadInput(f"{what}: the compressed file is damaged: {problem}") from None
    if len(plain) >= MOST:
        raise BadInput(f"{what}: unpacks to more than {MOST >> 20} MiB")
    if not is_whole:
        raise BadInput(f"{what}: the compressed file is cut off")
    return plain


def _unpacked(data: bytes) -> tuple[bytes, bool]:
    """The first `MOST` bytes, and whether the stream has its end."""
    if data.startswith(_BZIP2):
        import bz2

        bzip2 = bz2.BZ2Decompressor()
        return bzip2.decompress(data, MOST), bzip2.eof
    if data.startswith(_GZIP):
        import zlib

        gzip = zlib.decompressobj(wbits=31)
        try:
            return gzip.decompress(data, MOST), gzip.eof
        except zlib.error as problem:
            raise ValueError(str(problem)) from None
    import lzma

    xz = lzma.LZMADecompressor()
    try:
        return xz.decompress(data, MOST), xz.eof
    except lzma.LZMAError as problem:
        raise ValueError(str(problem)) from None

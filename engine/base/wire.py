"""Messages between nodes on the wire: frozen dataclasses as msgpack maps (engine D-13).

Each message class has a small integer kind. Unknown keys are ignored, a missing key takes the
field's default, a missing or wrong mandatory one is `BadInput`: the connection is then closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgpack

from engine.base.errors import BadInput

PROTOCOL_VERSION = 1
MAX_FRAME = 64 * 1024 * 1024
MAX_BEAT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message and its header."""

    cluster: str
    frm: int
    incarnation: int
    to: int
    message: Any
    version: int = PROTOCOL_VERSION


_Reader = Callable[[Any], Any]


class Codec:
    """Encodes and decodes the message classes of its tables (kind number → class)."""

    def __init__(self, *tables: Mapping[int, type]) -> None:
        self._classes: dict[int, type] = {}
        for table in tables:
            for kind, cls in table.items():
                if kind in self._classes:
                    raise ValueError(f"message kind {kind} is used twice")
                self._classes[kind] = cls
        self._kinds = {cls: kind for kind, cls in self._classes.items()}
        self._readers: dict[type, _Reader] = {}

    def encode(self, envelope: Envelope) -> bytes:
        message = envelope.message
        packed: bytes = msgpack.packb(
            {
                "c": envelope.cluster,
                "f": envelope.frm,
                "i": envelope.incarnation,
                "t": envelope.to,
                "v": envelope.version,
                "k": self._kinds[type(message)],
                "b": _plain(message),
            },
            use_bin_type=True,
        )
        return packed

    def decode(self, data: bytes) -> Envelope | None:
        """The message; None for a kind that this version does not know."""
        try:
            header = msgpack.unpackb(data, raw=False, strict_map_key=False)
        except (ValueError, msgpack.UnpackException, UnicodeDecodeError, RecursionError):
            raise BadInput("message: not msgpack") from None
        if not isinstance(header, dict):
            raise BadInput("message: not a map")
        cls = self._classes.get(_number(header, "k"))
        if cls is None:
            return None
        cluster = header.get("c")
        if not isinstance(cluster, str):
            raise BadInput("message: no cluster name")
        return Envelope(
            cluster,
            _number(header, "f"),
            _number(header, "i"),
            _number(header, "t"),
            self._reader(cls)(header.get("b")),
            _number(header, "v"),
        )

    def _reader(self, cls: type) -> _Reader:
        reader = self._readers.get(cls)
        if reader is None:
            reader = self._readers[cls] = _reader_for(cls)
        return reader


def encode_value(value: Any) -> bytes:
    """Any value of dataclasses, tuples, maps and scalars as msgpack."""
    packed: bytes = msgpack.packb(_plain(value), use_bin_type=True)
    return packed


def decode_value(cls: type, data: bytes, what: str) -> Any:
    """The inverse of `encode_value` for a dataclass; raises `BadInput` naming `what`."""
    try:
        plain = msgpack.unpackb(data, raw=False, strict_map_key=False)
    except (ValueError, msgpack.UnpackException, UnicodeDecodeError, RecursionError):
        raise BadInput(f"{what}: not msgpack") from None
    return _reader_for(cls)(plain)


def _number(header: dict[str, Any], key: str) -> int:
    value = header.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput(f"message: header '{key}' is not a number")
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _reader_for(kind: Any) -> _Reader:
    """A function that checks a plain value against a type and makes the typed value."""
    if kind is Any:
        return lambda value: value
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_reader(kind)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _optional_reader(get_args(kind))
    if origin is tuple:
        return _tuple_reader(get_args(kind))
    if origin is dict or kind is dict:
        return _scalar_reader(dict)
    return _scalar_reader(kind)


def _dataclass_reader(cls: type) -> _Reader:
    hints = get_type_hints(cls)
    readers = [
        (item.name, _reader_for(hints[item.name]), _is_mandatory(item)) for item in fields(cls)
    ]

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise BadInput(f"message {cls.__name__}: not a map")
        found = {}
        for name, reader, mandatory in readers:
            if name in value:
                found[name] = reader(value[name])
            elif mandatory:
                raise BadInput(f"message {cls.__name__}: '{name}' is missing")
        return cls(**found)

    return read


def _is_mandatory(item: Any) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _optional_reader(kinds: tuple[Any, ...]) -> _Reader:
    inner = [kind for kind in kinds if kind is not type(None)]
    if len(inner) != 1:
        raise TypeError("a message field is one type or None")
    reader = _reader_for(inner[0])
    return lambda value: None if value is None else reader(value)


def _tuple_reader(kinds: tuple[Any, ...]) -> _Reader:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        reader = _reader_for(kinds[0])

        def read_many(value: Any) -> tuple[Any, ...]:
            if not isinstance(value, list):
                raise BadInput("message: expected a list")
            return tuple([reader(item) for item in value])

        return read_many
    readers = [_reader_for(kind) for kind in kinds]

    def read_fixed(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != len(readers):
            raise BadInput(f"message: expected a list of {len(readers)}")
        return tuple([reader(item) for reader, item in zip(readers, value, strict=True)])

    return read_fixed


def _scalar_reader(kind: type) -> _Reader:
    def read(value: Any) -> Any:
        if type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise BadInput(f"message: expected {kind.__name__}, found {type(value).__name__}")

    return read

"""A walk over the opcodes of a pickle that lets only plain data through, before anything is loaded.

No globals, no calls, no tuples, no sets, nothing after STOP; keys of dicts are text (whose hashes nobody
can predict); containers are never reused through the memo, so nothing grows when it is walked.
Opcodes: CPython's pickletools, protocol 5 (PEP 574).
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field

from research.errors import CheckpointTooLarge, CheckpointUnsafe

DEEPEST = 100  # containers in containers
MOST_OPCODES = 1_000_000
LONGEST_INTEGER = 64  # bytes

_TEXT, _BYTES, _SCALAR, _LIST, _DICT = "text", "bytes", "scalar", "list", "dict"
_CODES = {opcode.name: ord(opcode.code) for opcode in pickletools.opcodes}
_SIZED = {  # opcode -> (bytes of the length field, what it pushes)
    _CODES["SHORT_BINUNICODE"]: (1, _TEXT),
    _CODES["BINUNICODE"]: (4, _TEXT),
    _CODES["BINUNICODE8"]: (8, _TEXT),
    _CODES["SHORT_BINBYTES"]: (1, _BYTES),
    _CODES["BINBYTES"]: (4, _BYTES),
    _CODES["BINBYTES8"]: (8, _BYTES),
    _CODES["LONG1"]: (1, _SCALAR),
    _CODES["LONG4"]: (4, _SCALAR),
}
_BARE = {  # opcode -> what it pushes
    _CODES["NONE"]: _SCALAR,
    _CODES["NEWTRUE"]: _SCALAR,
    _CODES["NEWFALSE"]: _SCALAR,
    _CODES["EMPTY_LIST"]: _LIST,
    _CODES["EMPTY_DICT"]: _DICT,
}
_FIXED = {  # opcode -> (bytes of the argument, what it pushes)
    _CODES["BININT"]: (4, _SCALAR),
    _CODES["BININT1"]: (1, _SCALAR),
    _CODES["BININT2"]: (2, _SCALAR),
    _CODES["BINFLOAT"]: (8, _SCALAR),
}
_GETS = {_CODES["BINGET"]: 1, _CODES["LONG_BINGET"]: 4}
_FRAME, _STOP, _MARK, _MEMOIZE = _CODES["FRAME"], _CODES["STOP"], _CODES["MARK"], _CODES["MEMOIZE"]
_APPEND, _APPENDS = _CODES["APPEND"], _CODES["APPENDS"]
_SETITEM, _SETITEMS = _CODES["SETITEM"], _CODES["SETITEMS"]
_LEAST, _MOST = 4, 5  # pickle protocols


def check(data: bytes) -> None:
    """CheckpointUnsafe unless `data` is one pickle of plain data and nothing else. Loads nothing.

    CheckpointTooLarge when it has more parts than a reader should be made to build.
    """
    _Walk(data).run()


@dataclass(slots=True)
class _Walk:
    data: bytes
    at: int = 0
    kinds: list[str] = field(default_factory=list)  # the stack of an unpickler, without its values
    heights: list[int] = field(default_factory=list)  # of each part there: containers below each other
    marks: list[int] = field(default_factory=list)  # where on the stack
    memo: list[str] = field(default_factory=list)

    def run(self) -> None:
        if len(self.data) < 2 or self.data[0] != _CODES["PROTO"] or not _LEAST <= self.data[1] <= _MOST:
            raise CheckpointUnsafe("The checkpoint is not a pickle of a protocol we write.")
        self.at = 2
        for _ in range(MOST_OPCODES):
            self._fits(1)
            code = self.data[self.at]
            self.at += 1
            if code == _STOP:
                self._stop()
                return
            self._step(code)
        raise CheckpointTooLarge(f"The checkpoint has more than {MOST_OPCODES:,} parts.")

    def _step(self, code: int) -> None:
        if code in _BARE:
            self._push(_BARE[code])
        elif code in _SIZED:
            self._sized(*_SIZED[code])
        elif code in _FIXED:
            width, kind = _FIXED[code]
            self._take(width)
            self._push(kind)
        elif code == _MEMOIZE:
            self.memo.append(self._top())
        elif code in _GETS:
            self._get(int.from_bytes(self._take(_GETS[code]), "little"))
        else:
            self._build(code)

    def _build(self, code: int) -> None:
        if code == _MARK:
            self.marks.append(len(self.kinds))
        elif code in (_APPEND, _SETITEM):
            last = 1 if code == _APPEND else 2
            self._fill(_LIST if code == _APPEND else _DICT, len(self.kinds) - last)
        elif code in (_APPENDS, _SETITEMS) and self.marks:
            self._fill(_LIST if code == _APPENDS else _DICT, self.marks.pop())
        elif code == _FRAME:
            self._fits(int.from_bytes(self._take(8), "little"))
        else:
            raise CheckpointUnsafe(f"The checkpoint holds more than plain data (opcode {code:#04x}).")

    def _take(self, count: int) -> bytes:
        self._fits(count)
        self.at += count
        return self.data[self.at - count : self.at]

    def _fits(self, size: int) -> None:
        if size > len(self.data) - self.at:
            raise CheckpointUnsafe("The checkpoint claims more bytes than it has.")

    def _sized(self, width: int, kind: str) -> None:
        size = int.from_bytes(self._take(width), "little")
        if kind == _SCALAR and size > LONGEST_INTEGER:
            raise CheckpointUnsafe("The checkpoint holds a number that is too long.")
        self._fits(size)
        self.at += size
        self._push(kind)

    def _push(self, kind: str) -> None:
        self.kinds.append(kind)
        self.heights.append(1 if kind in (_LIST, _DICT) else 0)

    def _floor(self) -> int:
        return self.marks[-1] if self.marks else 0

    def _top(self) -> str:
        if len(self.kinds) <= self._floor():
            raise CheckpointUnsafe("The checkpoint's parts do not fit together.")
        return self.kinds[-1]

    def _fill(self, container: str, start: int) -> None:
        """Everything on the stack from `start` up goes into the container below it."""
        if start - 1 < self._floor() or self.kinds[start - 1] != container:
            raise CheckpointUnsafe("The checkpoint's parts do not fit together.")
        added, height = self.kinds[start:], 1 + max(self.heights[start:], default=0)
        if container == _DICT and (len(added) % 2 or added[::2].count(_TEXT) != len(added) // 2):
            raise CheckpointUnsafe("The checkpoint has a key that is not text.")
        if height > DEEPEST:
            raise CheckpointUnsafe("The checkpoint is nested too deeply.")
        del self.kinds[start:], self.heights[start:]
        self.heights[-1] = max(self.heights[-1], height)

    def _get(self, index: int) -> None:
        if index >= len(self.memo) or self.memo[index] not in (_TEXT, _BYTES):
            raise CheckpointUnsafe("The checkpoint reuses a part that may not be reused.")
        self._push(self.memo[index])

    def _stop(self) -> None:
        if len(self.kinds) != 1 or self.marks or self.at != len(self.data):
            raise CheckpointUnsafe("The checkpoint does not end where its data ends.")

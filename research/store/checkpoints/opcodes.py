"""A walk over the opcodes of a pickle that lets only plain data through, before anything is loaded.

No globals, no calls, no tuples, no sets, nothing after STOP; keys of dicts are text (whose hashes nobody
can predict); containers are never reused through the memo, so nothing grows when it is walked.
Opcodes: CPython's pickletools, protocol 5 (PEP 574).
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field

from research.errors import CheckpointUnsafe

DEEPEST = 100  # containers in containers
MOST_OPCODES = 2_000_000
LONGEST_INTEGER = 64  # bytes

_MARK, _TEXT, _BYTES, _SCALAR, _LIST, _DICT = "mark", "text", "bytes", "scalar", "list", "dict"
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
_FIXED = {  # opcode -> (bytes of the argument, what it pushes)
    _CODES["NONE"]: (0, _SCALAR),
    _CODES["NEWTRUE"]: (0, _SCALAR),
    _CODES["NEWFALSE"]: (0, _SCALAR),
    _CODES["BININT"]: (4, _SCALAR),
    _CODES["BININT1"]: (1, _SCALAR),
    _CODES["BININT2"]: (2, _SCALAR),
    _CODES["BINFLOAT"]: (8, _SCALAR),
    _CODES["EMPTY_LIST"]: (0, _LIST),
    _CODES["EMPTY_DICT"]: (0, _DICT),
    _CODES["MARK"]: (0, _MARK),
}
_GETS = {_CODES["BINGET"]: 1, _CODES["LONG_BINGET"]: 4}
_FRAME, _STOP, _MEMOIZE = _CODES["FRAME"], _CODES["STOP"], _CODES["MEMOIZE"]
_APPEND, _APPENDS = _CODES["APPEND"], _CODES["APPENDS"]
_SETITEM, _SETITEMS = _CODES["SETITEM"], _CODES["SETITEMS"]
_LEAST, _MOST = 4, 5  # pickle protocols


def check(data: bytes) -> None:
    """CheckpointUnsafe unless `data` is one pickle of plain data and nothing else. Loads nothing."""
    _Walk(data).run()


@dataclass
class _Walk:
    data: bytes
    at: int = 0
    stack: list[str] = field(default_factory=list)
    memo: list[str] = field(default_factory=list)
    depth: int = 0

    def run(self) -> None:
        if len(self.data) < 2 or self.data[0] != _CODES["PROTO"] or not _LEAST <= self.data[1] <= _MOST:
            raise CheckpointUnsafe("The checkpoint is not a pickle of a protocol we write.")
        self.at = 2
        for _ in range(MOST_OPCODES):
            code = self._take(1)[0]
            if code == _STOP:
                self._stop()
                return
            self._step(code)
        raise CheckpointUnsafe("The checkpoint has too many parts.")

    def _step(self, code: int) -> None:
        if code in _SIZED:
            self._sized(*_SIZED[code])
        elif code in _FIXED:
            width, kind = _FIXED[code]
            self._take(width)
            self._push(kind)
        elif code == _MEMOIZE:
            self.memo.append(self._top())
        elif code in _GETS:
            self._get(int.from_bytes(self._take(_GETS[code]), "little"))
        elif code == _FRAME:
            self._take(8)  # a hint for readers; every length below is checked by itself
        else:
            self._build(code)

    def _build(self, code: int) -> None:
        if code == _APPEND:
            self._into(_LIST, [self._pop()])
        elif code == _APPENDS:
            self._into(_LIST, self._pop_to_mark())
        elif code == _SETITEM:
            value, key = self._pop(), self._pop()
            self._into(_DICT, [key, value])
        elif code == _SETITEMS:
            self._into(_DICT, self._pop_to_mark())
        else:
            raise CheckpointUnsafe(f"The checkpoint holds more than plain data (opcode {code:#04x}).")

    def _take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) != count:
            raise CheckpointUnsafe("The checkpoint claims more bytes than it has.")
        self.at += count
        return taken

    def _sized(self, width: int, kind: str) -> None:
        size = int.from_bytes(self._take(width), "little")
        if kind == _SCALAR and size > LONGEST_INTEGER:
            raise CheckpointUnsafe("The checkpoint holds a number that is too long.")
        if size > len(self.data) - self.at:
            raise CheckpointUnsafe("The checkpoint claims more bytes than it has.")
        self.at += size
        self._push(kind)

    def _push(self, kind: str) -> None:
        self.stack.append(kind)
        if kind in (_LIST, _DICT):
            self.depth += 1
            if self.depth > DEEPEST:
                raise CheckpointUnsafe("The checkpoint is nested too deeply.")

    def _pop(self) -> str:
        kind = self._top()
        self.stack.pop()
        if kind in (_LIST, _DICT):
            self.depth -= 1
        return kind

    def _top(self) -> str:
        if not self.stack or self.stack[-1] == _MARK:
            raise CheckpointUnsafe("The checkpoint's parts do not fit together.")
        return self.stack[-1]

    def _pop_to_mark(self) -> list[str]:
        popped = []
        while self.stack and self.stack[-1] != _MARK:
            popped.append(self._pop())
        if not self.stack:
            raise CheckpointUnsafe("The checkpoint's parts do not fit together.")
        self.stack.pop()
        return popped[::-1]

    def _into(self, container: str, kinds: list[str]) -> None:
        if self._top() != container:
            raise CheckpointUnsafe("The checkpoint's parts do not fit together.")
        if container == _DICT and (len(kinds) % 2 or any(kind != _TEXT for kind in kinds[::2])):
            raise CheckpointUnsafe("The checkpoint has a key that is not text.")

    def _get(self, index: int) -> None:
        if index >= len(self.memo) or self.memo[index] not in (_TEXT, _BYTES):
            raise CheckpointUnsafe("The checkpoint reuses a part that may not be reused.")
        self._push(self.memo[index])

    def _stop(self) -> None:
        if len(self.stack) != 1 or self.stack[0] == _MARK or self.at != len(self.data):
            raise CheckpointUnsafe("The checkpoint does not end where its data ends.")

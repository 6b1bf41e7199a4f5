"""Real exploit pickles, signed with the right key: only plain data is ever loaded."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from research.errors import CheckpointUnsafe
from research.store.checkpoints import opcodes


def test_s02_s03_every_exploit_pickle_is_refused_before_it_is_loaded(shared_data: Path) -> None:
    lines = (shared_data / "hostile-input/pickles.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    let_through = []
    for row in rows:
        try:
            opcodes.check(base64.b64decode(row["base64"]))
        except CheckpointUnsafe:
            continue
        let_through.append((row["name"], row["harmless"]))
    assert len(rows) >= 50
    assert [name for name, harmless in let_through if not harmless] == []

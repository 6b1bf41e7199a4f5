"""The JSON API under /api/v1/: each endpoint translates, `services` and `queries` do the work.

Start at `routers.py`: every path with the rule that guards it. `auth` lets in, `limits` counts,
`problems` says what went wrong, `idempotency` answers repeats, `events` streams.
To add an endpoint: write it in the module of its noun, with `auth=door(<scope>)`, and give it its line in
tests/security/rules.py; without that line the suite fails.
"""

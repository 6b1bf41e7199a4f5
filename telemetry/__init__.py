"""What happened, in order: events, their numbers and their chain. Knows ids, never research's rows.

events     the words and the hash chain, plain Python      collector  the only writer
metrics    a pure fold of an event list                     queries    the only reader
nudges/    "look at session X", a plug-in point             wakes      waiting for nudges in asyncio
"""

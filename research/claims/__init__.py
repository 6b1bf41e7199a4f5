"""What the report asserts and how it stands. Start at closed_world.py, then ledger.py.

splitting, words, folding   text: sentences, stems, normalised matching with exact offsets
figures, polarity           numbers with units; negation and direction
support, ledger             the tiers that decide a verdict; the rows of the claim ledger
origins, contradictions     near copies count once; passages that disagree
copies, measures            copied runs; the separate measures of a draft
closed_world                the gate every draft passes: only this session's evidence can be cited
references, report          numbers of references; the final draft and evaluation
citations                   a separate reader over the finished Markdown; shares no code with the rest
wording                     the fixed sentences of a report, in its language
"""

"""A person's library: documents taken in, cut into passages with exact offsets, and searched.

documents.py   the verbs: add, list, get, remove
intake.py      what is to be taken in: files, folders, uploads, rows of JSONL
sandbox.py     parsing in child processes that can do no harm
passages.py    slices of the kept text
words.py       words as search knows them
index.py       the face of the search; sqlite_fts5.py or postgres_text.py finds candidates
ranking.py     what comes first
reader.py      the library as the engine `library` sees it
runs.py       answers as JSON rows and TREC runs
examples.py    a dozen documents to try it with
"""

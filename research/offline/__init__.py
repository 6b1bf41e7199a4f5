"""Deterministic methods that answer the typed tasks without a model.

A real mode that people use: key phrases, retrieval, extraction with maximal marginal relevance,
template prose around quotations. The plug-in `providers/llms/offline.py` names which answers what.
"""

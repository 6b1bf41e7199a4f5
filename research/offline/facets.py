"""The parts that a kind of document usually has, for requests that do not name their own. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Facet:
    heading: str
    question: str  # with {topic}
    words: str  # added to the query


_ENGLISH = {
    "findings": Facet("What the sources say", "What do the sources say about {topic}?", "results findings"),
    "background": Facet("Background", "What is the background of {topic}?", "definition background"),
    "causes": Facet("Causes and mechanisms", "What explains {topic}?", "causes mechanisms"),
    "effects": Facet("Effects", "What follows from {topic}?", "effects impact"),
    "limits": Facet(
        "Limits and open questions", "What limits {topic}, and what is still open?", "limitations challenges"
    ),
    "options": Facet("Options", "Which options are there for {topic}?", "methods types"),
    "steps": Facet("How it is done", "How is {topic} done?", "method steps"),
    "mistakes": Facet("Risks and mistakes", "What can go wrong with {topic}?", "risks problems"),
    "early": Facet("Beginnings", "How did {topic} begin?", "history origin"),
    "later": Facet("Later development", "How did {topic} develop?", "development change"),
    "outlook": Facet("Outlook", "What is expected of {topic}?", "future trends"),
}
_CHINESE = {
    "findings": Facet("主要发现", "关于{topic}，来源说了什么？", "结果 发现"),
    "background": Facet("背景与概念", "{topic}的背景和概念是什么？", "背景 概念"),
    "causes": Facet("原因与机制", "{topic}的原因和机制是什么？", "原因 机制"),
    "effects": Facet("影响与结果", "{topic}带来哪些影响？", "影响 结果"),
    "limits": Facet("局限与未解问题", "{topic}有哪些局限和未解问题？", "局限 问题"),
    "options": Facet("可选方案", "{topic}有哪些方案？", "方法 类型"),
    "steps": Facet("具体做法", "{topic}如何实施？", "方法 步骤"),
    "mistakes": Facet("风险与误区", "{topic}有哪些风险和误区？", "风险 问题"),
    "early": Facet("起源", "{topic}是如何开始的？", "历史 起源"),
    "later": Facet("后续发展", "{topic}后来如何发展？", "发展 变化"),
    "outlook": Facet("展望", "{topic}的前景如何？", "未来 趋势"),
}
_BY_KIND = {
    "how-to": ("steps", "background", "mistakes", "limits"),
    "timeline": ("early", "later", "effects", "outlook"),
    "plan": ("options", "steps", "mistakes", "outlook"),
    "comparison": ("findings", "effects", "limits", "options"),
    "list": ("options", "findings", "background", "limits"),
    "answer": ("findings", "background", "causes", "limits"),
}
_USUAL = ("background", "findings", "effects", "limits")
_MORE = ("findings", "background", "causes", "effects", "limits", "outlook", "options", "mistakes")


def facets(kind: str, language: str) -> list[Facet]:
    """All facets, the usual ones of the kind first."""
    table = _CHINESE if language == "zh" else _ENGLISH
    names = dict.fromkeys((*_BY_KIND.get(kind, _USUAL), *_MORE))
    return [table[name] for name in names]

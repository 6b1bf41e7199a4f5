"""The fixed sentences of a report, in the language of the question (English where we have none)."""

from __future__ import annotations

from typing import Final

SOURCE: Final = "{source}"  # a writer may use it; the renderer puts the title of the first evidence there

_ENGLISH: dict[str, str] = {
    "offline": "Offline mode: no model wrote this; it quotes the library.",
    "modelled": "Written with {method}. Every reference below was retrieved in this session.",
    "question": "Question",
    "summary": "Summary",
    "references": "References",
    "looked_for": "What was looked for",
    "nothing_found_for": "nothing found",
    "library_document": "library document {document}",
    "engine_document": "{engine} document {document}",
    "and_others": "and others",
    "untitled": "Untitled document",
    "a_source": "a source",
    "unsupported": "no source given",
    "says_0": "{source} says:",
    "says_1": "{source} adds:",
    "says_2": "{source} reports:",
    "says_3": "In the words of {source}:",
    "on": "On “{heading}”:",
    "scope": "This report quotes {passages} from {sources}.",
    "passage": "{n} passage",
    "passages": "{n} passages",
    "source": "{n} source",
    "sources": "{n} sources",
    "section_empty": "The sources found do not answer this part.",
    "section_searched": "It was searched for with: {queries}.",
    "disagreements": "Where the sources disagree",
    "against": "Against that, {source} says:",
    "first_side": "{source} says:",
    "limits": "Limits of the evidence",
    "limit_refused": "Not used: {refused} of {found} documents found, for not speaking about the question.",
    "limit_copies": "Near copies of another source, counted with it as one: {copies}.",
    "limit_single": "The part “{heading}” rests on a single source.",
    "limit_empty": "{empty} of {parts} parts of the question could not be answered from the sources.",
    "limit_engine": "{engine} did not answer, so what it holds is missing here.",
    "limit_offline": "The passages were chosen by their wording. Nobody weighed how good the sources are, "
    "and disagreements that are worded differently may have been missed.",
    "unanswerable_title": "No answer in the sources",
    "unanswerable": "The sources searched do not answer this question, so this report does not try to.",
    "unanswerable_next": "Add documents on the subject, or ask in the words that they use.",
    "refused_source": "Found, but not used: {source}. {reason}",
    "why_nothing": "Nothing was found. Looked for: {queries}.",
    "why_none_kept": "No source was kept, because at most {limit} were allowed. Looked for: {queries}.",
    "why_refused": "{found} found, none of which speaks about the question. Looked for: {queries}.",
    "document": "{n} document was",
    "documents": "{n} documents were",
    "accepted": "It speaks about {terms}.",
    "near_copy": "It is a near copy of “{other}” and counts with it as one.",
    "refused_empty": "It has no text to quote.",
    "refused_short": "Its text is too short to support anything.",
    "refused_off": "It speaks about too little of what was asked: only {terms}.",
    "refused_nothing": "It uses none of the words that matter in the question.",
    "differ_number": "Both give a figure for the same matter, but not the same one: {left} and {right}.",
    "differ_negation": "One of the two denies what the other says.",
    "differ_direction": "They report opposite directions for the same matter.",
    "missing_period": "Which period matters?",
    "missing_place": "Which country or region matters?",
    "missing_length": "How long should it be?",
    "missing_reader": "Who will read it?",
    "missing_subject": "What exactly do you want to know? The question names no subject.",
}
_CHINESE: dict[str, str] = {
    "offline": "离线模式：本文并非由模型撰写，而是引用资料库原文。",
    "modelled": "由 {method} 撰写。下列参考文献均在本次会话中检索到。",
    "question": "问题",
    "summary": "摘要",
    "references": "参考文献",
    "looked_for": "检索内容",
    "nothing_found_for": "未找到",
    "library_document": "资料库文档 {document}",
    "engine_document": "{engine} 文档 {document}",
    "and_others": "等",
    "untitled": "无标题文档",
    "a_source": "某来源",
    "unsupported": "未注明来源",
    "says_0": "{source}指出：",
    "says_1": "{source}补充说：",
    "says_2": "{source}写道：",
    "says_3": "{source}的原文是：",
    "on": "关于“{heading}”：",
    "scope": "本报告引用了{sources}中的{passages}。",
    "passage": "{n}段原文",
    "passages": "{n}段原文",
    "source": "{n}个来源",
    "sources": "{n}个来源",
    "section_empty": "找到的来源没有回答这一部分。",
    "section_searched": "检索词：{queries}。",
    "disagreements": "来源之间的分歧",
    "against": "与此不同，{source}写道：",
    "first_side": "{source}写道：",
    "limits": "证据的局限",
    "limit_refused": "找到的{found}份文档中有{refused}份与问题无关，未予采用。",
    "limit_copies": "与另一来源几乎相同、只计一次的来源：{copies}个。",
    "limit_single": "“{heading}”这一部分只有一个来源。",
    "limit_empty": "问题的{parts}个部分中有{empty}个无法从来源中得到回答。",
    "limit_engine": "{engine} 没有响应，因此缺少其中的资料。",
    "limit_offline": "引文按词语匹配选出。来源的质量未经评估，措辞不同的分歧可能没有被发现。",
    "unanswerable_title": "来源中没有答案",
    "unanswerable": "检索到的来源没有回答这个问题，因此本报告不作回答。",
    "unanswerable_next": "请添加相关文档，或改用文档中的词语提问。",
    "refused_source": "已找到但未采用：{source}。{reason}",
    "why_nothing": "没有找到任何内容。检索词：{queries}。",
    "why_none_kept": "最多允许保留 {limit} 个来源，因此没有保留任何来源。检索词：{queries}。",
    "why_refused": "找到{found}，但都与问题无关。检索词：{queries}。",
    "document": "{n}份文档",
    "documents": "{n}份文档",
    "accepted": "内容涉及：{terms}。",
    "near_copy": "它与《{other}》几乎相同，两者只计一次。",
    "refused_empty": "没有可以引用的文字。",
    "refused_short": "文字太短，不足以支持任何结论。",
    "refused_off": "与所问内容关系太少，只涉及：{terms}。",
    "refused_nothing": "没有出现问题中的关键词。",
    "differ_number": "两者对同一事项给出了不同的数字：{left} 与 {right}。",
    "differ_negation": "一方否定了另一方的说法。",
    "differ_direction": "两者对同一事项给出了相反的方向。",
    "missing_period": "关注哪个时期？",
    "missing_place": "关注哪个国家或地区？",
    "missing_length": "需要多长的篇幅？",
    "missing_reader": "读者是谁？",
    "missing_subject": "您具体想了解什么？问题中没有主题。",
}


def table(language: str) -> dict[str, str]:
    return _CHINESE if language.lower().split("-")[0] == "zh" else _ENGLISH


def say(language: str, key: str, **values: object) -> str:
    """A fixed sentence with its values. `{source}` stays for the renderer unless a value is given."""
    return table(language)[key].format(**{"source": SOURCE, **values})


def count(language: str, noun: str, n: int) -> str:
    """Such as `1 passage`, `3 passages`; `noun` is a singular key of the table."""
    return say(language, noun if n == 1 else f"{noun}s", n=n)


def listed(language: str, items: list[str], *, quoted: bool = False) -> str:
    joint = "、" if table(language) is _CHINESE else ", "
    return joint.join(f"“{item}”" if quoted else item for item in items)


def join_sentences(language: str, sentences: list[str]) -> str:
    return ("" if table(language) is _CHINESE else " ").join(sentence for sentence in sentences if sentence)

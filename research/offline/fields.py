"""The subject area of a request, by a lexicon."""

from __future__ import annotations

from research.claims.words import content

_LEXICON = {
    "medicine": """
        disease patient clinical treatment drug therapy cancer health symptom vaccine surgery doctor
        hospital virus infection diagnosis medical mental nutrition diet 医 病 疾病 治疗 药物 患者
        临床 健康 医疗 疫苗 肿瘤 细胞""",
    "biology": """
        gene protein cell species evolution dna rna organism bacteria enzyme genome ecology plant
        animal neuron metabolism 基因 蛋白 细胞 物种 进化 生物 线粒体""",
    "physics": """
        quantum particle energy relativity photon laser optics thermodynamics nuclear plasma
        superconduct gravity astronomy planet galaxy star 量子 物理 粒子 光学 天文""",
    "chemistry": """
        chemical molecule reaction catalyst polymer compound acid synthesis oxide electrolyte 化学
        分子 催化 反应 材料""",
    "computing": """
        software algorithm computer programming code database network machine learning neural ai llm
        model data cloud cybersecurity api developer plugin app chip 软件 算法 计算机 编程 人工智能
        模型 数据 开发 芯片 代码""",
    "engineering": """
        engineering bridge aircraft wing engine mechanical manufacturing robot circuit voltage
        sensor battery vehicle aerodynamic boundary layer 工程 制造 机器人 飞机 传感器 电池 汽车
        工业""",
    "mathematics": """
        theorem proof equation algebra geometry statistic probability calculus topology 数学 定理
        方程 概率""",
    "economics": """
        economy economic market price inflation trade gdp investment bank stock fund finance
        financial tax income currency fiscal 经济 市场 金融 投资 股票 基金 收入 财务 贸易 保险""",
    "business": """
        company business startup marketing customer brand management strategy supply product retail
        sales 企业 公司 商业 营销 品牌 管理 客户 行业""",
    "law": """
        law legal court liability regulation statute contract patent rights jurisdiction legislation
        constitutional 法律 法院 责任 法规 合同 专利 司法""",
    "politics": """
        government policy election war military treaty democracy president parliament diplomacy
        international sanction 政府 政策 选举 战争 外交 国际""",
    "history": """
        history historical century empire ancient medieval dynasty revolution archaeolog colonial
        历史 世纪 帝国 古代 王朝 革命""",
    "environment": """
        climate carbon emission pollution biodiversity renewable sustainability forest ocean heat
        wind solar 气候 碳 排放 污染 环境 可再生 能源""",
    "education": """
        school student teacher education university curriculum classroom teaching 教育 学生 学校
        教师 学习 课程""",
    "psychology": """
        psychology cognitive behaviour behavior emotion personality memory attention therapy 心理
        认知 情绪 行为 记忆""",
    "society": """
        social society gender culture religion migration community population family urban 社会 文化
        性别 宗教 人口 家庭""",
    "arts": """
        art music film literature novel painting poet architecture design theatre fashion 艺术 音乐
        电影 文学 小说 绘画 设计""",
    "sports": """
        sport football player team championship olympic athlete match league basketball 体育 足球
        运动员 比赛 联赛 奥运""",
}
_STEMS = {
    field: frozenset(content(words, "en")) | {word for word in words.split() if not word.isascii()}
    for field, words in _LEXICON.items()
}


def field(prompt: str, language: str) -> str:
    """The area with most words of the prompt; general when none has any."""
    found = content(prompt, language if language != "zh" else "en")
    scores = {name: sum(word in stems for word in found) for name, stems in _STEMS.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else "general"

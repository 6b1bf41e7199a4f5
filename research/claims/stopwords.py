"""Words that carry no matter of their own. Data only."""

from __future__ import annotations

_ENGLISH = """a about above after again against all also although am among an and any are as at be
because been before being below between both but by can cannot could did do does doing
down during each either else ever every few for from further get gets got had has have
having he her here hers herself him himself his how however i if in into is it its
itself just kindly let like may me might mine more most much must my myself neither no
nor not of off on once one only or other our ours out over own per please rather same
shall she should since so some such than that the their theirs them themselves then
there these they this those though through thus to too under until up upon us very was
we were what when where whether which while who whom whose why will with within without
would yet you your yours yourself i'm it's don't can't isn't aren't what's that's"""
_GERMAN = """der die das den dem des ein eine einen einem einer eines und oder aber ist sind war
waren wird werden wurde wie was wer wo wann warum welche welcher welches nicht kein
keine mit ohne für von vom zu zum zur auf aus bei beim nach über unter durch als auch
nur noch schon sehr sich es er sie wir ihr ich im in am an um bis dass daß kann können
soll hat haben sein seine gibt bitte mir zwischen"""
_FRENCH = """le la les un une des du de et ou mais est sont était être a ont avoir que qui quoi quel
quelle quels quelles comment pourquoi quand où ne pas plus avec sans pour par sur sous
dans en au aux ce cette ces il elle nous vous ils elles je tu se son sa ses leur leurs y
entre"""
_SPANISH = """el la los las un una unos unas y o pero es son era ser está están que qué quién cuál
cuáles cómo cuándo dónde por porque para con sin de del al en sobre entre no más se su
sus lo le les ha han como este esta estos estas yo tú nosotros"""
_ITALIAN = """il lo la i gli le un uno una e o ma è sono era essere che chi quale quali come perché
quando dove non più con senza di del della dei delle da dal dalla in nel nella su sul
sulla per tra fra si suo sua loro questo questa ha hanno al alla"""
_PORTUGUESE = """o a os as um uma uns umas e ou mas é são era ser está que quem qual quais como porque
quando onde não mais com sem de do da dos das em no na nos nas por para sobre entre se
seu sua seus suas ao à este esta"""
_RUSSIAN = """и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только
ее мне было вот от меня еще нет о из ему теперь когда даже ну ли если уже или ни быть
был него до вас какие какой какая каковы почему где кто чем для при это этот эта эти их
между"""
_ARABIC = """في من على إلى عن مع أن إن ما ماذا هل كيف لماذا متى أين هو هي هذا هذه ذلك التي الذي كان
كانت لا لم لن أو و ثم بين قد كل بعض"""
_CHINESE = """的 了 和 与 及 或 在 是 对 于 为 以 被 把 从 到 向 由 中 上 下 其 这 那 该 此 并 且 而
但 也 都 就 还 又 很 更 最 等 之 者 们 我 你 他 她 它 您 请 吗 呢 吧 啊 什么 如何 怎么
怎样 为何 为什么 哪些 哪个 哪里 是否 多少 以及 还是 或者 并且 而且 但是 因此 所以 因为
如果 虽然 通过 关于 对于 根据 按照 可以 能够 应该 需要 进行 我们 你们 他们 这些 那些
这个 那个 一个 一种 一些 目前 其中 有关 相关 方面 哪 吗 有 个 种 来 去 让 给 将 会 能 要
想 一下 帮我 为我 不同 同时 之间 具体"""
_JAPANESE = """の は が を に で と も や から まで へ より など です ます した して する ある いる
こと もの これ それ なに 何 どの よう ため について による における"""
_KOREAN = """은 는 이 가 을 를 의 에 에서 으로 로 와 과 도 만 하다 있다 무엇 어떻게 왜"""

STOP_WORDS = frozenset(
    " ".join(
        (
            _ENGLISH,
            _GERMAN,
            _FRENCH,
            _SPANISH,
            _ITALIAN,
            _PORTUGUESE,
            _RUSSIAN,
            _ARABIC,
            _CHINESE,
            _JAPANESE,
            _KOREAN,
        )
    ).split()
)

_GENERIC = """
known large small mechanism mechanisms show many particular common often kind field term example
analyse analysis analyze answer approach area argue article aspect assess background based benefit
best better brief cause challenge change characteristic collect compare comparison comprehensive
concept conclude conduct consequence consider context contribute current currently describe detail
detailed develop development difference different discuss document effect elaborate evaluate
evidence examine example explain explore factor finding focus give future general good guide help
history identify impact implication important improve include including increase influence
information investigate involve issue key kind know latest limit limitation list literature main
major make method mean model modern need new number open outline outlook overview paper people point
possible potential prepare present process provide question reason recent relate related report
research result review risk role show significance significant situation specific state step study
summarise summarize summary tell thing time topic trend type understand use used using various way
well work world write year 分析 研究 报告 调研 情况 问题 影响 发展 介绍 总结 比较 详细 资料 收集
整理 综述 趋势 现状 特点 背景 方法 结果 局限 未来 主要 发现 原因 概念 机制"""
# Words that any request may use. They help to find, but a source is not relevant because of them.
GENERIC = frozenset(_GENERIC.split())

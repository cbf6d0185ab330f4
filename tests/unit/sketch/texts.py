"""Texts that tests of the sketches share: a handful as people send them, and a strategy for all others."""

from __future__ import annotations

from hypothesis import strategies as st

REAL: tuple[str, ...] = (
    "",
    " \n\n ",
    "hi",
    "Explain the difference between a mutex and a semaphore, please.",
    "You are a careful tutor.\n\nQuestion: A train leaves at 14:35 and travels 120 km at 80 km/h. When does it arrive?\n"
    "Show each step and put the final answer in \\boxed{}.\n",
    "def mean(xs: list[float]) -> float:\n    return sum(xs) / len(xs)  # TODO: empty?\n\nWhat's wrong with this?",
    "请用三句话解释光合作用。\n\n然后给出一个例子:为什么树叶是绿色的?",
    "次の文章を英語に翻訳してください。\n「猫はソファの上で眠っています。」",
    "다음 문장을 요약해 주세요: 오늘은 날씨가 좋아서 공원에 갔습니다.",
    "Объясни, пожалуйста, шаг за шагом, как работает двигатель внутреннего сгорания.",
    "اشرح لي الفرق بين القائمة والصف في بايثون، مع مثال؟",
    "हिन्दी में समझाइए कि इंद्रधनुष कैसे बनता है।",
    "ช่วยแปลประโยคนี้เป็นภาษาอังกฤษ: วันนี้อากาศดีมาก",
    "¿Cómo se prepara una tortilla de patatas? Dame la receta paso a paso…",
    "Rate this pizza 🍕🍕🍕 from 1 to 10!!! 👩‍🍳👍🏽 #food",
    "I can’t open the file ‘C:\\Temp\\x.txt’ — it’s locked… naïve café ﬁx ①②③ Ⅷ ½",
    '| a | b |\n|---|---|\n| 1 | 22 |\n\n```json\n{"k": [1, 2.5e3, null]}\n```',
    "a b a b a b a b a b a b a b a b",
    "word " * 3_000,
    "光" * 2_000 + "合" * 3_000,
    "lone \ud800 surrogate and \x00 nul",
)

ALPHABET = st.one_of(
    st.sampled_from(list("abcdefghijklmnopqrstuvwxyz    ABC0123456789.,:;!?'’\n\n#<>[]{}\\$|`=-_/+\"()\t\r")),
    st.sampled_from(list("éßøñçİıſςΣаеорсхуАВЕЖя世界光合中文かなカナ한국어ไทยอ่าहिन्दी١٢٣")),
    st.sampled_from(
        list("\u200b\u200d\ufeff\u00ad\ufe0f🙂👩\u0301\u0327\u0345\u2028ﬁ①½Ⅷｆｕｌｌ，。、\u3164\U000e0061")
    ),
    st.characters(codec="utf-8"),
)

TEXTS = st.text(ALPHABET, max_size=200)

WORDS = st.sampled_from(
    "the explain step by answer question reasoning list number write a of in what is how 12 7 3.14 don't "
    "photosynthesis железо 光合作用 naïve x_1 foo() \n \n\n : . ? ** - 🙂".split(" ")
)
PROMPTS = st.lists(WORDS, max_size=120).map(" ".join)
ANY = st.one_of(TEXTS, PROMPTS, st.sampled_from(REAL))

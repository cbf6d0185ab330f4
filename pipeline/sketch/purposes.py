"""What a fixed text is for, as an analyst would read it: phrases by purpose, and how to find them among words.

    harvest   reasoning, grading, continuation, jailbreak, synthesis (asks for training material or for prompts), scaffold
              (the wrappers of public instruction-tuning recipes)
    service   grounding (answer from this context), tools (an agent's loop), product (how a product is to behave)

Only the fixed words of a template are held against it, never anybody's own text. The lists come from what is published:
chain-of-thought triggers, Alpaca, Evol-Instruct, Self-Instruct, Orca, LLM-as-a-judge and retrieval or agent frameworks.
Any list misses what nobody has published yet; how the words lean (harvest_words.py) is there for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import nan
from typing import Final

from pipeline.model.sighting import Flag
from pipeline.sketch.cues import CUES
from pipeline.sketch.harvest_words import lean
from pipeline.sketch.scheme import SketchParameters
from pipeline.sketch.sketcher import Sketcher


class Purpose(StrEnum):
    """What a phrase in a template is there for."""

    REASONING = "reasoning"
    GRADING = "grading"
    CONTINUATION = "continuation"
    JAILBREAK = "jailbreak"
    SYNTHESIS = "synthesis"
    SCAFFOLD = "scaffold"
    GROUNDING = "grounding"
    TOOLS = "tools"
    PRODUCT = "product"


SERVICE: Final = frozenset((Purpose.GROUNDING, Purpose.TOOLS, Purpose.PRODUCT))

PHRASES: Final[Mapping[Purpose, tuple[str, ...]]] = {
    Purpose.REASONING: (
        *CUES[Flag.CUE_STEPS],
        *CUES[Flag.CUE_REASON],
        "explain why",
        "explain how you arrive",
        "derivation",
        "justification",
        "no step",
        "skipping steps",
        "reasoning trace",
        "reasoning and answer",
        "reasoning, answer",
        "internal reasoning",
        "before the final answer",
        "before answering",
        "before you answer",
        "before giving the answer",
        "state the answer",
        "final answer",
        "into steps",
        "intermediate",
        "<answer>",
        "think carefully",
        "backtrack",
        "solution process",
        "解题过程",
        "详细步骤",
        "一步步",
        "razonamiento",
        "raisonnement",
        "begründung",
        "рассуждени",
    ),
    Purpose.GRADING: (
        *CUES[Flag.CUE_GRADE],
        "score each",
        "rate each",
        "justify each score",
        "reference answer",
        "assistant a",
        "assistant b",
        "which of the two responses",
        "evaluate the quality",
        "correctness, completeness",
        "helpfulness",
        "harmlessness",
        "preference",
    ),
    Purpose.CONTINUATION: CUES[Flag.CUE_CONTINUE],
    Purpose.JAILBREAK: (
        *CUES[Flag.CUE_JAILBREAK],
        "ignore all the instructions",
        "from now on you are going to act",
        "you are going to act as",
        "pretend to be",
        "break character",
        "out of character",
        "no rules",
        "any rules",
        "no limits",
        "no limitations",
        "without limitations",
        "no ethical",
        "ethical guidelines",
        "moral guidelines",
        "ethical or moral",
        "ethics or morals",
        "morals or ethics",
        "content policy",
        "content policies",
        "openai policy",
        "openai's policy",
        "openai policies",
        "usage policies",
        "no matter how",
        "illegal",
        "unethical",
        "immoral",
        "amoral",
        "machiavellian",
        "not bound by",
        "freed from",
        "broken free",
        "cannot refuse",
        "can't refuse",
        "refuse",
        "as an ai language model",
        "i'm sorry, but i cannot",
        "dan",
        "evil",
    ),
    Purpose.SYNTHESIS: (
        "given prompt",
        "rewritten prompt",
        "created prompt",
        "new prompt",
        "rewrite the given",
        "rewrite the prompt",
        "rewrite this prompt",
        "prompt rewriter",
        "prompt creator",
        "more complex version",
        "more difficult version",
        "training material",
        "training data",
        "training example",
        "training examples",
        "training set",
        "fine-tuning",
        "fine-tune",
        "finetune",
        "finetuning",
        "student model",
        "teacher model",
        "help train",
        "synthetic",
        "seed task",
        "seed tasks",
        "set of diverse",
        "diverse task",
        "new instruction",
        "new instructions",
        "generate prompts",
        "generate instructions",
        "generate questions",
        "example prompt",
        "example prompts",
        "example tasks",
        "example questions",
        "more prompts",
        "similar examples",
        "new examples",
        "prompt response pair",
        "prompt response pairs",
        "prompt/response pair",
        "instruction-response pairs",
        "question-answer pairs",
        "question answer pairs",
        "batch_size",
        "input_count",
        "for a large language model",
        "random code snippet",
        "指令微调",
        "训练数据",
        "新的指令",
    ),
    Purpose.SCAFFOLD: (
        "below is an instruction that describes a task",
        "write a response that appropriately completes the request",
        "### instruction",
        "### input",
        "### response",
        "### requirements",
        "### human",
        "### assistant",
        "### user",
        "<|im_start|>",
        "<|user|>",
        "<|assistant|>",
        "[inst]",
        "user will give you a task",
        "complete the task as faithfully as you can",
        "#instruction#",
        "#response#",
    ),
    Purpose.GROUNDING: (
        "pieces of context",
        "context to answer",
        "following context",
        "provided context",
        "given context",
        "context below",
        "based on the context",
        "don't know the answer",
        "do not know the answer",
        "make up an answer",
        "say that you don't know",
        "say you don't know",
        "not in the context",
        "only the information",
        "helpful answer",
        "retrieved",
        "cite the",
        "cite your sources",
        "knowledge base",
        "search results",
        "customer message",
        "customer support",
        "standalone question",
        "chat history",
        "conversation history",
    ),
    Purpose.TOOLS: (
        "access to tools",
        "access to the following tools",
        "available tools",
        "call one tool",
        "tool call",
        "tool calls",
        "function call",
        "function calls",
        "observation:",
        "action input",
        "working directory",
        "run commands",
        "browse the web",
    ),
    Purpose.PRODUCT: (
        "identity and purpose",
        "# identity",
        "output instructions",
        "output sections",
        "output format",
        "only output",
        "output only",
        "warnings or notes",
        "do not give warnings",
        "your tone",
        "brand voice",
        "target audience",
        "the user's",
        "our company",
        "our customers",
        "our product",
        "you are a helpful assistant for",
        "you are an assistant for",
        "ensure you follow all these instructions",
    ),
}


SOLVING: Final = frozenset(
    """
    answer answers answering solution solutions solve solving result results problem problems exercise exercises question
    questions task tasks instruction instructions request response responses respond reply prompt prompts step steps reason
    reasons reasoning rationale think thinking thought thoughts explain explanation explanations explaining justify
    justification derive derivation prove proof argument logic logical deduce infer inference conclude conclusion method
    methods approach verify check checking intermediate detail details detailed thorough carefully complete completely final
    correct correctness score grade rate evaluate judge rubric critique assess example examples rewrite rephrase
    work working show write principle principles decision decisions mistake mistakes assumption assumptions
    """.split()
)
"""How to answer, whatever the question: the words of a text that is about answering and not about a subject."""
STOP: Final = frozenset(
    """
    a an the this that these those of to in on at by for from with without as and or but not no is are be been was were will
    would can could should shall may might must do does did done have has had it its i me my we our us you your yours he she
    they them their his her who whom whose which what when where why how there here then than so if else also too very just
    only all any each every both some such own other another more most less least one two first second last into onto over
    under about after before between through during below above up down out off again once please
    """.split()
)
"""Words that say nothing of a subject."""
CONTENT_MIN: Final = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a fixed text: how many words it has, how many of them stand in phrases of a harvest purpose, how
    many different phrases of each purpose there are, and what share of the words that mean something is about answering
    (0 where there are too few of them)."""

    words: int
    harvest_words: int
    phrases: Mapping[Purpose, int]
    solving: float = 0.0
    lean: float = nan

    @property
    def harvest(self) -> int:
        """Different phrases of a harvest purpose."""
        return sum(count for purpose, count in self.phrases.items() if purpose not in SERVICE)

    @property
    def service(self) -> int:
        """Different phrases of a service purpose."""
        return sum(count for purpose, count in self.phrases.items() if purpose in SERVICE)


def read(words: Sequence[str], fixed: Sequence[bool]) -> Reading:
    """Read the fixed ones among these normalised words. A phrase counts where all of its words are fixed."""
    covered = [False] * len(words)
    found: dict[Purpose, set[tuple[str, ...]]] = {}
    for start, phrase, purpose in phrases_in(words, fixed):
        found.setdefault(purpose, set()).add(phrase)
        if purpose not in SERVICE:
            covered[start : start + len(phrase)] = [True] * len(phrase)
    phrases = {purpose: len(found[purpose]) for purpose in Purpose if purpose in found}
    content = [
        word for word, is_fixed in zip(words, fixed, strict=True) if is_fixed and word.isalpha() and word not in STOP
    ]
    solving = sum(word in SOLVING for word in content) / len(content) if len(content) >= CONTENT_MIN else 0.0
    told = (word for word, is_fixed in zip(words, fixed, strict=True) if is_fixed)
    return Reading(sum(fixed), sum(covered), phrases, solving, lean(told))


def phrases_in(words: Sequence[str], fixed: Sequence[bool]) -> Iterator[tuple[int, tuple[str, ...], Purpose]]:
    """Every phrase of a list all of whose words are fixed, and where it begins; in the order of the text."""
    table = _table()
    for start, word in enumerate(words):
        if not fixed[start]:
            continue
        for phrase, purpose in table.get(word, ()):
            end = start + len(phrase)
            if tuple(words[start:end]) == phrase and all(fixed[start:end]):
                yield start, phrase, purpose


@lru_cache(maxsize=1)
def _table() -> dict[str, list[tuple[tuple[str, ...], Purpose]]]:
    """Phrases by their first word, normalised as prompts are; the key of the hashes does not matter for words."""
    sketcher = Sketcher(SketchParameters(key_hex="00" * 16))
    table: dict[str, list[tuple[tuple[str, ...], Purpose]]] = {}
    for purpose, phrases in PHRASES.items():
        for phrase in phrases:
            words = tuple(sketcher.tokens(phrase).words[1:-1])
            table.setdefault(words[0], []).append((words, purpose))
    return table

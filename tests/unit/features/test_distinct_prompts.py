"""The bitmap's estimate against counts that are known."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.features.base import measure
from pipeline.features.distinct_prompts import DistinctPrompts
from pipeline.model.sighting import Flag


def hashes(number: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.random.default_rng(seed).integers(0, 1 << 64, number, dtype=np.uint64)


def test_one_prompt_sent_often_is_one() -> None:
    assert round(measure(DistinctPrompts(), prompt=[12345] * 1000)) == 1


def test_two_set_bits_of_256_give_the_linear_count() -> None:
    # 256 * ln(256 / 254)
    assert measure(DistinctPrompts(), prompt=[0, 1, 1]) == pytest.approx(2.0079, abs=1e-4)


def test_the_sampled_sixteenth_is_counted_beside_the_rest() -> None:
    # 256 * ln(256 / 255) + 128 * ln(128 / 127)
    assert measure(DistinctPrompts(), prompt=[0, 0xF << 60]) == pytest.approx(1.0020 + 1.0039, abs=1e-4)


@pytest.mark.parametrize(("number", "error"), [(20, 0.05), (400, 0.06), (1000, 0.1), (3000, 0.15), (8000, 0.2)])
def test_the_standard_error_is_as_documented(number: int, error: float) -> None:
    estimates = [measure(DistinctPrompts(), prompt=hashes(number, seed)) for seed in range(60)]

    assert np.sqrt(np.mean((np.array(estimates) / number - 1) ** 2)) < error


def test_beyond_its_end_it_stays_there() -> None:
    assert measure(DistinctPrompts(), prompt=hashes(100_000, 1)) == pytest.approx(9937, abs=1)


def test_a_request_without_visible_content_is_left_out() -> None:
    assert measure(DistinctPrompts(), prompt=[5, 6], flags=[Flag.INVISIBLE, Flag.INVISIBLE | Flag.ORG]) == 0

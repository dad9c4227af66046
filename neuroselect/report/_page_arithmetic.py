"""The page on two arithmetic tasks, by every estimator of importance."""

from __future__ import annotations

from neuroselect.report._arithmetic_words import CONDITION, claim_sentence
from neuroselect.report._content import Column, Page, Table
from neuroselect.report._sections_arithmetic import (
    conclusions_section,
    learning_section,
    learning_table,
)
from neuroselect.report._sections_arithmetic_units import lesion_section, unit_sections
from neuroselect.report._words import listed
from neuroselect.studies import ArithmeticResult
from neuroselect.studies._conclusions import CLAIMS


def findings(result: ArithmeticResult) -> list[str]:
    """The main numbers, one sentence each."""
    table = learning_table(result)
    counts = listed(f"{row.n_learned} ({row.condition})" for row in table.itertuples())
    trained = result.measures["network"].nunique()
    return [
        f"Of {trained} networks in each experiment these learned both tasks: {counts}; the others"
        " are left out.",
        *(claim_sentence(claim, result.conclusions, short=True) for claim in CLAIMS),
    ]


def networks_table(result: ArithmeticResult) -> Table:
    """All networks, one row each."""
    columns = [
        CONDITION,
        Column("network", "network", "d"),
        Column("seed", "random_state", "d"),
        Column("seed of the data", "data_state", "d"),
        Column("error, first task", "error_first", ".4f"),
        Column("error, second task", "error_second", ".4f"),
        Column("dead output", "dead_output"),
        Column("learned", "has_learned"),
    ]
    words = {True: "yes", False: "no"}
    frame = result.measures.assign(
        dead_output=result.measures["dead"].map(words),
        has_learned=result.measures["learned"].map(words),
    )
    return Table("networks", "All networks, one row each.", columns, frame, folded=True)


def size(result: ArithmeticResult) -> str:
    """Say how many networks there are."""
    return f"few networks ({result.measures['network'].nunique()} in each experiment)"


PAGE = Page(
    findings=findings,
    sections=(conclusions_section, learning_section, *unit_sections(), lesion_section),
    networks=networks_table,
    size=size,
    varied=("hidden_layer_sizes", "context_layer", "max_iter", "curriculum", "random_state"),
)

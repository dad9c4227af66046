"""The page on two rules, blocked or interleaved, in networks and people."""

from __future__ import annotations

from neuroselect.report._content import Column, Page, Table
from neuroselect.report._digit_words import summarize_kinds
from neuroselect.report._sections_continual import (
    CONDITION,
    HEADERS,
    choices_section,
    fit_section,
    fit_sentence,
    groups_section,
    human_sentences,
    learning_section,
    units_section,
)
from neuroselect.report._words import listed, number, with_interval
from neuroselect.studies import ContinualResult
from neuroselect.studies._continual_measures import CHOICES, distances


def findings(result: ContinualResult) -> list[str]:
    """The main numbers, one sentence each."""
    first, second = result.trials.task_names
    sentences = [_forgetting(result, first, second), _interleaved(result, first, second)]
    sentences += [_boundaries(result, curriculum) for curriculum in ("blocked", "interleaved")]
    sentences += human_sentences(result)
    near = distances(result)
    for group in dict.fromkeys(near["group"]):
        own = near[near["group"] == group].sort_values("distance")
        best, worst = own.iloc[0], own.iloc[-1]
        sentences.append(
            f"The mean choices of people after {group} training are closest to those of"
            f" {best['condition']} networks (root mean square difference"
            f" {number(best['distance'], '.2f')}) and farthest from {worst['condition']} ones"
            f" ({number(worst['distance'], '.2f')})."
        )
    return sentences + [told for told in (fit_sentence(result),) if told]


def _rows(result, columns, curriculum):
    frame = result.measures[result.measures["curriculum"] == curriculum]
    return summarize_kinds(frame.assign(condition=frame["kind"]), columns).to_dict("records")


def _forgetting(result, first, second):
    lost, left = f"forgotten_{first}", f"as_{second}_{first}"
    rows = _rows(result, [lost, f"accuracy_{first}", left], "blocked")
    told = listed(
        f"{with_interval(row[lost], row[f'{lost}_ci95'], '.2f')} ({row['condition']})"
        for row in rows
    )
    worst = max(rows, key=lambda row: row[lost])
    return (
        f"Accuracy on the first rule that is lost while the second is learned: {told}. Most is lost"
        f" by {worst['condition']} networks, down to {number(worst[f'accuracy_{first}'], '.2f')};"
        f" following the second rule alone would leave {number(worst[left], '.2f')}."
    )


def _interleaved(result, first, second):
    columns = [f"accuracy_{first}", f"accuracy_{second}"]
    told = listed(
        f"{number(row[columns[0]], '.2f')} and {number(row[columns[1]], '.2f')}"
        f" ({row['condition']})"
        for row in _rows(result, columns, "interleaved")
    )
    return f"Interleaved, accuracy on the first and the second rule at the end: {told}."


def _boundaries(result, curriculum):
    told = listed(
        f"{number(row['beta_factorised'], '.2f')} against {number(row['beta_linear'], '.2f')}"
        f" ({row['condition']})"
        for row in _rows(result, ["beta_factorised", "beta_linear"], curriculum)
    )
    return (
        f"After {curriculum} training, how far choices are those of two boundaries, one for each"
        f" rule, against those of one diagonal boundary (factorised and linear β): {told}."
    )


def networks_table(result: ContinualResult) -> Table:
    """All networks, one row each."""
    first, second = result.trials.task_names
    columns = [
        CONDITION,
        Column("network", "network", "d"),
        Column("seed", "random_state", "d"),
        Column("passes", "passes", "d"),
        Column(f"task {first} at the end", f"accuracy_{first}", ".3f"),
        Column(f"task {second} at the end", f"accuracy_{second}", ".3f"),
        Column(f"lost of task {first}", f"forgotten_{first}", ".3f"),
        *(Column(HEADERS[name], name, ".3f") for name in CHOICES),
        Column("units of one task", "units_specific", "d"),
        Column("context weights, r", "context_correlation", ".3f"),
    ]
    return Table("networks", "All networks, one row each.", columns, result.measures, folded=True)


def size(result: ContinualResult) -> str:
    """Say how many networks made how many passes."""
    frame = result.measures
    return (
        f"few networks ({frame['network'].nunique()} in each condition) and few passes"
        f" ({frame['passes'].min()} over both tasks)"
    )


PAGE = Page(
    findings=findings,
    sections=(learning_section, choices_section, groups_section, fit_section, units_section),
    networks=networks_table,
    size=size,
    varied=(
        "gating", "curriculum", "max_iter", "context_scale", "learning_rate_init", "center_inputs",
        "sluggishness", "record_every", "random_state",
    ),
)  # fmt: skip

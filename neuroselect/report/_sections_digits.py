"""Sections on digit tasks: what is learned, and what of it is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuroselect.displays import PhaseDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._digit_words import (
    CONDITION,
    OVER,
    conditions_of,
    mean_column,
    n_networks,
    slug,
    summarize_kinds,
    task_names,
    told,
)
from neuroselect.report._words import listed, number, summarize
from neuroselect.studies import DigitsResult

if TYPE_CHECKING:
    import pandas as pd

CHANCE = 0.5
MEASURES = ("learned", "accuracy", "forgotten", "swayed")


def accuracy_section(result: DigitsResult) -> Section:
    """Accuracy on every task after each phase of training."""
    names, frame = task_names(result), result.phases
    accuracies = [f"accuracy_{name}" for name in names]
    summary = summarize(frame, accuracies, ["condition", "phase", "passes"], sort=False)
    summary["after"] = [
        _phase_names(row.condition, names)[row.phase - 1] for row in summary.itertuples()
    ]
    columns = [
        CONDITION,
        Column("after", "after"),
        Column("passes", "passes", "d"),
        *(mean_column(name, f"accuracy_{name}", ".3f") for name in names),
    ]
    caption = f"Accuracy on the test images after each phase. {OVER} ({n_networks(result)})."
    tables = [
        _tasks_table(result),
        _conditions_table(result),
        Table("phases", caption, columns, summary),
    ]
    trials, images = result.trials, result.trials.conditions["image"]
    rows, width = trials.image_shape
    text = [
        f"{images[trials.train].nunique()} images of {rows} x {width} pixels for training"
        f" ({trials.train.sum()} trials), {images[trials.test].nunique()} others for the test"
        f" ({trials.test.sum()} trials). The same split for all networks: the intervals are over"
        " initial weights and the order of trials, not over images.",
        "In sequential training phase k is that of task k. Interleaved training has no such"
        " phases; it is measured after each quarter of its passes, when it has made as many as"
        " the sequential one, all tasks taken together. The score after a phase is that of a"
        " network which ends there: from the same seed, training is the same up to that pass.",
        _parity_text(result),
    ]
    return Section(
        "accuracy",
        "Accuracy after each phase",
        text,
        figures=[_phase_figure(result, condition) for condition in conditions_of(frame)],
        tables=tables,
    )


def _parity_text(result):
    """What tasks that share their outputs can do to each other."""
    names = task_names(result)
    shares = _tasks_frame(result)["by_parity"]
    told = [f"{number(s, '.2f')} ({n})" for n, s in zip(names, shares, strict=True)]
    return (
        "All tasks answer with the same two outputs. A network that tells even from odd in every"
        " trial, whatever the cue, is right in a share of the trials of"
        f" {listed(told)}: where the last task takes over, earlier ones end there, which may be"
        f" above or below the {CHANCE:g} of guessing."
    )


def _tasks_frame(result):
    import pandas as pd

    trials, conditions = result.trials, result.trials.conditions
    parity = conditions["digit"].to_numpy() % 2
    rows = []
    for k, name in enumerate(task_names(result)):
        own = conditions["task"].to_numpy() == k
        test = own & trials.test
        target = trials.target[test]
        digits = {
            label: np.unique(conditions["digit"][own & (trials.target == label)])
            for label in (0, 1)
        }
        rows.append(
            {"task": name}
            | {f"class_{c}": ", ".join(map(str, values)) for c, values in digits.items()}
            | {"train": int((own & trials.train).sum()), "test": int(test.sum())}
            | {"majority": np.bincount(target).max() / len(target)}
            | {"by_parity": float((target == parity[test]).mean())}
        )
    return pd.DataFrame(rows)


def _tasks_table(result):
    columns = [
        Column("task", "task"),
        Column("class 0", "class_0"),
        Column("class 1", "class_1"),
        Column("training trials", "train", "d"),
        Column("test trials", "test", "d"),
        Column("largest class", "majority", ".3f"),
        Column("answered by parity", "by_parity", ".3f"),
    ]
    caption = (
        "The tasks: digits of each class, numbers of trials, and the share of test trials that are"
        " right if the more frequent class is always answered, or even and odd in place of the"
        " task's classes."
    )
    return Table("tasks", caption, columns, _tasks_frame(result))


def _conditions_table(result):
    import pandas as pd

    first = result.measures["network"] == 0
    rows = [
        {
            "condition": condition,
            "curriculum": str(network.curriculum),
            "consolidation": str(network.consolidation),
            "passes": network.max_iter,
        }
        for condition, network in zip(
            result.measures["condition"][first],
            np.array(result.networks, dtype=object)[first],
            strict=True,
        )
    ]
    columns = [
        CONDITION,
        Column("curriculum", "curriculum"),
        Column("consolidation", "consolidation"),
        Column("passes in all", "passes", "d"),
    ]
    caption = "The kinds of training; a pass of a curriculum with blocks is over one task."
    return Table("training", caption, columns, pd.DataFrame(rows))


def _phase_figure(result, condition):
    names = task_names(result)
    own = None if condition == "interleaved" else range(len(names))
    display = PhaseDisplay.from_frame(
        result.phases[result.phases["condition"] == condition],
        [f"accuracy_{name}" for name in names],
        phase_names=_phase_names(condition, names),
        task_names=names,
        own_phase=own,
        chance=CHANCE,
        ylabel="accuracy, test images",
        xlabel="share of the passes made" if own is None else "after training on",
    )
    rings = "" if own is None else " Rings: the task's own phase."
    return Figure(
        display=display,
        name=f"phases-{slug(condition)}",
        title=condition[0].upper() + condition[1:],
        alt=f"Test accuracy on each of the tasks after each phase, training: {condition}.",
        caption=(
            "Faint points: networks; lines and bars: mean and 95% t interval"
            f" ({n_networks(result)}); dashed: guessing.{rings}"
        ),
        size=(5.2, 3.3),
    )


def _phase_names(condition, names):
    if condition == "interleaved":
        return [f"{(k + 1) / len(names):.0%}" for k in range(len(names))]
    return names


def gains(result: DigitsResult) -> pd.DataFrame:
    """Compare consolidation with none: difference in final accuracy, network by network.

    One row per condition with consolidation; `gain_<task>` and `gain_<task>_ci95`.
    """
    names, frame = task_names(result), result.measures
    columns = [f"accuracy_{name}" for name in names]
    plain = frame[frame["condition"] == "sequential"].set_index("network")[columns]
    others = frame[~frame["condition"].isin(["interleaved", "sequential"])].copy()
    others[[f"gain_{n}" for n in names]] = (
        others[columns].to_numpy() - plain.loc[others["network"]].to_numpy()
    )
    return summarize_kinds(others, [f"gain_{name}" for name in names])


def forgetting_section(result: DigitsResult) -> Section:
    """What later tasks cost earlier ones, and what consolidation saves."""
    names = task_names(result)
    wide = summarize_kinds(result.measures, [f"{m}_{n}" for m in MEASURES for n in names])
    lost = wide.set_index("condition").to_dict("index")
    earlier = names[:-1]
    text = [
        "Forgetting is the accuracy on a task right after its own phase minus that after the last"
        f" one. Sequential training forgets {told(lost['sequential'], 'forgotten', earlier)};"
        f" with EWC, {told(lost['EWC'], 'forgotten', earlier)}.",
        "Holding back weights can also keep later tasks from being learned: right after its own"
        f" phase, accuracy with EWC is {told(lost['EWC'], 'learned', names)}, without it"
        f" {told(lost['sequential'], 'learned', names)}. A task whose accuracy is that of answering"
        " by parity, then and at the end, was not kept: it was never learned.",
        "Whether a network still minds which task is on shows in a second test: the cue of each"
        f" trial is replaced by that of the last task, {names[-1]}. Where no answer changes,"
        " it does the same whatever it is asked.",
    ]
    tables = [
        Table(
            "gain",
            "Accuracy at the end with consolidation minus without, of networks with the same"
            f" initial weights, in pairs. {OVER}.",
            [CONDITION, *(mean_column(n, f"gain_{n}", "+.3f") for n in names)],
            gains(result),
        ),
        Table(
            "retention",
            "Accuracy after the task's own phase and at the end, how much was lost in between, and"
            " the share of the answers that change, at the end, when the cue is replaced by that"
            f" of {names[-1]}; all on the test images. {OVER}. The last column is the accuracy of"
            " answering by parity in every task, as above.",
            [
                CONDITION,
                Column("task", "task"),
                mean_column("after its own phase", "learned", ".3f"),
                mean_column("at the end", "accuracy", ".3f"),
                mean_column("lost", "forgotten", ".3f"),
                mean_column("answers swayed by the cue", "swayed", ".3f"),
                Column("answered by parity", "by_parity", ".3f"),
            ],
            _one_row_per_task(wide, names).merge(_tasks_frame(result)[["task", "by_parity"]]),
        ),
    ]
    return Section("forgetting", "What is forgotten, and what EWC keeps", text, tables=tables)


def _one_row_per_task(wide, names):
    import pandas as pd

    rows = []
    for row in wide.to_dict("records"):
        for name in names:
            measures = {
                f"{m}{end}": row[f"{m}_{name}{end}"] for m in MEASURES for end in ("", "_ci95")
            }
            rows.append({"condition": row["condition"], "task": name} | measures)
    return pd.DataFrame(rows)

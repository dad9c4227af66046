"""Sections that only a report with a recording has."""

from __future__ import annotations

from neuroselect.displays import SelectivityDisplay, SweepDisplay
from neuroselect.report._content import Column, Figure, Section, Table
from neuroselect.report._sections_units import POINTS, XLABEL
from neuroselect.report._words import listed, number
from neuroselect.studies import StudyResult


def recorded_units_section(result: StudyResult) -> Section | None:
    """Classes of recorded units, and lesions of a decoder of them."""
    if result.recording is None:
        return None
    units, recording = result.recorded_units, result.recording
    figures, tables = [], []
    if units.classes is None:
        text = [
            f"The responses of {recording.name} are below 0 in places, so that they are no"
            " rates: classes by activity (silent, active in one task, active in both) say nothing"
            " about them, and are left out."
        ]
    else:
        text = [_class_sentence(units.classes, recording)]
        tables.append(_class_table(units.classes, recording))
    if units.tuning is not None:
        text.append(TUNING_TEXT.format(*recording.features))
        tables.append(_tuning_table(units.tuning, recording))
    elif recording.trials is not None:
        text.append("There are too few trials or conditions for linear models of single units.")
    if units.decoder is None:
        text.append(f"There is no decoder of recorded units to lesion, because {units.why_not}.")
    else:
        text += _decoder_sentences(units.decoder, recording)
        figures.append(_decoder_figure(units.decoder, recording))
        tables.append(_decoder_table(units.decoder, recording))
    title = f"Recorded units, {recording.name}"
    return Section("recorded-units", title, text, figures=figures, tables=tables)


def _class_sentence(classes, recording):
    strict = classes.iloc[0]
    n_units = recording.data.shape[1]
    return (
        "Firing rates are not rectified activity: a recorded unit is hardly ever silent over a"
        " whole task. The rule for hidden units (active above 0) calls"
        f" {strict['mixed']:.0f} of {n_units} recorded units mixed, whatever they respond to. The"
        " table raises the threshold to shares of the mean response over all units and"
        " conditions; a count that depends on the threshold is one of rates, not of selectivity."
    )


TUNING_TEXT = (
    "What units respond to is asked by a linear model per unit over its own trials: the task, {0},"
    " {1} and their interactions of two, each level with an effect of its own; F tests, false"
    " discovery rate of 5% over all units and terms. One main effect makes a unit pure, several"
    " linear mixed, an interaction nonlinear mixed. A unit without a significant effect is called"
    " untuned, which few trials make likely."
)


def _tuning_table(tuning, recording):
    columns = [
        Column("class", "class"),
        Column("units", "units", "d"),
        Column("share", "share", ".3f"),
    ]
    caption = f"Recorded units by what they respond to, of {recording.data.shape[1]}."
    return Table("recorded-tuning", caption, columns, tuning)


def _class_table(classes, recording):
    names = recording.task_names
    columns = [
        Column("threshold, share of the mean", "share", ".1f"),
        Column("threshold", "threshold", ".3g"),
        Column("silent", "silent", "d"),
        Column(f"only task {names[0]}", "first_task", "d"),
        Column(f"only task {names[1]}", "second_task", "d"),
        Column("mixed", "mixed", "d"),
    ]
    caption = (
        f"Recorded units by the tasks in which their mean response ({recording.unit}) is above a"
        f" threshold, of {recording.data.shape[1]}."
    )
    return Table("recorded-classes", caption, columns, classes)


def _decoder_sentences(decoder, recording):
    scores = listed([f"{number(r2, '.2f')} (task {name})" for name, r2 in decoder.r2.items()])
    labels = decoder.units["label"]
    own = [f"{int((labels == name).sum())} belong to task {name}" for name in recording.task_names]
    poor = min(decoder.r2.values()) < 0.1
    doubt = " Where R² is near 0 its lesions mean nothing." if poor else ""
    yield (
        "A linear decoder (ridge regression of the relevant factor on the z-scored units, with"
        f" weights of its own for each task; {decoder.n_trials:,} trials) explains, in"
        f" five-fold cross-validation, R² {scores}.{doubt}"
    )
    yield (
        "Each unit is then lesioned: its input to the decoder, fitted to all trials, is set to its"
        " mean. Importance for a task is the mean squared change of the loss over its trials;"
        f" values below {decoder.threshold:g} of the mean over units count as 0, and a unit belongs"
        f" to one task if its relative importance is beyond ±{decoder.cutoff:g}. Of the units,"
        f" {own[0]} only, {own[1]} only, {int((labels == 'mixed').sum())} are mixed, and"
        f" {int((labels == 'silent').sum())} of {len(labels)} matter to neither. Weights of a"
        " decoder are shared among correlated units: a lesion tells what this decoder uses, not"
        " what a unit is tuned to."
    )


def _decoder_figure(decoder, recording):
    pair = recording.task_names
    return Figure(
        display=SelectivityDisplay.from_arrays(
            decoder.units["relative_importance"], task_pair=pair
        ),
        name="recorded-importance",
        title="Lesions of a decoder of recorded units",
        alt="Histogram of the relative importance of recorded units to a decoder of two tasks.",
        caption=f"Tasks {pair[0]} and {pair[1]}; {len(decoder.units)} recorded units.",
        size=(4.4, 3.0),
    )


def _decoder_table(decoder, recording):
    names = recording.task_names
    columns = [
        Column("unit", "recorded_unit"),
        Column("class", "label"),
        *(
            Column(f"importance, task {name}", key, ".3g")
            for name, key in zip(names, ("first_task", "second_task"), strict=True)
        ),
        Column("relative importance", "relative_importance", ".2f"),
    ]
    table = recording.trials.units
    labels = table["name"] if "name" in table.columns else range(len(table))
    frame = decoder.units.assign(recorded_unit=[str(label) for label in labels])
    caption = "Recorded units, one row each: what the decoder loses without them."
    return Table("recorded-units-lesions", caption, columns, frame, folded=True)


def closest_section(result: StudyResult) -> Section | None:
    """Distance between the geometry of the networks and of the recording."""
    if result.recording is None:
        return None
    closest, name = result.closest, result.recording.name
    how = (
        "Networks and recording have equal conditions, so that their RDMs are compared directly:"
        " the distance is 1 − Pearson's correlation over pairs of conditions."
        if closest.equal_designs
        else "Networks and recording have different conditions, so that not their RDMs but the"
        " betas on the models grid, orthogonal and parallel are compared: the distance is"
        " 1 − the cosine of the angle between the two vectors of betas."
    )
    text = [
        f"{how} Distances between patterns are squared first: noise in the mean responses then adds"
        " about the same to every pair of conditions that have equally many trials, and neither a"
        " constant nor the unit of the responses changes the result. 0 is the same geometry up"
        " to these.",
        f"The scale closest to {name} is {closest.scale:g}, with a 95% interval from"
        f" {closest.low:g} to {closest.high:g}: percentiles of the closest scale in"
        f" {closest.n_bootstrap:,} resamples (seed 0) of the recorded units and, within each"
        f" scale, of the networks.{_few(closest)} Trials, conditions and animals are not"
        " resampled, and scales between those trained are not considered.",
    ]
    figure = Figure(
        display=SweepDisplay(
            result.measures["init_scale"],
            {"distance": closest.distances},
            ylabel="1 − correlation" if closest.equal_designs else "1 − cosine of betas",
            xlabel=XLABEL,
        ),
        name="closest",
        title=f"Distance from {name}",
        alt=f"Distance of the geometry of the networks from that of {name} by scale.",
        caption=f"Smaller is more alike. {POINTS}",
        size=(4.4, 3.3),
    )
    columns = [
        Column("scale", "init_scale", "g"),
        Column("networks", "networks", "d"),
        Column("distance", "distance", ".3f", "distance_ci95"),
        Column("closest in share of resamples", "share", ".3f"),
    ]
    caption = (
        f"Distance from {name}, mean ± half the 95% t interval over networks, and the share of"
        " resamples of units and networks in which a scale is closest."
    )
    table = Table("closest", caption, columns, closest.table)
    title = "Which networks are closest"
    return Section("closest-networks", title, text, figures=[figure], tables=[table])


def _few(closest):
    if closest.table["networks"].min() > 1:
        return ""
    return " With one network at a scale, differences between networks are not in the interval."

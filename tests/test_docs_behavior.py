"""The code of docs/behavior.md runs and says what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from neuroselect import behavior
from neuroselect.behavior import (
    ChoiceModel,
    choice_rdm_betas,
    choice_slopes,
    compare_groups,
    congruency_effect,
    fit_choices,
)
from neuroselect.datasets import fetch_flesch2023_choices

PAGE = (Path(__file__).parent.parent / "docs" / "behavior.md").read_text(encoding="utf-8")


def test_the_code_runs(capsys):
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    for code in blocks:
        exec(compile(code, "docs/behavior.md", "exec"), names)
    assert len(blocks) == 4
    assert "(10, 2, 5, 5)" in capsys.readouterr().out
    table = names["table"].set_index("measure")
    assert (table["p_val"][["irrelevant", "congruency", "linear"]] < 0.01).all()
    bias = np.array([model.bias_ for model in names["models"]])
    assert abs(bias[:5].mean()) < 8
    assert bias[5:].mean() > 15
    assert names["selection"].protected_exceedance[0] > 0.9


def test_functions_named_on_the_page_exist():
    for name in re.findall(r"`(\w+)\(?", PAGE):
        if name.startswith(("choice_", "fit_choice", "compare_", "correlate_", "bayesian_")):
            assert name in behavior.__all__, name


def test_the_table_of_the_humans(data_folder):
    groups = fetch_flesch2023_choices(data_home=data_folder, download_if_missing=False)

    def measures(m):
        columns = [choice_slopes(m), congruency_effect(m)[:, None], choice_rdm_betas(m)]
        models = fit_choices(m, 4, ChoiceModel(random_state=0))
        return np.column_stack([*columns, [model.bias_ for model in models]])

    table = compare_groups(measures(groups.blocked), measures(groups.interleaved))
    rows = re.findall(r"^\| [\w ()-]+ \| (-?\d.*) \|$", PAGE, flags=re.MULTILINE)
    shown = np.array([row.split(" | ") for row in rows], dtype=float)
    computed = table[["mean_x", "mean_y", "T", "p_val"]].to_numpy()
    assert shown == pytest.approx(computed, abs=0.011)
    assert len(shown) == 6

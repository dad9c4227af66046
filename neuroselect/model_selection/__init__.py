"""Model selection that trains candidates and folds together."""

from neuroselect.model_selection._batched_grid_search import BatchedGridSearchCV

__all__ = ["BatchedGridSearchCV"]

"""When do units become selective for a task, and when mixed?

Public names load on first use, so that importing the package is cheap; the list
is in ``__init__.pyi``, where type checkers and editors read it too.
"""

import lazy_loader as _lazy

__version__ = "0.1.0.dev0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

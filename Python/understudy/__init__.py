"""Results of Understudy as pandas data frames and NumPy arrays.

>>> study = understudy.load("weak")
>>> study.table("evaluationLoss")

A results folder is read directly: the program need not be installed. ``Docs/Results.md`` of Understudy's repository
describes the folder, and ``Docs/Studies.md`` what each measure is.
"""

from understudy._errors import ResultsError
from understudy._networks import read_network
from understudy._results import Results, load

__all__ = ["Results", "ResultsError", "load", "read_network"]
# The program's.
__version__ = "0.2.0"

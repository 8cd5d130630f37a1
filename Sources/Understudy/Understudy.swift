@_exported import UnderstudyNumerics

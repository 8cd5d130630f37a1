// The library's face: what users of Understudy import with one line.
@_exported import UnderstudyExperiments
@_exported import UnderstudyFigures
@_exported import UnderstudyNetworks
@_exported import UnderstudyNumerics
@_exported import UnderstudyReconstruction
@_exported import UnderstudyRecords
@_exported import UnderstudySchema
@_exported import UnderstudyTheory
@_exported import UnderstudyTraining

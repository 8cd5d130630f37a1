/// A study as declared: a claim, a grid of settings, seeds, what to record and when, which figures to draw and what is expected of the numbers.
public struct Study: Codable, Hashable, Sendable {
  public var name: String
  /// What the study sets out to show, in sentences.
  public var claim: String
  /// Points of the grid, in the order of `Setting`'s properties: the last listed key varies fastest.
  public var settings: [Setting]
  /// Dotted keys that take more than one value in this study, in order, e.g. `teacher.strengthDecay`.
  public var variedKeys: [String]
  public var seeds: [Int]
  public var record: [RecordRule]
  public var figures: [FigureDeclaration]
  public var findings: [FindingDeclaration]

  public init(
    name: String, claim: String = "", settings: [Setting], variedKeys: [String] = [], seeds: [Int],
    record: [RecordRule] = [], figures: [FigureDeclaration] = [], findings: [FindingDeclaration] = []
  ) {
    self.name = name
    self.claim = claim
    self.settings = settings
    self.variedKeys = variedKeys
    self.seeds = seeds
    self.record = record
    self.figures = figures
    self.findings = findings
  }
}

/// Record these measures at these epochs.
public struct RecordRule: Codable, Hashable, Sendable {
  public enum Moments: Codable, Hashable, Sendable {
    /// Epochs 0, n, 2n, ... and the last.
    case every(Int)
    /// These epochs; those past the end of a run fall away.
    case epochs([Int])
    /// After the last step.
    case last
  }
  public var measures: [Measure]
  public var moments: Moments

  public init(measures: [Measure], moments: Moments) {
    self.measures = measures
    self.moments = moments
  }
}

/// One value of a study key, as YAML has it.
public enum KeyValue: Codable, Hashable, Sendable {
  case integer(Int)
  case number(Double)
  case text(String)
  case boolean(Bool)
}

/// A figure: which kind, over which part of the grid.
public struct FigureDeclaration: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Best rho of each student node against its fan-out norm, one dot a node; facets over-realization x strength decay.
    case lShape
    /// Share of seeds that recovered each teacher node; facets strength decay, a line per over-realization and epoch.
    case recoveryRate
    /// Mean and standard deviation over seeds of log10 evaluation loss, per epoch; facets strength decay.
    case evaluationLoss
    /// Boundaries of teacher (solid) and student (dashed) over two-dimensional data, at the recorded epochs.
    case boundaries
  }
  /// File name of the figure, without ending.
  public var name: String
  public var kind: Kind
  public var caption: String
  /// Keep only settings whose keys have one of these values.
  public var selection: [String: [KeyValue]]
  /// Epochs shown, where the kind needs them; empty: the last.
  public var epochs: [Int]

  public init(
    name: String, kind: Kind, caption: String = "", selection: [String: [KeyValue]] = [:], epochs: [Int] = []
  ) {
    self.name = name
    self.kind = kind
    self.caption = caption
    self.selection = selection
    self.epochs = epochs
  }
}

/// Something the study expects of its numbers, checked from the stored results alone.
public struct FindingDeclaration: Codable, Hashable, Sendable {
  public enum Statistic: String, Codable, Hashable, Sendable, CaseIterable {
    /// Mean over runs of the number of teacher nodes with max_k rho_jk > 0.95 on evaluation inputs.
    case recoveredNodes
    /// The same as a share of all teacher nodes, 0...1.
    case recoveredShare
    /// Mean over runs of log10 of the evaluation loss.
    case logEvaluationLoss
    /// Spearman rank correlation of teacher node index with its share of seeds recovered; -1: strong nodes (low index) first.
    case strongFirst
    /// L-shape: median over runs of ||v_k|| of student nodes with best rho > 0.95, divided by that of nodes with best rho < 0.8.
    case armRatio
    /// Share of runs that diverged, 0...1.
    case divergedShare
  }
  public var statement: String
  public var statistic: Statistic
  /// nil: the last epoch of each run.
  public var epoch: Int?
  public var selection: [String: [KeyValue]]
  /// Either bound may be missing.
  public var atLeast: Double?
  public var atMost: Double?

  public init(
    statement: String, statistic: Statistic, epoch: Int? = nil, selection: [String: [KeyValue]] = [:],
    atLeast: Double? = nil, atMost: Double? = nil
  ) {
    self.statement = statement
    self.statistic = statistic
    self.epoch = epoch
    self.selection = selection
    self.atLeast = atLeast
    self.atMost = atMost
  }
}

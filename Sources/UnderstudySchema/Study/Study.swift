/// A study as declared: a claim, a grid of settings, seeds, what to record and when, which figures to draw and what is expected of the numbers.
public struct Study: Hashable, Sendable {
  public var name: String
  /// What the study sets out to show, in sentences.
  public var claim: String
  /// Points of the grid, in the order of `Setting`'s properties: the last listed key varies fastest.
  public var settings: [Setting]
  /// Dotted keys that take more than one value in this study, in order, e.g. `teacher.strengthDecay`.
  public var variedKeys: [String]
  /// Groups of keys whose values go together, one by one: a group is one axis of the grid.
  public var zippedKeys: [[String]] = []
  public var seeds: [Int]
  public var record: [RecordRule]
  public var figures: [FigureDeclaration]
  public var findings: [FindingDeclaration]
  /// Of several studies side by side, the name of the one that each setting is from; empty of one study.
  public package(set) var origins: [String] = []
  /// What the random numbers of its runs follow from.
  public package(set) var randomNumbers = RandomNumbers.bySeed

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

extension Study {
  /// The keys whose values follow from that of a key, because they are zipped with it.
  public func companions(of key: String) -> Set<String> {
    Set(zippedKeys.filter { $0.contains(key) }.joined()).subtracting([key])
  }
}

/// Record these measures at these epochs.
public struct RecordRule: Codable, Hashable, Sendable {
  /// When measures are recorded.
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

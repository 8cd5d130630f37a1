/// What is wrong with a study file, where, and what to do about it.
public struct StudyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, for programs.
  public enum Kind: Hashable, Sendable {
    case unreadableFile, syntax, unknownKey, unusedKey, duplicateKey, missingKey, wrongType, outOfRange, emptyList
    case duplicateValue, contradiction, unknownScale, unknownName, emptySelection, missingFile, notAGrid
  }
  public var kind: Kind
  /// The study file's path as it was given, or the `--set` argument.
  public var origin: String
  /// From 1; nil where no line can be told.
  public var line: Int?
  /// The dotted key, e.g. `training.learningRate`; nil if the trouble is not about one key.
  public var key: String?
  /// What was found.
  public var problem: String
  public var remedy: String

  public init(
    _ kind: Kind, origin: String, line: Int? = nil, key: String? = nil, problem: String, remedy: String
  ) {
    self.kind = kind
    self.origin = origin
    self.line = line
    self.key = key
    self.problem = problem
    self.remedy = remedy
  }

  /// `two-layer.yaml:12: training.learningRate: expected a number, found "fast"; give a number greater than 0, e.g. 0.01`
  public var description: String {
    let place = line.map { "\(origin):\($0)" } ?? origin
    return "\(place): \(key.map { "\($0): " } ?? "")\(problem); \(remedy)"
  }
}

/// The eps of the bands around boundaries, above 0.
public enum BandWidth: Sendable, Hashable, ExpressibleByFloatLiteral {
  /// In units of the input.
  case length(Double)
  /// As a share of the inputs' spread, ``inputSpread(of:)``: the same band whatever the inputs' unit.
  case share(Double)

  /// 0.1 for inputs of the paper's deviation, 1.5.
  public static let standard = BandWidth.share(1 / 15)

  public init(floatLiteral value: Double) { self = .length(value) }

  /// In units of the input; at least the smallest number that has all its digits, whose reciprocal is a number, too: subnormal
  /// inputs have a spread of which no share may be left.
  public func length(spread: Double) -> Double {
    switch self {
    case .length(let length): max(length, .leastNormalMagnitude)
    case .share(let share): max(share * spread, .leastNormalMagnitude)
    }
  }
}

/// What an audit may be told.
public struct AuditOptions: Sendable, Hashable {
  /// The eps of the bands around boundaries, which is also the step of the augmentations; at least one, in any order. Each
  /// costs a pass over both augmented sets.
  public var bands: [BandWidth]
  /// The largest change of an output over the inputs that merging and removing units may cause; nil: what the student's own
  /// error allows, see ``merge(_:over:targets:allowedChange:)``.
  public var allowedChange: Double?
  /// What may be left out because it would take long.
  public var effort: AuditEffort

  public init(
    bands: [BandWidth] = [.standard], allowedChange: Double? = nil, effort: AuditEffort = .minute
  ) {
    precondition(!bands.isEmpty && bands.allSatisfy { $0.length(spread: 1) > 0 })
    self.bands = bands
    self.allowedChange = allowedChange
    self.effort = effort
  }
}

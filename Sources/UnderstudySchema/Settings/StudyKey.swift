/// A key of a study file that sets one property of `Setting`: its form, range, default, meaning, and when it has no effect.
///
/// `StudyKey.all` is the only place that lists keys: reading, checking, writing, hashing and documentation follow it.
public struct StudyKey: Sendable {
  /// What values the key takes.
  public enum Form: Hashable, Sendable {
    case integer(ClosedRange<Int>)
    case number(NumberRange)
    case boolean
    case choice([String])
    /// A path, relative to the study file's folder.
    case file
    /// Nodes of each hidden layer, `50-75-100-125`.
    case widths
    /// Learning rates by epoch, `0: 0.2, 20: 0.1`.
    case schedule
    /// Hidden layers over images, `conv 64, conv 64 max 2, dense 100`.
    case layers
    /// Shares of the nodes of each hidden layer, `0.3-0.5-0.5-0.7`.
    case shares
    /// Means and deviations of channels, `0.5/0.5`, or `raw`.
    case normalization
    /// One factor for all hidden layers, `2`, or one for each, `2-1-1`.
    case factors
    /// The name of an image set, or its folder, relative to the study file's folder.
    case images

    /// Whether values are found on disk, and named by their content.
    package var isFile: Bool { self == .file || self == .images }
  }

  /// Dotted path, e.g. `training.learningRate`.
  public let path: String
  public let form: Form
  /// nil: not set (files).
  public let defaultValue: KeyValue?
  /// One or two sentences for a researcher.
  public let explanation: String

  /// The key's value in a setting; a file's path; nil for no file.
  package let read: @Sendable (Setting) -> KeyValue?
  /// Sets a value that has been checked against `form`; the file is given for keys of form `file` only.
  package let write: @Sendable (inout Setting, KeyValue, SourceFile?) -> Void
  /// The file a setting names here.
  package let file: @Sendable (Setting) -> SourceFile?
  /// Why the key has no effect in a setting; nil if it has one.
  package private(set) var idleReason: @Sendable (Setting) -> String?
  /// What the key was called before: such a name is read like the key's own, and runs stay named by it.
  package var formerPath: String?
  /// Whether the key came after version 0.1: at its default it does not enter a run's hash, so that runs which were made
  /// before it was there keep theirs.
  package var isLater = false

  /// The key, as one that came after version 0.1.
  var later: StudyKey {
    var key = self
    key.isLater = true
    return key
  }

  /// The key, as one that has no effect for another reason as well.
  func idle(when reason: @escaping IdleReason) -> StudyKey {
    var key = self
    let own = idleReason
    key.idleReason = { reason($0) ?? own($0) }
    return key
  }

  /// The key, as one that had another name.
  func renamed(from formerPath: String) -> StudyKey {
    var key = self
    key.formerPath = formerPath
    return key
  }

  /// The path by which runs are named and settings stored: it stays what it was.
  package var storedPath: String { formerPath ?? path }

  /// The key of that path, also of a former one.
  public static func named(_ path: String) -> StudyKey? { byPath[path] }

  private static let byPath: [String: StudyKey] = Dictionary(
    uniqueKeysWithValues: all.flatMap { key in ([key.path] + (key.formerPath.map { [$0] } ?? [])).map { ($0, key) } })

  /// Every proper prefix of a key: `teacher`, `inputs.training`, ...
  package static let groups = groups(of: all.map(\.path))
  package static let formerGroups = groups(of: all.compactMap(\.formerPath))

  private static func groups(of paths: [String]) -> Set<String> {
    var groups: Set<String> = []
    for path in paths {
      let parts = path.split(separator: ".")
      for count in 1..<parts.count { groups.insert(parts[..<count].joined(separator: ".")) }
    }
    return groups
  }
}

/// The numbers that a key allows. Never infinities or NaN.
public enum NumberRange: Hashable, Sendable {
  case any, positive, nonNegative
  /// 0 <= x < 1.
  case slope
  /// 1 <= x <= 10^6.
  case factor

  /// Whether a key of this range takes the value.
  public func contains(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    switch self {
    case .any: return true
    case .positive: return value > 0
    case .nonNegative: return value >= 0
    case .slope: return value >= 0 && value < 1
    case .factor: return value >= 1 && value <= 1e6
    }
  }

  public var phrase: String {
    switch self {
    case .any: "a finite number"
    case .positive: "a number greater than 0"
    case .nonNegative: "a number of at least 0"
    case .slope: "a number from 0 to below 1"
    case .factor: "a number from 1 to 1000000"
    }
  }
}

extension StudyKey.Form {
  /// What the key takes, in words: `a number greater than 0`.
  public var phrase: String {
    switch self {
    case .integer(let range) where range.upperBound >= StudyKey.greatestSize:
      "an integer of at least \(range.lowerBound)"
    case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): range.phrase
    case .boolean: "true or false"
    case .choice(let names): "one of " + names.joined(separator: ", ")
    case .file: "a file's path"
    case .widths: "nodes of each hidden layer joined by hyphens, lowest first, e.g. 50-75-100"
    case .schedule: "epochs from 0 on with their rates, e.g. \"0: 0.2, 20: 0.1\""
    case .layers: "hidden layers, lowest first, e.g. \"conv 64, conv 64 padding 1 max 2, dense 100\""
    case .shares: "shares from 0 to below 1 joined by hyphens, lowest layer first, e.g. 0.3-0.5-0.5-0.7"
    case .normalization: "raw, or means/deviations, one or one for each channel joined by hyphens, e.g. 0.5/0.5"
    case .factors:
      "\(NumberRange.factor.phrase), or one for each hidden layer joined by hyphens, lowest first, e.g. 2-1-1"
    case .images: "fashion-mnist, cifar10 or a folder"
    }
  }

  /// The name of the kind of value, for "expected ..., found ...".
  package var typeName: String {
    switch self {
    case .integer: "an integer"
    case .number: "a number"
    case .boolean: "true or false"
    case .choice: "a name"
    case .file: "a path"
    case .widths: "widths"
    case .schedule: "epochs with rates"
    case .layers: "hidden layers"
    case .shares: "shares"
    case .normalization: "means and deviations"
    case .factors: "a number or factors"
    case .images: "an image set or a folder"
    }
  }
}

extension StudyKey {
  /// Sizes above this are typing errors: no such array fits a machine.
  package static let greatestSize = 1_000_000_000

  typealias Path<Value> = WritableKeyPath<Setting, Value> & Sendable
  typealias IdleReason = @Sendable (Setting) -> String?

  static func integer(
    _ path: String, _ property: Path<Int>, from minimum: Int = 1, _ explanation: String,
    idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    StudyKey(
      path: path, form: .integer(minimum...greatestSize), defaultValue: .integer(Setting()[keyPath: property]),
      explanation: explanation, read: { .integer($0[keyPath: property]) },
      write: { setting, value, _ in
        if case .integer(let integer) = value { setting[keyPath: property] = integer }
      }, file: { _ in nil }, idleReason: idle)
  }

  static func number(
    _ path: String, _ property: Path<Double>, _ range: NumberRange, _ explanation: String,
    idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    StudyKey(
      path: path, form: .number(range), defaultValue: .number(Setting()[keyPath: property]),
      explanation: explanation, read: { .number($0[keyPath: property]) },
      write: { setting, value, _ in
        if let number = value.number { setting[keyPath: property] = number }
      }, file: { _ in nil }, idleReason: idle)
  }

  static func boolean(
    _ path: String, _ property: Path<Bool>, _ explanation: String, idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    StudyKey(
      path: path, form: .boolean, defaultValue: .boolean(Setting()[keyPath: property]), explanation: explanation,
      read: { .boolean($0[keyPath: property]) },
      write: { setting, value, _ in
        if case .boolean(let boolean) = value { setting[keyPath: property] = boolean }
      }, file: { _ in nil }, idleReason: idle)
  }

  static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ path: String, _ property: Path<Choice>, _ explanation: String, idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    StudyKey(
      path: path, form: .choice(Choice.allCases.map(\.rawValue)),
      defaultValue: .text(Setting()[keyPath: property].rawValue), explanation: explanation,
      read: { .text($0[keyPath: property].rawValue) },
      write: { setting, value, _ in
        if case .text(let name) = value, let choice = Choice(rawValue: name) { setting[keyPath: property] = choice }
      }, file: { _ in nil }, idleReason: idle)
  }

  static func file(
    _ path: String, _ property: Path<SourceFile?>, _ explanation: String, idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    source(path, property, .file, explanation, idle: idle)
  }

  static func images(
    _ path: String, _ property: Path<SourceFile?>, _ explanation: String, idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    source(path, property, .images, explanation, idle: idle)
  }

  private static func source(
    _ path: String, _ property: Path<SourceFile?>, _ form: Form, _ explanation: String, idle: @escaping IdleReason
  ) -> StudyKey {
    StudyKey(
      path: path, form: form, defaultValue: nil, explanation: explanation,
      read: { $0[keyPath: property].map { .text($0.path) } },
      write: { setting, _, file in setting[keyPath: property] = file },
      file: { $0[keyPath: property] }, idleReason: idle)
  }

  static func widths(
    _ path: String, _ property: Path<LayerWidths?>, _ explanation: String, idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    written(path, property, .widths, explanation, idle: idle) { try? LayerWidths($0) }
  }

  static func schedule(
    _ path: String, _ property: Path<LearningRateSchedule?>, _ explanation: String,
    idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    written(path, property, .schedule, explanation, idle: idle) { try? LearningRateSchedule($0) }
  }

  static func layers(
    _ path: String, _ property: Path<LayerList?>, _ explanation: String, idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    written(path, property, .layers, explanation, idle: idle) { try? LayerList($0) }
  }

  static func shares(
    _ path: String, _ property: Path<LayerShares?>, _ explanation: String, idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    written(path, property, .shares, explanation, idle: idle) { try? LayerShares($0) }
  }

  static func normalization(
    _ path: String, _ property: Path<ChannelNormalizationSetting?>, _ explanation: String, idle: @escaping IdleReason
  ) -> StudyKey {
    written(path, property, .normalization, explanation, idle: idle) { try? ChannelNormalizationSetting($0) }
  }

  static func factors(
    _ path: String, _ property: Path<OverRealization>, _ explanation: String,
    idle: @escaping IdleReason = { _ in nil }
  ) -> StudyKey {
    StudyKey(
      path: path, form: .factors, defaultValue: Setting()[keyPath: property].keyValue, explanation: explanation,
      read: { $0[keyPath: property].keyValue },
      write: { setting, value, _ in
        if let factors = OverRealization(value) { setting[keyPath: property] = factors }
      }, file: { _ in nil }, idleReason: idle)
  }

  /// A key whose values are written in a small language of their own.
  private static func written<Value: CustomStringConvertible & SendableMetatype>(
    _ path: String, _ property: Path<Value?>, _ form: Form, _ explanation: String, idle: @escaping IdleReason,
    parse: @escaping @Sendable (String) -> Value?
  ) -> StudyKey {
    StudyKey(
      path: path, form: form, defaultValue: nil, explanation: explanation,
      read: { $0[keyPath: property].map { .text($0.description) } },
      write: { setting, value, _ in
        if case .text(let text) = value { setting[keyPath: property] = parse(text) }
      }, file: { _ in nil }, idleReason: idle)
  }
}

extension StudyKey {
  /// All keys as a Markdown table: key, values, default, meaning. `Docs/Studies.md` holds it.
  public static var markdownTable: String {
    let rows = all.map { key in
      "| `\(key.path)` | \(key.form.phrase) | \(key.defaultValue.map { "`\($0)`" } ?? "none") | \(key.explanation) |"
    }
    return (["| key | values | default | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
  }
}

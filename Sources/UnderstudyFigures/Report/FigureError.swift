import UnderstudyRecords
import UnderstudySchema

/// Why a figure or the report cannot be made, with what to do about it.
public enum FigureError: Error, Hashable, Sendable {
  /// No setting of the study passes the selection.
  case emptySelection(figure: String, selection: [String: [KeyValue]])
  /// A selection names a key that settings do not have.
  case unknownKey(figure: String, key: String, varied: [String])
  /// Settings pass the selection, but none of their runs has finished.
  case noRuns(figure: String)
  /// A finished run lacks a measure; `epoch` nil: at any epoch.
  case missingMeasure(figure: String, measure: Measure, epoch: Int?, recordedEpochs: [Int], seed: Int)
  /// All runs that the figure needs diverged before the epoch it shows.
  case allDiverged(figure: String, runCount: Int)
  /// A recorded array does not have the shape its measure promises.
  case wrongShape(figure: String, measure: Measure, shape: [Int], expected: String)
  /// The figure shows one run for each value of a key, but several settings share a value.
  case ambiguousSetting(figure: String, key: String, value: String, settingCount: Int)
  /// What the figure declares cannot be drawn from these results.
  case notPlottable(figure: String, reason: String)
  /// The name cannot be the name of a file.
  case invalidName(figure: String)
  /// Two figures of a study would be written to one file.
  case duplicateName(figure: String)
  /// The Python interpreter cannot be started.
  case pythonMissing(python: String)
  /// The interpreter has no `vl-convert-python`.
  case wheelMissing(python: String, detail: String)
  /// The interpreter or the wheel stopped with an error.
  case renderingFailed(detail: String)
  /// A file cannot be written or read.
  case fileFailed(path: String, detail: String)
  /// The renderer was told to stop.
  case stopped
}

extension FigureError: CustomStringConvertible {
  public var description: String { subject.map { "'\($0)': " + reason } ?? reason }

  /// Whether nothing is wrong but that there is no Python, or that it has no wheel.
  var isMissingTool: Bool {
    switch self {
    case .pythonMissing, .wheelMissing: true
    default: false
    }
  }

  /// The name of the figure, or the statement of the finding, that the error is about.
  private var subject: String? {
    switch self {
    case .notPlottable(let figure, _), .emptySelection(let figure, _), .unknownKey(let figure, _, _),
      .noRuns(let figure),
      .missingMeasure(let figure, _, _, _, _), .allDiverged(let figure, _), .wrongShape(let figure, _, _, _),
      .ambiguousSetting(let figure, _, _, _), .invalidName(let figure), .duplicateName(let figure):
      figure
    case .pythonMissing, .wheelMissing, .renderingFailed, .fileFailed, .stopped: nil
    }
  }

  /// The error without its subject, for where the subject stands beside it.
  var reason: String {
    switch self {
    case .emptySelection(_, let selection):
      "no setting of the study has \(Self.list(selection)); widen the selection or extend the grid"
    case .unknownKey(_, let key, let varied):
      (StudyKey.all.contains { $0.path == key }
        ? "the settings of this study do not give \(key)"
        : "settings have no key '\(key)'; \(unknownNameRemedy(for: key, among: StudyKey.all.map(\.path)))")
        + "; this study varies " + (varied.isEmpty ? "no key" : varied.joined(separator: ", "))
    case .noRuns:
      "none of the selected runs has finished; run the study first"
    case .missingMeasure(_, let measure, let epoch, let recordedEpochs, let seed):
      "\(measure.rawValue) is not recorded\(epoch.map { " at epoch \($0)" } ?? "") (seed \(seed); "
        + (recordedEpochs.isEmpty ? "at no epoch" : "at epochs \(Self.shortened(recordedEpochs))")
        + "); add it to the study's record rules and run again, or name a recorded epoch"
    case .allDiverged(_, let runCount):
      "all \(runCount) selected runs diverged before the epoch shown; show an earlier epoch or train slower"
    case .wrongShape(_, let measure, let shape, let expected):
      "\(measure.rawValue) has shape \(shape), expected \(expected); the results folder is damaged"
    case .ambiguousSetting(_, let key, let value, let settingCount):
      "\(settingCount) settings have \(key) \(value), but one is drawn for each; narrow the selection"
    case .notPlottable(_, let reason): reason
    case .invalidName:
      "the name cannot be a file's; use letters, digits, '-', '_' and '.', not first a '.'"
    case .duplicateName:
      "two figures would be written to this name; give each its own"
    case .pythonMissing(let python):
      "cannot start '\(python)'; name a Python 3 that has vl-convert-python (the figures' .json files are written)"
    case .wheelMissing(let python, let detail):
      "'\(python)' has no vl-convert-python (\(detail)); install with: "
        + "pip install vl-convert-python==\(FigureRenderer.wheelVersion) (the figures' .json files are written)"
    case .renderingFailed(let detail):
      "drawing failed: \(detail) (the figures' .json files are written)"
    case .fileFailed(let path, let detail):
      "\(path): \(detail)"
    case .stopped:
      "drawing was stopped; draw again for the figures that are missing"
    }
  }

  private static func list(_ selection: [String: [KeyValue]]) -> String {
    selection.keys.sorted()
      .map { key in "\(key) in [\(selection[key, default: []].map(\.shown).joined(separator: ", "))]" }
      .joined(separator: " and ")
  }

  private static func shortened(_ epochs: [Int]) -> String {
    let shown = epochs.prefix(8).map(String.init).joined(separator: ", ")
    return epochs.count > 8 ? shown + ", ..." : shown
  }
}

extension KeyValue {
  /// As a study file would have it.
  var shown: String { if case .number(let value) = self { value.short } else { description } }
}

extension Double {
  /// Without a trailing `.0`, and with at most six significant digits: 1, 0.5, 2.5e-07.
  var short: String {
    if self == rounded(), abs(self) < 1e9 { return String(Int(self)) }
    return rounded(toDigits: 6).description
  }
}

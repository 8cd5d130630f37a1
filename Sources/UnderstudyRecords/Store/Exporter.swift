import Foundation
import GRDB
import UnderstudySchema

/// Writes recorded measures as a long table, one number a row, for spreadsheets, pandas and R.
///
/// Columns: `run`, the setting's keys, `seed`, `outcome`, `epoch`, `measure`, `i` and `j` (indices of arrays, from 0; empty for
/// scalars, `j` empty for vectors), `value`. Numbers are written so that reading them gives the same bits.
public struct Exporter: Sendable {
  /// How the table is written.
  public enum Format: String, Sendable, CaseIterable {
    /// A header and rows, as in RFC 4180, but with plain line feeds.
    case csv
    /// An array of objects whose names are the columns; empty cells are null.
    case json
  }

  public var store: ResultsStore
  public var measures: Set<Measure>
  /// Setting keys that become columns.
  public var keys: [String]

  /// - Parameters:
  ///   - measures: nil for all.
  ///   - onlyVaried: columns for the keys that take more than one value in the study only, instead of for all.
  public init(_ store: ResultsStore, measures: Set<Measure>? = nil, onlyVaried: Bool = false) {
    self.store = store
    self.measures = measures ?? Set(Measure.allCases)
    keys = onlyVaried ? store.study.variedKeys : StudyKey.all.map(\.path)
  }

  /// Hands the table to `sink` in pieces, in order.
  ///
  /// - Throws: ``StoreError`` of the store, or what `sink` throws.
  /// - Complexity: O(numbers) time; memory for one run's measurements.
  public func write(_ format: Format, to sink: (String) throws -> Void) throws {
    let columns = ["run"] + keys + ["seed", "outcome", "epoch", "measure", "i", "j", "value"]
    var isFirst = true
    switch format {
    case .csv: try sink(columns.map(Self.csvCell).joined(separator: ",") + "\n")
    case .json: try sink("[")
    }
    try store.forEachResult(measures) { record in
      var text = ""
      let start = Self.start(of: record, keys: keys, format: format)
      for measurement in record.measurements {
        for index in measurement.values.indices {
          let row = Self.row(measurement, index, format: format)
          switch format {
          case .csv: text += "\(start)\(row)\n"
          case .json:
            text += isFirst ? "\n\(start)\(row)}" : ",\n\(start)\(row)}"
            isFirst = false
          }
        }
      }
      if !text.isEmpty { try sink(text) }
    }
    if format == .json { try sink("\n]\n") }
  }

  /// Writes the table to a file handle, e.g. standard output.
  ///
  /// - Throws: ``StoreError`` of the store, or what writing to the handle throws.
  public func write(_ format: Format, to handle: FileHandle) throws {
    try write(format) { try handle.write(contentsOf: Data($0.utf8)) }
  }

  /// The cells that all rows of a run share.
  private static func start(of record: RunRecord, keys: [String], format: Format) -> String {
    let setting = record.run.setting
    let outcome =
      switch record.outcome {
      case .completed: "completed"
      case .diverged: "diverged"
      }
    switch format {
    case .csv:
      let values = keys.map { csvCell(setting.effectiveValue(of: $0)?.csv ?? "") }
      return ([record.run.hash] + values + ["\(record.run.seed)", outcome, ""]).joined(separator: ",")
    case .json:
      let fields =
        ["\"run\":\(jsonText(record.run.hash))"]
        + keys.map { "\(jsonText($0)):\(setting.effectiveValue(of: $0)?.json ?? "null")" }
        + ["\"seed\":\(record.run.seed)", "\"outcome\":\"\(outcome)\""]
      return "{" + fields.joined(separator: ",") + ","
    }
  }

  /// The cells of one number.
  private static func row(_ measurement: MeasuredValue, _ index: Int, format: Format) -> String {
    let (i, j) = indices(index, shape: measurement.shape)
    let value = measurement.values[index]
    switch format {
    case .csv:
      return "\(measurement.epoch),\(measurement.measure.rawValue),\(i.map(String.init) ?? ""),"
        + "\(j.map(String.init) ?? ""),\(value)"
    case .json:
      return "\"epoch\":\(measurement.epoch),\"measure\":\"\(measurement.measure.rawValue)\","
        + "\"i\":\(i.map(String.init) ?? "null"),\"j\":\(j.map(String.init) ?? "null"),\"value\":\(value)"
    }
  }

  /// Row and column of an element; beyond two dimensions `j` runs over all but the first.
  private static func indices(_ index: Int, shape: [Int]) -> (i: Int?, j: Int?) {
    guard let first = shape.first else { return (nil, nil) }
    guard shape.count > 1 else { return (index, nil) }
    let width = shape.reduce(1, *) / first
    return (index / width, index % width)
  }

  private static func csvCell(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }
}

extension Setting {
  /// The key's value; nil where it has no effect, as that of a teacher's width beside a teacher's file.
  fileprivate func effectiveValue(of path: String) -> KeyValue? {
    guard let key = StudyKey.named(path), key.idleReason(self) == nil else { return nil }
    return key.read(self)
  }
}

extension KeyValue {
  /// Texts bare; numbers as they read back.
  fileprivate var csv: String {
    if case .text(let text) = self { text } else { json }
  }
}

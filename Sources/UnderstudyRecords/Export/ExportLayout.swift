import UnderstudySchema

/// The text of an export: what stands before, between and after the runs.
struct ExportLayout {
  /// Of settings; written with each run.
  let keys: [String]
  let measures: [Measure]
  /// Whether the elements of arrays are told apart by `i` and `j`.
  let hasIndices: Bool
  let study: Study

  func start(_ format: Exporter.Format) -> String {
    let run = ["run"] + keys + ["seed", "outcome", "epoch"]
    switch format {
    case .csv: return Self.csvRow(run + ["measure", "i", "j", "value"])
    case .wide: return Self.csvRow(run + (hasIndices ? ["i", "j"] : []) + measures.map(\.rawValue))
    case .json:
      let shared = StudyKey.all.map(\.path).filter { !keys.contains($0) }.map { path in
        // A key may have no effect in some settings only.
        let value = study.settings.lazy.compactMap { $0.effectiveValue(of: path) }.first
        return "\(jsonText(path)):\(value?.json ?? "null")"
      }
      return """
        {"study":\(jsonText(study.name)),"claim":\(jsonText(study.claim)),
        "setting":{\(shared.joined(separator: ","))},
        "runs":[

        """
    }
  }

  func end(_ format: Exporter.Format) -> String { format == .json ? "\n]}\n" : "" }

  /// - Throws: ``ExportError/otherShape(measure:shape:than:of:)``.
  func text(of record: RunRecord, _ format: Exporter.Format) throws(ExportError) -> String {
    switch format {
    case .csv: longRows(record)
    case .wide: try wideRows(record)
    case .json: object(record)
    }
  }

  // MARK: Tables

  private func longRows(_ record: RunRecord) -> String {
    let start = csvStart(record)
    var text = ""
    for measurement in record.measurements {
      for (index, value) in measurement.values.enumerated() {
        text += "\(start),\(measurement.epoch),\(measurement.measure.rawValue),"
        text += "\(Self.csvIndices(index, shape: measurement.shape)),\(value)\n"
      }
    }
    return text
  }

  private func wideRows(_ record: RunRecord) throws(ExportError) -> String {
    let start = csvStart(record)
    var text = ""
    let epochs = Dictionary(grouping: record.measurements, by: \.epoch)
    for (epoch, measurements) in epochs.sorted(by: { $0.key < $1.key }) {
      guard let first = measurements.first else { continue }
      for other in measurements where other.shape != first.shape {
        throw .otherShape(measure: first.measure, shape: first.shape, than: other.measure, of: other.shape)
      }
      let values = Dictionary(measurements.map { ($0.measure, $0.values) }) { $1 }
      let columns = measures.map { values[$0] }
      for index in first.values.indices {
        let cells = columns.map { $0.map { "\($0[index])" } ?? "" }
        let place = hasIndices ? Self.csvIndices(index, shape: first.shape) + "," : ""
        text += "\(start),\(epoch),\(place)\(cells.joined(separator: ","))\n"
      }
    }
    return text
  }

  private func csvStart(_ record: RunRecord) -> String {
    let values = keys.map { Self.csvCell(record.run.setting.effectiveValue(of: $0)?.csv ?? "") }
    return ([record.run.hash] + values + ["\(record.run.seed)", record.outcome.name]).joined(separator: ",")
  }

  /// Row and column of an element, empty where there is none; beyond two dimensions `j` runs over all but the first.
  private static func csvIndices(_ index: Int, shape: [Int]) -> String {
    guard let first = shape.first else { return "," }
    guard shape.count > 1 else { return "\(index)," }
    let width = shape.reduce(1, *) / first
    return "\(index / width),\(index % width)"
  }

  private static func csvRow(_ cells: [String]) -> String { cells.map(csvCell).joined(separator: ",") + "\n" }

  private static func csvCell(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }

  // MARK: JSON

  private func object(_ record: RunRecord) -> String {
    var fields = ["\"run\":\(jsonText(record.run.hash))"]
    fields += keys.map { "\(jsonText($0)):\(record.run.setting.effectiveValue(of: $0)?.json ?? "null")" }
    fields += ["\"seed\":\(record.run.seed)", "\"outcome\":\"\(record.outcome.name)\""]
    let found = Dictionary(grouping: record.measurements, by: \.measure)
    let series = measures.compactMap { measure in
      found[measure].map { measurements in
        let epochs = measurements.map { "\($0.epoch)" }.joined(separator: ",")
        var values = ""
        for measurement in measurements {
          if !values.isEmpty { values += "," }
          Self.append(measurement.values[...], shape: measurement.shape[...], to: &values)
        }
        return "\n\"\(measure.rawValue)\":{\"epochs\":[\(epochs)],\"values\":[\(values)]}"
      }
    }
    return "{\(fields.joined(separator: ",")),\"measures\":{\(series.joined(separator: ","))}}"
  }

  /// Row-major values as nested arrays.
  private static func append(_ values: ArraySlice<Double>, shape: ArraySlice<Int>, to text: inout String) {
    guard let count = shape.first else {
      for value in values { text += "\(value)" }
      return
    }
    text += "["
    let size = count == 0 ? 0 : values.count / count
    for index in 0..<count {
      if index > 0 { text += "," }
      let start = values.startIndex + index * size
      append(values[start..<(start + size)], shape: shape.dropFirst(), to: &text)
    }
    text += "]"
  }
}

extension KeyValue {
  /// Texts bare; numbers as they read back.
  fileprivate var csv: String {
    if case .text(let text) = self { text } else { json }
  }
}

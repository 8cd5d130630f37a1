import Foundation
import UnderstudySchema

/// Writes recorded measures for other programs: spreadsheets, R, pandas, whatever reads CSV or JSON.
///
/// A run is named by its hash, the values of the keys that vary in the study, its seed and its outcome. What all runs share is
/// left out of tables, and stands once in JSON. Numbers are written so that reading them as double precision gives the same
/// bits: every measure is computed in double precision, also of trainings in single precision, so fewer digits would lose some.
///
/// There is no Parquet here. Its libraries are not in Debian, and the Python package has it through pandas and pyarrow.
public struct Exporter: Sendable {
  /// How the numbers are laid out.
  public enum Format: String, Sendable, CaseIterable {
    /// A table, as in RFC 4180 but with plain line feeds, with a row for each number: `measure`, `i` and `j` (indices of arrays,
    /// from 0; empty for scalars, `j` empty for vectors), `value`.
    case csv
    /// Such a table with a row for each epoch of a run, and for each element of arrays; a column for each measure. Of single
    /// numbers there are no `i` and `j`.
    case wide
    /// An object with the study's `setting` as far as all runs share it, and an array of `runs`: of each its keys, and of each of
    /// its measures the `epochs` and the `values` then, arrays as nested ones.
    case json
  }

  /// Which runs and measures are written.
  public struct Choice: Sendable {
    /// None: all that are recorded; of ``Format/wide`` all scalars.
    public var measures: [Measure]
    /// Keys of settings with the values to keep, as ``Study/selection(_:)`` reads them.
    public var selection: [String: [KeyValue]]
    /// None: all.
    public var seeds: Set<Int>
    /// Whether every key of a setting is written with each run, and not only those that vary in the study.
    public var hasAllKeys: Bool

    public init(
      measures: [Measure] = [], selection: [String: [KeyValue]] = [:], seeds: Set<Int> = [], hasAllKeys: Bool = false
    ) {
      self.measures = measures
      self.selection = selection
      self.seeds = seeds
      self.hasAllKeys = hasAllKeys
    }

    func includes(_ run: Run) -> Bool {
      (seeds.isEmpty || seeds.contains(run.seed)) && run.setting.matches(selection)
    }
  }

  public var store: ResultsStore
  public var choice: Choice

  public init(_ store: ResultsStore, _ choice: Choice = Choice()) {
    self.store = store
    self.choice = choice
  }

  /// Hands the document to `sink` in pieces, in order.
  ///
  /// - Throws: ``ExportError``, ``StoreError`` of the store, or what `sink` throws.
  /// - Complexity: O(numbers) time; memory for one run's measurements.
  public func write(_ format: Format, to sink: (String) throws -> Void) throws {
    let recorded = try store.recordedMeasures()
    let measures = try chosenMeasures(format, recorded)
    let layout = ExportLayout(
      keys: choice.hasAllKeys ? StudyKey.all.map(\.path) : store.study.variedKeys, measures: measures,
      hasIndices: !measures.allSatisfy(recorded.scalars.contains), study: store.study)
    try sink(layout.start(format))
    var isFirst = true
    try store.forEachResult(Set(measures), where: choice.includes) { record in
      let text = try layout.text(of: record, format)
      guard !text.isEmpty else { return }
      try sink(format == .json && !isFirst ? ",\n" + text : text)
      isFirst = false
    }
    try sink(layout.end(format))
  }

  /// Writes the document to a file handle, e.g. standard output.
  ///
  /// - Throws: ``ExportError``, ``StoreError`` of the store, or what writing to the handle throws.
  public func write(_ format: Format, to handle: FileHandle) throws {
    try write(format) { try handle.write(contentsOf: Data($0.utf8)) }
  }

  /// In the order in which they were chosen.
  private func chosenMeasures(
    _ format: Format, _ recorded: (scalars: Set<Measure>, arrays: Set<Measure>)
  ) throws(ExportError) -> [Measure] {
    guard !choice.measures.isEmpty else {
      let all = Measure.allCases.filter { recorded.scalars.contains($0) || recorded.arrays.contains($0) }
      return format == .wide ? all.filter(recorded.scalars.contains) : all
    }
    // What the study declares is no error before the first run has ended.
    let known = recorded.scalars.union(recorded.arrays).union(store.study.record.flatMap(\.measures))
    for measure in choice.measures where !known.contains(measure) {
      throw ExportError.notRecorded(
        folder: store.folder.path, measure: measure, recorded: Measure.allCases.filter(known.contains))
    }
    return choice.measures.distinct
  }
}

/// What a user asked an ``Exporter`` for and cannot have.
public enum ExportError: Error, Hashable, Sendable, CustomStringConvertible {
  case notRecorded(folder: String, measure: Measure, recorded: [Measure])
  /// In the columns of one table.
  case otherShape(measure: Measure, shape: [Int], than: Measure, of: [Int])

  public var description: String {
    switch self {
    case .notRecorded(let folder, let measure, let recorded):
      "\(folder): \(measure.rawValue) is not recorded; recorded are: "
        + recorded.map(\.rawValue).joined(separator: ", ")
    case .otherShape(let measure, let shape, let other, let otherShape):
      "--format wide: \(measure.rawValue) is \(Self.words(shape)) and \(other.rawValue) \(Self.words(otherShape)), so they "
        + "have no rows in common; export them one at a time by --measure, or use --format csv"
    }
  }

  private static func words(_ shape: [Int]) -> String { shape.isEmpty ? "a number" : "an array \(shape)" }
}

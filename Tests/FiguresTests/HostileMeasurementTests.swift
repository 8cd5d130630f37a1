import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

/// A store may hold any finite numbers in any shape: figures are drawn and findings made of them, or say what is wrong. A trap
/// would end the test program.
@Suite struct HostileMeasurementTests {
  typealias MeasuredValue = UnderstudySchema.MeasuredValue

  /// The same measure with other numbers, or in another shape.
  static func changes(of measurement: MeasuredValue) -> [MeasuredValue] {
    func with(_ shape: [Int], _ value: (Int) -> Double) -> MeasuredValue {
      MeasuredValue(
        measurement.measure, epoch: measurement.epoch, shape: shape,
        values: (0..<shape.reduce(1, *)).map(value))
    }
    let shape = measurement.shape
    let values: [Double] = [
      0, -1, 0.5, .leastNonzeroMagnitude, 1e-160, 1e160, 1e300, -1e300, .greatestFiniteMagnitude,
      -.greatestFiniteMagnitude, 0x1p62, 0x1p63,
    ]
    let numbers = values.map { value in with(shape) { _ in value } }
    let mixed = with(shape) { values[$0 % values.count] }
    let count = measurement.values.count
    let shapes = [
      [], [0], [1], [0, 0], [0, count], [count, 0], [1, count], [count, 1], [count + 1], [2 * count], [1, 1, count],
      [2, 2],
      shape.reversed(), shape + [1], shape.map { $0 + 1 }, shape.map { max(0, $0 - 1) },
    ]
    return numbers + [mixed]
      + shapes.map { shape in
        with(shape) { index in count == 0 ? 0.5 : measurement.values[index % count] }
      }
  }

  /// A figure's data, or why there is none.
  static func drawn(_ declaration: FigureDeclaration, _ results: StudyResults) -> String {
    do throws(FigureError) {
      return try figureSpecifications(of: declaration, from: results).map { $0.document.encoded() }.joined()
    } catch {
      return "\(error)"
    }
  }

  /// The results with only those figures and findings that read a measure.
  static func readers(of measure: Measure, _ results: StudyResults) -> StudyResults {
    var without = results
    for run in without.runs.indices { without.runs[run].measurements.removeAll { $0.measure == measure } }
    var reading = results
    reading.study.figures.removeAll { drawn($0, results) == drawn($0, without) }
    reading.study.findings = zip(findings(of: results), findings(of: without)).filter { "\($0)" != "\($1)" }
      .map(\.0.declaration)
    return reading
  }

  static func figures(_ kinds: [FigureDeclaration.Kind]) -> [FigureDeclaration] {
    kinds.map { FigureDeclaration(name: "\($0)", kind: $0) }
  }

  static let findingDeclarations = FindingDeclaration.Statistic.allCases.map {
    FindingDeclaration(statement: "\($0)", statistic: $0, layer: $0.needsLayer ? 1 : nil, atLeast: 0.5)
  }

  /// Small results that every figure can be drawn from.
  static func allResults() -> [StudyResults] {
    let all = figures(FigureDeclaration.Kind.allCases)
    return [
      Synthetic.sweep(decays: [1], multiples: [1], seedCount: 2, teacherNodes: 2, epochs: 5, figures: all),
      Synthetic.plane(figures: all),
      SyntheticTheory.multiples([1], decays: [1], seedCount: 2, teacherNodes: 2, figures: all),
      SyntheticTheory.connections(seedCount: 1, figures: all),
      SyntheticLayers.study([[3, 2]], multiples: [1], seedCount: 2, epochs: 2, figures: all),
      SyntheticLayers.learning([1, 2], seedCount: 1, epochs: 1, figures: all),
    ].map { results in
      var results = results
      results.study.findings = findingDeclarations
      return results
    }
  }

  @Test(arguments: 0..<6) func anyNumbersAndShapes(_ index: Int) {
    let all = Self.allResults()[index]
    for measure in Set(all.runs.flatMap { $0.measurements.map(\.measure) }) {
      let results = Self.readers(of: measure, all)
      for change in Self.changes(of: MeasuredValue(measure, epoch: 0, shape: [2], values: [1, 2])).indices {
        // At every epoch of the first run, so that the runs of a setting disagree.
        var changed = results
        for (place, measurement) in changed.runs[0].measurements.enumerated() where measurement.measure == measure {
          changed.runs[0].measurements[place] = Self.changes(of: measurement)[change]
        }
        for declaration in changed.study.figures { #expect(!Self.drawn(declaration, changed).isEmpty) }
        #expect(findings(of: changed).count == changed.study.findings.count)
      }
    }
  }
}

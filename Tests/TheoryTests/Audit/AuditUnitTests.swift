import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

/// Inputs, nodes and outputs in other units, so that the networks do the same: no verdict and no decision may change.
struct Units {
  /// Inputs are multiplied by this, and outputs.
  let inputs: Double
  let outputs: Double
  private let key: UInt64

  /// Powers of ten between 1e-7 and 1e7, and not powers of two.
  init(key: UInt64) {
    var stream = RandomStream(key: key, purpose: .test, index: 77)
    let exponents = stream.uniforms(2).map { 14 * $0 - 7 }
    (inputs, outputs) = (power(10, exponents[0]), power(10, exponents[1]))
    self.key = key
  }

  /// First-layer weights divided by the inputs' unit, every hidden node scaled by one of its own and its fan-out by the
  /// inverse, output weights multiplied by the outputs' unit.
  func applied(to network: Network) -> Network {
    var result = network.scaled(inputs: 1 / inputs, outputs: outputs)
    var stream = RandomStream(key: key, purpose: .test, index: network.hiddenCounts[0])
    for (layer, count) in network.hiddenCounts.enumerated() {
      for node in 0..<count { result.rescale(node, of: layer, by: power(10, 4 * stream.uniforms(1)[0] - 2)) }
    }
    return result
  }

  func applied(to samples: Matrix) -> Matrix { samples.scaled(by: inputs) }
}

@Suite("Audits in any unit") struct AuditUnitTests {
  /// Students that are learned, nearly learned, and not at all; in two layers and in three.
  private static func pair(_ key: UInt64) throws -> (teacher: Network, student: Network, inputs: Matrix) {
    let widths = key % 3 == 0 ? [4, 3, 4, 3] : [4, 3, 5]
    let teacher = try Draw.network(widths, key: 600 + key, slope: key % 2 == 0 ? 0 : 0.1)
    var student = key % 3 == 0 ? teacher : try Draw.copy(of: teacher, extra: 2).network
    var stream = RandomStream(key: key, purpose: .test, index: 5)
    let noise = [1e-6, 3e-3, 0.3][Int(key % 4) % 3]
    for i in student.layers[0].weights.values.indices {
      student[layer: 0].weights.values[i] *= 1 + noise * stream.normals(1, standardDeviation: 1)[0]
    }
    return (teacher, student, Draw.inputs(1200, 4, key: 30 + key))
  }

  private static func name(_ verdict: Verdict) -> String {
    switch verdict {
    case .predictedAndFound: "predicted and found"
    case .foundThoughNotPredicted: "found"
    case .matchedOnInputs: "matched"
    case .violation: "violation"
    case .notLearned(let cause): "\(cause)".prefix { $0 != "(" }.description
    }
  }

  @Test("an audit says the same in other units, with bands in those or as shares of the spread", arguments: 1...12)
  func audits(key: UInt64) throws {
    let (teacher, student, inputs) = try Self.pair(key)
    let units = Units(key: key)
    let plain = try audit(
      of: Student(student), learning: Teacher(teacher), over: inputs, options: AuditOptions(bands: [0.03, 0.1]))
    let scaled = try audit(
      of: Student(units.applied(to: student)), learning: Teacher(units.applied(to: teacher)),
      over: units.applied(to: inputs),
      options: AuditOptions(bands: [.length(0.03 * units.inputs), .length(0.1 * units.inputs)]))
    func close(_ a: Double?, _ b: Double?, unit: Double) -> Bool {
      guard let a, let b else { return a == nil && b == nil }
      // Alignments of equal nodes are rounding.
      return abs(a / unit - b) <= 1e-6 * b + 1e-12
    }
    for (a, b) in zip(scaled.teacherNodes, plain.teacherNodes) {
      #expect(Self.name(a.verdict) == Self.name(b.verdict), "\(a.verdict), \(b.verdict)")
      #expect(a.alignedStudent == b.alignedStudent && a.matchedStudent == b.matchedStudent)
      #expect(a.bestObserver == b.bestObserver && a.observerRank == b.observerRank)
      #expect(close(a.alignment, b.alignment, unit: units.inputs))
      #expect(close(a.proven, b.proven, unit: units.inputs) && close(a.predicted, b.predicted, unit: units.inputs))
    }
    for (a, b) in zip(scaled.studentNodes, plain.studentNodes) {
      #expect(a.nearestTeacher == b.nearestTeacher && a.isAligned == b.isAligned && a.isDead == b.isDead)
      #expect(a.group == b.group && a.observerSpan?.rank == b.observerSpan?.rank)
    }
    #expect(scaled.inputs.rank == plain.inputs.rank && scaled.teacher == plain.teacher)
    #expect(scaled.bands.map(\.witnesses?.counts) == plain.bands.map(\.witnesses?.counts))

    // The standard band is a share of the spread, and so needs no translation.
    func verdicts(_ audit: Audit) -> [String] { audit.teacherNodes.map { Self.name($0.verdict) } }
    let standard = try audit(of: Student(student), learning: Teacher(teacher), over: inputs)
    let elsewhere = try audit(
      of: Student(units.applied(to: student)), learning: Teacher(units.applied(to: teacher)),
      over: units.applied(to: inputs))
    #expect(verdicts(standard) == verdicts(elsewhere))
  }

  @Test("weights that are off by 1e-5, in units of 1e-4, 1e-6 and thousands, are no violation", arguments: 1...8)
  func smallUnits(key: UInt64) throws {
    let teacher = try Draw.network([5, 4, 3], key: 700 + key)
    var stream = RandomStream(key: key, purpose: .test, index: 6)
    let inputs = Draw.inputs(1500, 5, key: key)
    for (unit, bands) in [(1e-4, [3e-6, 1e-5]), (1e-6, [3e-8, 1e-7]), (1e3, [30, 100])] {
      var pair = (teacher, teacher, inputs)
      for i in pair.0.layers[0].weights.values.indices { pair.0[layer: 0].weights.values[i] /= unit }
      pair.1 = pair.0
      for i in pair.1.layers[0].weights.values.indices {
        pair.1[layer: 0].weights.values[i] *= 1 + 1e-5 * stream.normals(1, standardDeviation: 1)[0]
      }
      for i in pair.2.values.indices { pair.2.values[i] *= unit }
      let found = try audit(
        of: Student(pair.1), learning: Teacher(pair.0), over: pair.2,
        options: AuditOptions(bands: bands.map { .length($0) }))
      for node in found.teacherNodes {
        #expect(node.verdict.isFound, "unit \(unit): \(node.verdict)")
        #expect(try #require(node.alignment) < 1e-4 * unit * 1.5, "unit \(unit)")
      }
    }
  }

  @Test("the spread: the root of the mean variance, at any scale", arguments: [1e-200, 3e-9, 1, 7e12, 1e200])
  func spread(scale: Double) {
    // Variances of 1 and 4 about means that are not 0.
    let x = Matrix([[1, 10], [3, 14], [1, 14], [3, 10]].map { row in row.map { $0 * scale } })
    #expect(abs(inputSpread(of: x) / scale - 2.5.squareRoot()) < 1e-14)
    #expect(inputSpread(of: Matrix([[0.1 * scale, 3], [0.1 * scale, 3]])) == 1, "nothing to measure by")
  }
}

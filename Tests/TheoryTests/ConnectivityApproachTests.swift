import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Paths by way of smaller students") struct ConnectivityApproachTests {
  private static let gap = 0.02

  /// A student of loss 0 that holds no node on the teacher's boundaries: two nodes straddle each, with no sample between
  /// them, and `spareCount` nodes carry nothing.
  ///
  /// Beside the gap `1/2 phi(a + t) + 1/2 phi(a - t) = phi(a)`, for the gates agree there.
  private func straddling(_ teacher: Network, shift: Double, spareCount: Int, order: [Int], key: UInt64) throws
    -> Student
  {
    let (m, d, outputs) = (teacher.layers[0].nodeCount, teacher.inputCount, teacher.outputCount)
    let n = 2 * m + spareCount
    var stream = RandomStream(key: key, purpose: .test)
    var first = stream.normalMatrix(rowCount: n, columnCount: d, standardDeviation: 1)
    var biases = stream.normals(n, standardDeviation: 0.3)
    var last = Matrix(rowCount: outputs, columnCount: n)
    for half in 0..<2 * m {
      let (j, node, scale) = (half / 2, order[half], 0.5 + Double(half) / 4)
      let norm = euclideanNorm(teacher.layers[0].weights.row(j))
      for f in 0..<d { first[node, f] = scale * teacher.layers[0].weights[j, f] }
      biases[node] = scale * (teacher.layers[0].biasesOrZeros[j] + (half % 2 == 0 ? shift : -shift) * norm)
      for c in 0..<outputs { last[c, node] = teacher.layers[1].weights[c, j] / (2 * scale) }
    }
    return Student(
      try Network(
        layers: [
          DenseLayer(weights: first, biases: biases), DenseLayer(weights: last, biases: teacher.layers[1].biases),
        ], activation: .relu))
  }

  /// Inputs without samples near the teacher's boundaries.
  private func inputs(_ teacher: Network, count: Int) -> Matrix {
    let boundaries = Boundaries(of: teacher.layers[0])
    let drawn = Draw.inputs(3 * count, teacher.inputCount)
    let rows = (0..<drawn.rowCount).map { Array(drawn.row($0)) }.filter { x in
      (0..<boundaries.count).allSatisfy {
        abs(product(boundaries.directions.row($0), x) + boundaries.offsets[$0]) > Self.gap
      }
    }
    return Matrix(Array(rows.prefix(count)))
  }

  @Test(
    "one spare node is enough, though no node that is there can carry a boundary alone",
    arguments: [1, 2, 5])
  func straddlingStudents(spareCount: Int) throws {
    let teacher = try Draw.network([4, 3, 6], key: 201)
    let x = inputs(teacher, count: 400)
    let targets = try teacher.outputs(for: x)
    let n = 6 + spareCount
    let a = try straddling(teacher, shift: 0.015, spareCount: spareCount, order: Array(0..<n), key: 1)
    let b = try straddling(teacher, shift: 0.008, spareCount: spareCount, order: (0..<n).reversed(), key: 2)
    for student in [a, b] { #expect(try halfMeanSquare(of: student.network, over: x, targets: targets) < 1e-28) }

    let canonical = (try merge(a, over: x, targets: targets), try merge(b, over: x, targets: targets))
    #expect(canonical.0.unitCount == 3 && canonical.1.unitCount == 3)
    let path = try constructedPath(from: a, to: b, over: x, targets: targets, canonical: canonical)
    #expect(path.segments.first?.from == a.network && path.segments.last?.to == b.network)
    for (segment, next) in zip(path.segments, path.segments.dropFirst()) { #expect(segment.to == next.from) }
    var largest = 0.0
    for segment in path.segments {
      largest = max(largest, try losses(along: segment, pointCount: 21, over: x, targets: targets).max() ?? 0)
      let (from, to) = (segment.from, segment.to)
      // Of each segment either nothing below moves, or only nodes that carry nothing.
      let carrying = (0..<n).filter { k in (0..<6).contains { from.layers[1].weights[$0, k] != 0 } }
      if from.layers[1] == to.layers[1] {
        #expect(
          carrying.allSatisfy { from.layers[0].weights.row($0) == to.layers[0].weights.row($0) }, "\(segment.what)")
      } else {
        #expect(from.layers[0] == to.layers[0], "\(segment.what)")
      }
    }
    #expect(largest < 1e-22)
  }

  @Test("without a spare node the path costs what freeing the first node costs, and no more")
  func withoutSpareNode() throws {
    let teacher = try Draw.network([4, 3, 6], key: 202)
    let x = inputs(teacher, count: 400)
    let targets = try teacher.outputs(for: x)
    let a = try straddling(teacher, shift: 0.015, spareCount: 0, order: Array(0..<6), key: 1)
    let canonical = try merge(a, over: x, targets: targets)
    let approach = try #require(try CanonicalApproach(of: a, to: canonical, over: x))
    let ends = try approach.steps.map { try halfMeanSquare(of: $0.segment.to, over: x, targets: targets) }
    // The cheapest node to do without, by trying each with all others refitted.
    let outputs = try a.network.outputs(for: x)
    let expected =
      try (0..<6).map { k in
        var without = a.network
        for c in 0..<6 { without.layers[1].weights[c, k] = 0 }
        let fitted = refitted(without, on: (0..<6).filter { $0 != k }, over: x, outputs: outputs)
        return try halfMeanSquare(of: fitted, over: x, targets: targets)
      }.min() ?? 0
    #expect(expected > 1e-12)
    // Both are the same least squares, solved for other columns: alike to rounding of the outputs, 1e-13 of a loss of 1e-6.
    #expect(abs(ends[0] / expected - 1) < 1e-6)
    // The first unit comes in at that price; from then on there is room, and nothing costs more.
    #expect(ends.allSatisfy { $0 < 1.1 * ends[0] })
    // It ends with the smaller student's units, and with its outputs.
    #expect((ends.last ?? 1) < 1e-24)
    let carrying = (0..<6).filter { k in (0..<6).contains { approach.network.layers[1].weights[$0, k] != 0 } }
    #expect(carrying.count == 3)
  }
}

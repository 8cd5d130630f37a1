import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Proofs by witnesses") struct WitnessTests {
  /// Random features whose output weights interpolate a small set and its teacher-aware copies: the gradients vanish on D',
  /// every witness is explained by some feature, and no feature is the teacher's.
  @Test(
    "random features that interpolate the data prove nothing, and are no violation",
    arguments: [(5, 1, 60, 300, 0.2), (3, 1, 40, 150, 0.2), (4, 2, 30, 260, 0.3), (10, 1, 60, 320, 0.2)], 1...2)
  func interpolation(size: (d: Int, m: Int, count: Int, features: Int, step: Double), key: UInt64) throws {
    let (d, m) = (size.d, size.m)
    var stream = RandomStream(key: key, purpose: .test, index: size.features)
    var rows = stream.normalMatrix(rowCount: m, columnCount: d, standardDeviation: 1)
    for j in 0..<m {
      let norm = euclideanNorm(rows.row(j))
      for f in 0..<d { rows[j, f] /= norm }
    }
    let teacher = try Network(
      layers: [
        NetworkLayer(weights: rows, biases: [Double](repeating: 0, count: m)),
        NetworkLayer(
          weights: stream.normalMatrix(rowCount: 2, columnCount: m, standardDeviation: 1), biases: [0, 0]),
      ], activation: .relu)
    let x = stream.normalMatrix(rowCount: size.count, columnCount: d, standardDeviation: 1)
    let augmented = Augmentation(scheme: .teacherAware, step: size.step).apply(to: x, for: Teacher(teacher))
    let features = NetworkLayer(
      weights: stream.normalMatrix(rowCount: size.features, columnCount: d, standardDeviation: 1),
      biases: stream.normals(size.features, standardDeviation: 1))
    var activations = Matrix(rowCount: augmented.rowCount, columnCount: size.features + 1, repeating: 1)
    let z = features.preactivations(over: augmented)
    for i in 0..<augmented.rowCount {
      for k in 0..<size.features { activations[i, k] = max(0, z[i, k]) }
    }
    let fit = try #require(
      LinearAlgebra.leastSquares(activations, try teacher.outputs(for: augmented), cutoff: 1e-13)
    ).solution.transposed
    let student = try Network(
      layers: [
        features,
        NetworkLayer(
          weights: Matrix((0..<2).map { Array(fit.row($0).dropLast()) }), biases: fit.column(size.features)),
      ], activation: .relu)

    let found = try audit(
      of: Student(student), learning: Teacher(teacher), over: x,
      options: AuditOptions(bands: [.length(size.step)]))
    #expect(found.bands[0].awareGradients.largest < 1e-6, "it interpolates")
    for (j, node) in found.teacherNodes.enumerated() {
      if case .violation(let what) = node.verdict { Issue.record("node \(j): a violation: \(what)") }
      // A feature may happen to be near d + 1 witnesses; what is proven then holds.
      if let proven = node.proven, let alignment = node.alignment { #expect(alignment <= proven) }
    }
    #expect(try #require(found.bands[0].witnesses).unexplainedCounts.allSatisfy { $0 == 0 })
  }

  /// Hyperplanes that pass within s of all points, drawn at random: none may be further apart than the points prove.
  @Test("no two hyperplanes within a step of the witnesses are further apart than is proven", arguments: 1...40)
  func bound(key: UInt64) throws {
    var stream = RandomStream(key: key, purpose: .test, index: 3)
    let d = 1 + Int(stream.integers(1, below: 6)[0])
    let (q, step) = (d + 1 + Int(stream.integers(1, below: 20)[0]), power(10, 4 * stream.uniforms(1)[0] - 3))
    let center = stream.normals(d, standardDeviation: 3)
    // Points within s of the hyperplane u . x = u . center, spread along it.
    func unit(_ vector: [Double]) -> [Double] {
      let norm = euclideanNorm(vector)
      return vector.map { $0 / norm }
    }
    let u = unit(stream.normals(d, standardDeviation: 1))
    var rows: [[Double]] = []
    for _ in 0..<q {
      let p = stream.normals(d, standardDeviation: 1)
      let (along, height) = (dotProduct(p, u), step * (2 * stream.uniforms(1)[0] - 1))
      rows.append((0..<d).map { center[$0] + p[$0] + (height - along) * u[$0] })
    }
    let witnesses = Matrix(rows)
    let proof = AlignmentProof(student: 0, step: step, witnesses: witnesses)
    let means = (0..<d).map { f in witnesses.column(f).reduce(0, +) / Double(q) }
    let centred = Matrix(rows.map { row in zip(row, means).map { $0 - $1 } })
    let spread = try #require(LinearAlgebra.singularValues(of: centred)).values
    // In one dimension there is no angle; else a sine of 1 is no proof.
    #expect((proof != nil) == (d == 1 || 2 * step * Double(q).squareRoot() < spread[d - 2]))
    guard let proof else { return }
    let first = Boundaries(of: NetworkLayer(weights: Matrix([u]), biases: [-dotProduct(u, center)]))
    // The other hyperplane: turned as far as keeps every point within a step, by bisection over the angle.
    for _ in 0..<20 {
      let direction = stream.normals(d, standardDeviation: 1)
      func other(_ angle: Double) -> Boundaries {
        let v = unit(zip(u, direction).map { $0 + angle * $1 })
        let heights = (0..<q).map { dotProduct(v, witnesses.row($0)) }
        let middle = (heights.reduce(.infinity, min) + heights.reduce(-.infinity, max)) / 2
        return Boundaries(of: NetworkLayer(weights: Matrix([v]), biases: [-middle]))
      }
      func fits(_ boundaries: Boundaries) -> Bool {
        (0..<q).allSatisfy {
          abs(dotProduct(boundaries.directions.row(0), witnesses.row($0)) + boundaries.offsets[0]) < step
        }
      }
      var (low, high) = (0.0, 8.0)
      for _ in 0..<60 {
        let middle = (low + high) / 2
        if fits(other(middle)) { low = middle } else { high = middle }
      }
      guard fits(other(low)), let relation = first.relation(of: 0, to: other(low), 0) else { continue }
      #expect(proof.holds(for: relation), "d \(d), q \(q), s \(step): \(relation) against \(proof)")
    }
  }

  @Test("too few witnesses, and witnesses on a line, prove nothing; one dimension needs no direction")
  func limits() {
    let few = Matrix([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    #expect(AlignmentProof(student: 0, step: 1e-3, witnesses: few) == nil)
    let line = Matrix((0..<20).map { [Double($0), 2 * Double($0), 3] })
    #expect(AlignmentProof(student: 0, step: 1e-3, witnesses: line) == nil)
    #expect(AlignmentProof(student: 0, step: 1e-3, witnesses: Matrix([[1], [1.0001]]))?.sine == 0)
    // A square of deviation 1 along two axes of three: sigma_2 / sqrt(q) = 1, so sine <= 2 s.
    let square = Matrix([[1, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0]])
    let proof = AlignmentProof(student: 4, step: 0.01, witnesses: square)
    #expect(abs((proof?.sine ?? 0) - 0.02) < 1e-15 && abs((proof?.offsetDifference ?? 0) - 0.02) < 1e-15)
    #expect(AlignmentProof(student: 4, step: 0.6, witnesses: square) == nil, "wider than the cloud")
  }
}

import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

/// Inputs that vary little along some directions, as images do: what is matched, and what is not determined.
@Suite("Audits over inputs of low rank") struct LowRankAuditTests {
  /// Inputs about a mean that is not 0, with these deviations along the axes; features of deviation 0 are constant.
  private static func inputs(_ deviations: [Double], count: Int = 1500) -> Matrix {
    var x = Draw.inputs(count, deviations.count, key: 31, deviation: 1)
    for i in 0..<count {
      for f in deviations.indices { x[i, f] = deviations[f] * x[i, f] + 0.2 * Double(f) }
    }
    return x
  }

  private static func preactivations(_ layer: NetworkLayer, _ node: Int, _ x: Matrix) -> [Double] {
    (0..<x.rowCount).map { i in
      zip(layer.weights.row(node), x.row(i)).reduce(layer.biases?[node] ?? 0) { $0 + $1.0 * $1.1 }
    }
  }

  @Test("what the inputs see is what plain loops over pre-activations and activations give")
  func againstPlainLoops() throws {
    let x = Self.inputs([2, 1, 0.5, 0.1, 0.02, 0])
    let (teacher, student) = (try Draw.network([6, 4, 3], key: 211), try Draw.network([6, 9, 3], key: 212))
    let found = try audit(of: Student(student), learning: Teacher(teacher), over: x)
    let spread = found.inputs.spread
    for (j, node) in found.teacherNodes.enumerated() {
      let z = Self.preactivations(teacher.layers[0], j, x)
      let all = (0..<9).map { Self.preactivations(student.layers[0], $0, x) }
      let nearest = try #require(node.alignedStudent)
      let r = Plain.correlation(z, all[nearest])
      #expect(abs(try #require(node.seenSine) - (1 - r * r).squareRoot()) < 1e-9)
      let rhos = all.map { other in Plain.correlation(z.map { max(0, $0) }, other.map { max(0, $0) }) }
      let best = try #require(rhos.max())
      #expect(node.correlatedStudent == rhos.firstIndex(of: best))
      #expect(abs(try #require(node.mismatch) - spread * (1 - best * best).squareRoot()) < 1e-7 * spread)
    }
  }

  @Test(
    "over inputs that vary equally, the seen sine is the sine, and a node at an angle has about as large a mismatch")
  func isotropic() throws {
    let teacher = try Draw.network([4, 1, 2], key: 221, hasBiases: false)
    var student = teacher
    let w = Array(teacher.layers[0].weights.row(0))
    // Orthogonal to the node.
    let turn = [w[1], -w[0], w[3], -w[2]]
    for f in 0..<4 { student[layer: 0].weights[0, f] += 0.1 * turn[f] }
    // All signs and orders of four numbers: equal variances, no covariances, mean 0.
    var rows: [[Double]] = []
    for signs in 0..<16 {
      for shift in 0..<4 {
        rows.append((0..<4).map { ((signs >> $0) & 1 == 0 ? 1 : -1) * [0.3, 1.1, 0.7, 2][($0 + shift) % 4] })
      }
    }
    let found = try audit(of: Student(student), learning: Teacher(teacher), over: Matrix(rows)).teacherNodes[0]
    let sine = 0.1 / 1.01.squareRoot()
    #expect(abs((found.relation?.sine ?? 0) - sine) < 1e-14 && abs((found.seenSine ?? 0) - sine) < 1e-13)
    let spread = inputSpread(of: Matrix(rows))
    let mismatch = try #require(found.mismatch) / spread
    #expect(mismatch > 0.6 * sine && mismatch < 1.7 * sine, "\(mismatch) beside \(sine)")
  }

  @Test("weights along constant and nearly constant features: matched, and not determined", arguments: [0, 1e-3])
  func unseenWeights(thin: Double) throws {
    let x = Self.inputs([1, 1.5, thin, 0])
    let teacher = try Draw.network([4, 3, 3], key: 231)
    var student = teacher
    for k in 0..<3 {
      for f in 2..<4 {
        let more = Double(k + f)
        student[layer: 0].weights[k, f] += more
        // The features' means are 0.4 and 0.6.
        student[layer: 0].biases?[k] -= more * 0.2 * Double(f)
      }
    }
    let found = try audit(of: Student(student), learning: Teacher(teacher), over: x)
    #expect(found.inputs.rank == (thin > 0 ? 3 : 2) && found.inputs.rank(above: found.bands[0].width) == 2)
    for (j, node) in found.teacherNodes.enumerated() {
      #expect(try #require(node.relation?.sine) > 0.5, "the weights are others")
      #expect((node.mismatch ?? 1) < 20 * max(thin, 1e-7) && node.correlatedStudent == j)
      #expect(node.verdict == .matchedOnInputs(rank: 2, dimension: 4) && !node.verdict.isFound && node.predicted == nil)
    }
    #expect(found.studentNodes.map(\.matchedTeacher) == [0, 1, 2] && !found.studentNodes.contains(where: \.isAligned))
  }

  @Test("units do not matter, nor the scales of nodes")
  func units() throws {
    let x = Self.inputs([2, 1, 0.3, 0.01, 0])
    let (teacher, student) = (try Draw.network([5, 3, 3], key: 241), try Draw.network([5, 6, 3], key: 242))
    let first = try audit(of: Student(student), learning: Teacher(teacher), over: x)
    var (larger, rescaled) = (x, student)
    for i in larger.values.indices { larger.values[i] *= 1024 }
    var fitted = teacher
    for f in 0..<5 {
      for j in 0..<3 { fitted[layer: 0].weights[j, f] /= 1024 }
      for k in 0..<6 { rescaled[layer: 0].weights[k, f] *= 8.0 / 1024 }
    }
    for k in 0..<6 {
      rescaled[layer: 0].biases?[k] *= 8
      for c in 0..<3 { rescaled[layer: 1].weights[c, k] /= 8 }
    }
    let second = try audit(of: Student(rescaled), learning: Teacher(fitted), over: larger)
    for (a, b) in zip(first.teacherNodes, second.teacherNodes) {
      #expect(a.verdict == b.verdict && a.correlatedStudent == b.correlatedStudent)
      #expect(abs(try #require(b.seenSine) - (try #require(a.seenSine))) < 1e-10)
      #expect(abs((b.mismatch ?? 0) / 1024 - (a.mismatch ?? 0)) < 1e-9 && (a.mismatch == nil) == (b.mismatch == nil))
    }
  }

  @Test("directions that hold a share of the variance")
  func directions() throws {
    // Variances of 4, 1, 1/4 and 0 along the axes.
    let x = Matrix([[2, 0, 0, 3], [-2, 0, 0, 3], [0, 1, 0, 3], [0, -1, 0, 3], [0, 0, 0.5, 3], [0, 0, -0.5, 3]])
    let found = try diagnosis(of: x)
    #expect([0.5, 0.76, 0.77, 0.95, 0.96, 1].map(found.directionCount) == [1, 1, 2, 2, 3, 3])
    #expect(found.rank(above: 0.1) == 3 && found.rank(above: 0.5) == 2)
    #expect(
      found.seenSine([1, 0, 0, 5], [-2, 0, 0, 0]) ?? 1 < 1e-13, "the constant feature and the orientation do not count")
    #expect(found.seenSine([0, 0, 0, 1], [1, 0, 0, 0]) == nil, "what does not vary has no angle")
    #expect(abs((found.seenSine([1, 0, 0, 0], [0, 1, 0, 0]) ?? 0) - 1) < 1e-14)
    #expect(try diagnosis(of: Matrix([[1, 2], [1, 2]])).directionCount(holding: 0.99) == 0)
  }
}

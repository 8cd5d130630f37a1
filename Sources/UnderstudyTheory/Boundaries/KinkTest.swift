import UnderstudyNetworks
import UnderstudyNumerics

/// The witnesses of the kink test: samples at which a small gradient forces a student's boundary to be near a teacher's.
public struct KinkWitnesses: Sendable, Equatable {
  /// s, the step of the second difference and the width of the band, in units of the input.
  public let step: Double
  /// Witnesses of each teacher node, `[teacher node]`.
  public var counts: [Int]
  /// The student node whose boundary explains most witnesses of each teacher node; nil without witnesses. `[teacher node]`.
  public var explainingStudents: [Int?]
  /// Witnesses of each teacher node that its explaining student explains, `[teacher node]`.
  public var explainedCounts: [Int]
  /// What those prove of the two boundaries, `[teacher node]`; nil where they prove nothing.
  public var proofs: [AlignmentProof?]
  /// Witnesses near which no student's boundary passes, `[teacher node]`: an impossibility, unless the gradients belong to
  /// another student.
  public var unexplainedCounts: [Int]
}

/// What the witnesses that one student node explains prove of its boundary and a teacher node's.
///
/// Both boundaries pass within a step of every such witness. With X the witnesses about their mean, q of them, and sigma_1 >=
/// ... >= sigma_d its singular values, a unit vector whose hyperplane does so has `||X u|| <= s sqrt(q)`, so the part of it
/// that is perpendicular to the last right singular vector is at most `s sqrt(q) / sigma_{d-1}` long. That bounds the angle of
/// either normal with one direction, and so the angle between them.
///
/// Witnesses that are explained by different student nodes prove nothing about any one of them: random features interpolate
/// small sets that way.
public struct AlignmentProof: Sendable, Equatable {
  /// The student node whose boundary passes near all of the witnesses.
  public var student: Int
  /// q, at least d + 1.
  public var witnessCount: Int
  /// The largest sine of the angle between the two boundaries, below 1: `2 s sqrt(q) / sigma_{d-1}`.
  public var sine: Double
  /// The largest difference of their offsets, in units of the input: 2 s, and the chord of the angle times the distance of the
  /// witnesses' mean from the origin.
  public var offsetDifference: Double

  /// The eps for which the two nodes are proven to be eps-aligned, in units of the input.
  public func epsilon(spread: Double) -> Double { max(spread * sine, offsetDifference) }

  /// Whether two boundaries are as the proof says. If they are not, the proof was made of other boundaries.
  public func holds(for relation: BoundaryRelation) -> Bool {
    // Both sides are sums of d products: rounding is far below a share of 1e-9.
    relation.sine <= (1 + 1e-9) * sine && relation.offsetDifference <= (1 + 1e-9) * offsetDifference
  }

  /// - Parameter witnesses: `[witness, feature]`, at least one.
  /// - Returns: nil for fewer than d + 1 witnesses, and where the bound is 1 or more: their cloud is too thin for the step.
  /// - Complexity: O(witnesses x features^2 + features^3).
  /// - Source: derived, see the derivation of the kink test.
  init?(student: Int, step: Double, witnesses: Matrix) {
    let (q, d) = (witnesses.rowCount, witnesses.columnCount)
    guard q > d else { return nil }
    let centred = Centred(witnesses)
    var bound = 0.0
    if d > 1 {
      let gram = LinearAlgebra.product(centred.values, transposingFirst: true, centred.values)
      // Rounding of a product of q terms in the largest of them: below it, a singular value is none.
      guard let squares = LinearAlgebra.symmetricEigenvalues(gram), squares[1] > 1e-12 * squares[d - 1] else {
        return nil
      }
      bound = 2 * step * Double(q).squareRoot() / (centred.unit * squares[1].squareRoot())
    }
    guard bound < 1 else { return nil }
    // chord^2 (1 - chord^2 / 4) = sine^2, for angles of up to a right one.
    let chord = (2 * (1 - (1 - bound * bound).squareRoot())).squareRoot()
    self.student = student
    witnessCount = q
    sine = bound
    offsetDifference = 2 * step + chord * euclideanNorm(centred.mean)
  }
}

/// The local step of the finite-data statement's proof, exact and checked on data.
///
/// For a unit direction u and a step s, `phi(a + t) + phi(a - t) - 2 phi(a) = (1 - c) max(0, |t| - |a|)`. So at a sample x
/// with x - su, x and x + su all in E_k, the second difference of g_k is `(1 - c)` times the sum over teacher nodes j of
/// `alpha_kj ||w*_j|| (s |u . w*_j| - |dist_j(x)|)_+` less the same for the student's nodes with beta, and its size is at most
/// `4 max |g_k|`. With u along w*_j, if j's own term is larger and no other teacher's boundary interferes, a student's
/// boundary must: x is a witness. In deeper networks the gates above must agree at the three points besides.
///
/// - Shape: `inputs` is `[sample, feature]`, `nodeMaxima` is `[student node]`.
/// - Parameters:
///   - nodeMaxima: `max |g_k|` of each student node over the inputs and their copies moved along the teacher's weights by
///     `step`: ``sampleGradients(of:learning:over:augmentedBy:progress:)`` with `teacherAware`.
///   - sampleLimit: in networks of more than two layers, candidates tried for each teacher node.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x (teacher + student nodes) x features + samples in bands x student nodes + witnesses x
///   features^2 + teacher nodes x features^3).
/// - Source: derived, see the derivation of the kink test.
public func kinkWitnesses(
  of teacher: Teacher, in student: Student, over inputs: Matrix, step: Double, nodeMaxima: [Double],
  sampleLimit: Int = 200
) throws(ShapeError) -> KinkWitnesses {
  try checkPair(teacher, student, over: inputs)
  precondition(nodeMaxima.count == student.network.hiddenCounts[0] && step > 0)
  var test = KinkTest(teacher: teacher.network, student: student.network, step: step, nodeMaxima: nodeMaxima)
  for block in SampleBlockSequence(inputs) {
    let teacherDistances = test.teacherBoundaries.layer.preactivations(of: block.inputs)
    let studentDistances = test.studentBoundaries.layer.preactivations(of: block.inputs)
    for j in 0..<test.teacherBoundaries.count where test.teacherBoundaries.hasBoundary(j) {
      // At the very edge of the band the kink is as small as rounding errors, and would be a witness of those; a distance
      // is a difference of numbers as large as the sample and the offset.
      for i in 0..<block.validCount where abs(teacherDistances[j, i]) < (1 - 1e-6) * step {
        let size = euclideanNorm(inputs.row(block.first + i)) + abs(test.teacherBoundaries.offsets[j])
        guard abs(teacherDistances[j, i]) + test.roundings * size < step,
          test.isFree(j, teacherDistances, column: i)
        else { continue }
        if test.isDeep {
          guard test.candidateCounts[j] < sampleLimit else { break }
          test.candidateCounts[j] += 1
        }
        guard let region = test.region(around: inputs.row(block.first + i), along: j) else { continue }
        test.test(
          j, region: region, teacherDistances: teacherDistances, studentDistances: studentDistances, column: i,
          sample: block.first + i)
      }
    }
  }
  return test.witnesses(among: inputs)
}

private struct KinkTest {
  let teacherBoundaries: Boundaries
  let studentBoundaries: Boundaries
  let isDeep: Bool
  /// Of a distance, relative to what it is a difference of: a few for each term of the sum.
  let roundings: Double
  var candidateCounts: [Int]
  private let teacher: Network
  private let student: Network
  private let step: Double
  private let nodeMaxima: [Double]
  private var regions: RegionTable
  /// s |u_j . u_j'| between teacher nodes, and s (u_j . u_k) with the student's.
  private let teacherReach: Matrix
  private let studentReach: Matrix
  private let onlyRegion: Region?
  /// The samples that are witnesses of each teacher node.
  private var samples: [[Int]]
  private var unexplained: [Int]
  /// Witnesses explained, `[teacher node, student node]`.
  private var explained: [[Int]]

  init(teacher: Network, student: Network, step: Double, nodeMaxima: [Double]) {
    self.teacher = teacher
    self.student = student
    self.step = step
    self.nodeMaxima = nodeMaxima
    let (ours, theirs) = (Boundaries(of: teacher.layers[0]), Boundaries(of: student.layers[0]))
    (teacherBoundaries, studentBoundaries) = (ours, theirs)
    isDeep = !teacher.isTwoLayer
    roundings = 8 * Double(teacher.inputCount + 1) * Double.ulpOfOne
    var regions = RegionTable(teacher: teacher, student: student)
    if isDeep {
      onlyRegion = nil
    } else {
      let anywhere = [Double](repeating: 0, count: teacher.inputCount)[...]
      onlyRegion = regions.region(
        of: JointPreactivations(of: [anywhere], teacher: teacher, student: student), column: 0)
    }
    self.regions = regions
    func reach(_ other: Boundaries) -> Matrix {
      var result = Matrix(rowCount: ours.count, columnCount: other.count)
      for j in 0..<ours.count {
        for k in 0..<other.count { result[j, k] = step * dotProduct(ours.directions.row(j), other.directions.row(k)) }
      }
      return result
    }
    teacherReach = reach(ours)
    studentReach = reach(theirs)
    samples = [[Int]](repeating: [], count: ours.count)
    unexplained = [Int](repeating: 0, count: ours.count)
    candidateCounts = unexplained
    explained = [[Int]](repeating: [Int](repeating: 0, count: theirs.count), count: ours.count)
  }

  /// Whether no other teacher's boundary has a part in the second difference along node j at a sample.
  func isFree(_ j: Int, _ distances: Matrix, column: Int) -> Bool {
    (0..<teacherBoundaries.count).allSatisfy {
      $0 == j || abs(teacherReach[j, $0]) <= abs(distances[$0, column])
    }
  }

  /// The region of the three points x - su, x, x + su; nil if they lie in different ones.
  mutating func region(around sample: ArraySlice<Double>, along j: Int) -> Region? {
    if let onlyRegion { return onlyRegion }
    let u = teacherBoundaries.directions.row(j)
    let (up, down) = (zip(sample, u).map { $0 + step * $1 }, zip(sample, u).map { $0 - step * $1 })
    let z = JointPreactivations(of: [sample, up[...], down[...]], teacher: teacher, student: student)
    let key = z.upperGates(column: 0)
    guard z.upperGates(column: 1) == key, z.upperGates(column: 2) == key else { return nil }
    return regions.region(of: z, column: 0)
  }

  /// Counts a sample as a witness of j if some student node's gradient is too small for j's kink to stand alone.
  mutating func test(
    _ j: Int, region: Region, teacherDistances: Matrix, studentDistances: Matrix, column: Int, sample: Int
  ) {
    let slopeJump = 1 - student.activation.negativeSlope
    let kink = slopeJump * teacherBoundaries.norms[j] * (step - abs(teacherDistances[j, column]))
    let isWitness = (0..<studentBoundaries.count).contains { k in
      // All three points are active for k if the middle one is by more than k's pre-activation changes.
      studentDistances[k, column] > abs(studentReach[j, k])
        && abs(region.alpha[k, j]) * kink > 4 * nodeMaxima[k]
    }
    guard isWitness else { return }
    samples[j].append(sample)
    var isExplained = false
    for k in 0..<studentBoundaries.count where explains(k, j, distance: studentDistances[k, column]) {
      explained[j][k] += 1
      isExplained = true
    }
    if !isExplained { unexplained[j] += 1 }
  }

  /// Whether student node k's boundary crosses the way from x - su to x + su, x being at some distance from it.
  private func explains(_ k: Int, _ j: Int, distance: Double) -> Bool {
    studentBoundaries.hasBoundary(k) && abs(studentReach[j, k]) > abs(distance)
  }

  func witnesses(among inputs: Matrix) -> KinkWitnesses {
    let best = samples.indices.map { j in
      samples[j].isEmpty ? nil : explained[j].indices.max { explained[j][$0] < explained[j][$1] }
    }
    return KinkWitnesses(
      step: step, counts: samples.map(\.count), explainingStudents: best,
      explainedCounts: best.enumerated().map { j, k in k.map { explained[j][$0] } ?? 0 },
      proofs: best.enumerated().map { j, k in k.flatMap { proof(of: j, student: $0, inputs) } },
      unexplainedCounts: unexplained)
  }

  private func proof(of j: Int, student k: Int, _ inputs: Matrix) -> AlignmentProof? {
    guard explained[j][k] > inputs.columnCount else { return nil }
    let (direction, offset) = (studentBoundaries.directions.row(k), studentBoundaries.offsets[k])
    let rows = samples[j].map { inputs.row($0) }.filter { explains(k, j, distance: dotProduct(direction, $0) + offset) }
    return rows.isEmpty ? nil : AlignmentProof(student: k, step: step, witnesses: Matrix(rows.map(Array.init)))
  }
}

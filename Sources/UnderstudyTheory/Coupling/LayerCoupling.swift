import UnderstudyNetworks
import UnderstudyNumerics

/// The coupling of one hidden layer of a student with the same layer of its teacher and with itself, over samples:
/// `A_l(x) = V_l(x)^T V*_l(x)`, `B_l(x) = V_l(x)^T V_l(x)`.
///
/// `V_l(x)` carries the activations of layer l to the output. It depends on the gates above l at x and on the weights above
/// l, both taken from the one student that is measured. Of a network with batch normalisation after the activation, folded,
/// the activations of layer l are those before the normalisation, whose scale is in `V_l`: strengths, A and B refer to them.
public struct LayerCoupling: Sendable, Equatable {
  /// E[beta_kk], `[student node]`.
  public var meanBetaDiagonal: [Double]
  /// min over all samples, near node j's boundary or not, of |alpha_kj|, k the student node given for teacher node j; 0 where none was. `[teacher node]`.
  public var smallestAlphas: [Double]
  /// E[|alpha_kj|] for the same pairs. `[teacher node]`.
  public var meanAbsoluteAlphas: [Double]
  /// E[A_l], `[student node, teacher node]`, if asked for.
  public var meanAlpha: Matrix?
  /// E[B_l], `[student node, student node]`, if asked for.
  public var meanBeta: Matrix?
  /// Distinct patterns of the gates above this layer, teacher and student, at the samples; 1 at the highest hidden layer.
  public var regionCount: Int
  /// Samples that all this is taken over.
  public var sampleCount: Int

  /// sqrt(E[beta_kk]): how much the activation of each student node, before a normalisation that follows it, matters for the
  /// output, the height in the L-shape.
  public var strengths: [Double] { meanBetaDiagonal.map { $0.squareRoot() } }
}

/// What ``layerCoupling(of:with:over:matches:parts:sampleLimit:precision:instructions:)`` computes besides the diagonals and
/// the given pairs.
public struct LayerCouplingParts: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// E[A_l] of every hidden layer.
  public static let meanAlpha = LayerCouplingParts(rawValue: 1)
  /// E[B_l] of every hidden layer.
  public static let meanBeta = LayerCouplingParts(rawValue: 2)
}

/// Measures the coupling of every hidden layer, lowest first, by carrying `V_l(x)` from the output down:
/// `V_{l-1} = V_l D_l W_l`, for each sample by itself.
///
/// Gates are those of double precision whatever `Scalar` is, so single precision rounds the couplings and moves no sample to
/// another region. At the highest hidden layer V is the output layer's weights and no sample is needed.
///
/// - Parameters:
///   - matches: for each hidden layer and teacher node j the student node k whose alpha_kj is followed, as in
///     ``NodeCorrelation/matches``; empty for none at all.
///   - parts: the whole matrices, where they are wanted; they are most of the work.
///   - sampleLimit: at most so many samples are taken, evenly spread over `inputs`.
///   - precision: the arithmetic of V, A and B. Single precision takes half the time and memory, and its sums over 64 samples
///     are added up in double precision.
/// - Shape: `inputs` is `[sample, feature]`; the result `[hidden layer]`.
/// - Units: alpha and beta in (output / activation)^2.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, the inputs neither, or the matches name nodes that are
///   not there.
/// - Complexity: O(samples x outputs x sum over layers of (n_l n_{l-1})), for ReLU half of it, as gates that are off are left
///   out; with E[B] O(samples x outputs x n_l^2 / 2) more for each layer, with E[A] n_l m_l. Memory for the weights, the
///   matrices asked for, and V of eight samples.
/// - Source: Tian 2020, arXiv:1909.13458, the recursive gradient rule and its matrices A and B.
public func layerCoupling<Scalar: KernelScalar>(
  of teacher: Teacher, with student: Student, over inputs: Matrix, matches: [[Int?]] = [],
  parts: LayerCouplingParts = [], sampleLimit: Int = 512, precision _: Scalar.Type = Double.self,
  instructions: InstructionSet = .best
) throws(ShapeError) -> [LayerCoupling] {
  try checkPair(teacher, student, over: inputs)
  try check(matches, of: teacher, with: student)
  let sums = LayerCouplingSums<Scalar>(
    teacher: teacher.network, student: student.network, matches: matches, parts: parts, instructions: instructions)
  let chosen = evenlySpread(inputs, limit: sampleLimit)
  for block in SampleBlockSequence(chosen) { sums.add(block) }
  return sums.couplings
}

/// At most `limit` rows of `inputs`, evenly spread.
func evenlySpread(_ inputs: Matrix, limit: Int) -> Matrix {
  let wanted = max(1, min(limit, inputs.rowCount))
  guard wanted < inputs.rowCount else { return inputs }
  return inputs.rows((0..<wanted).map { $0 * inputs.rowCount / wanted })
}

private func check(_ matches: [[Int?]], of teacher: Teacher, with student: Student) throws(ShapeError) {
  let (m, n) = (teacher.network.hiddenCounts, student.network.hiddenCounts)
  guard !matches.isEmpty else { return }
  guard matches.map(\.count) == m else {
    throw ShapeError(
      "matches are given for \(matches.map(\.count)) teacher nodes a hidden layer, and the teacher has \(m)")
  }
  for (layer, ks) in matches.enumerated() {
    for (j, k) in ks.enumerated() {
      guard let k, !(0..<n[layer]).contains(k) else { continue }
      throw ShapeError(
        "hidden layer \(layerLabel(ofIndex: layer)): teacher node \(j) is matched with student node \(k), but nodes are "
          + "counted from 0 and there are \(n[layer])")
    }
  }
}

import UnderstudyNumerics

/// The damped Gauss-Newton system of a two-layer student, formed without its output layer and solved directly.
///
/// With `x` the inputs (a trailing 1 with biases), `D_k` the gate of student node k, `F` the activations (again with a
/// trailing 1) and `v_k` the fan-out weights, the Jacobian of output c is `v_kc D_k x` towards node k's first-layer row and
/// `F` towards output c's own row. So the Hessian of the squares (summed over samples) is made of
///
///     first, first:  beta_kk' A_kk',      A_kk' = sum D_k D_k' x x^T,  beta_kk' = v_k . v_k'
///     first, last:   v_kc P_k,            P_k   = sum D_k x F^T
///     last, last:    G for each output,   G     = sum F F^T
///
/// The output layer enters linearly and is eliminated: with `G' = G + damping`,
///
///     S_kk' = beta_kk' (A_kk' - P_k G'^-1 P_k'^T) + damping,   S delta_first = b_k - P_k G'^-1 (F^T R) v_k
///
/// has n (d + 1) unknowns whatever the number of outputs, and nothing of size samples x outputs x weights is formed.
///
/// `A_kk'` depends on the weights only through the gates. It is kept, and from step to step only the samples whose gates
/// flipped are added and subtracted; near the end almost none do, and the factorisation is all that is left to pay. (Against
/// one symmetric product of all gated inputs, the sums over the samples that two nodes share also save a factor of 8.)
struct SchurComplementSolver: LeastSquaresSolver {
  private let nodeCount: Int
  private let problem: LeastSquaresProblem
  /// Sum over the samples active at both nodes of `x x^T`, lower triangles; pair (a, b), b <= a, at `a (a + 1) / 2 + b`.
  private var jointGrams: [Matrix]
  /// Which samples are active at each node when `jointGrams` was last brought up to date, 64 a word.
  private var gates: [[UInt64]]
  /// `sum x x^T` over all samples; only for leaky nodes.
  private let fullGram: Matrix?
  /// P_k, one under the other: `[student node and feature, activation]`.
  private(set) var mixed: Matrix
  /// G; lower triangle.
  private(set) var activationGram: Matrix
  /// Minus the gradient: `[student node, feature]`, and of the output layer `[activation, output]`.
  private var (pull, lastPull) = (Matrix([]), Matrix([]))
  /// v_k, `[student node, output]`.
  private var fanOut = Matrix([])
  /// beta
  private var strengths = Matrix([])

  init(_ problem: LeastSquaresProblem, nodeCount: Int) {
    self.problem = problem
    self.nodeCount = nodeCount
    let width = problem.inputs.columnCount
    jointGrams = (0..<nodeCount * (nodeCount + 1) / 2).map { _ in Matrix(rowCount: width, columnCount: width) }
    gates = (0..<nodeCount).map { _ in [UInt64](repeating: 0, count: (problem.sampleCount + 63) / 64) }
    if problem.activation.negativeSlope > 0 {
      var gram = Matrix(rowCount: width, columnCount: width)
      LinearAlgebra.addGram(of: problem.inputs, to: &gram)
      fullGram = gram
    } else {
      fullGram = nil
    }
    let activationCount = nodeCount + (problem.hasBiases ? 1 : 0)
    mixed = Matrix(rowCount: nodeCount * width, columnCount: activationCount)
    activationGram = Matrix(rowCount: activationCount, columnCount: activationCount)
  }

  var keepsRoundings: Bool { true }

  mutating func forget() {
    for pair in jointGrams.indices {
      for i in jointGrams[pair].values.indices { jointGrams[pair].values[i] = 0 }
    }
    for k in gates.indices {
      for word in gates[k].indices { gates[k][word] = 0 }
    }
  }

  /// Bytes that a system of so many nodes takes: the matrix that is factored and the joint Gram matrices.
  static func byteCount(nodeCount: Int, width: Int) -> Int {
    let unknowns = nodeCount * width
    return 8 * (unknowns * unknowns + nodeCount * (nodeCount + 1) / 2 * width * width)
  }

  /// Builds the blocks at these weights.
  ///
  /// - Complexity: O(flipped samples x nodes x features^2 + samples x nodes x features x activations).
  mutating func linearize(at weights: ParameterVector, _ evaluation: Evaluation) {
    updateJointGrams(evaluation.slopes[0])
    let activations = evaluation.features[1]
    var gated = Matrix(rowCount: problem.sampleCount, columnCount: problem.inputs.columnCount)
    for a in 0..<nodeCount {
      let block = problem.gatedProduct(of: a, evaluation, with: activations, gated: &gated)
      mixed.values.replaceSubrange(a * block.values.count..<(a + 1) * block.values.count, with: block.values)
    }
    activationGram = Matrix(rowCount: activationGram.rowCount, columnCount: activationGram.rowCount)
    LinearAlgebra.addGram(of: activations, to: &activationGram)
    let negativeGradient = problem.negativeGradient(at: evaluation)
    (pull, lastPull) = (negativeGradient.layers[0], negativeGradient.outputLayer.transposed)
    fanOut = weights.outputLayer.prefix(columns: nodeCount).transposed
    strengths = LinearAlgebra.product(fanOut, fanOut, transposingSecond: true)
  }

  /// - Complexity: O((nodes x features)^3).
  func step(damping: Double) -> GaussNewtonStep? {
    let (width, count) = (problem.inputs.columnCount, nodeCount)
    let lastDamping = dampings(of: activationGram.diagonal, damping)
    var gram = activationGram
    for a in lastDamping.indices { gram[a, a] += lastDamping[a] }
    guard gram.isFinite, LinearAlgebra.factorCholesky(&gram) else { return nil }
    var eliminated = mixed
    LinearAlgebra.solveCholesky(gram, rightSides: &eliminated)
    var (system, diagonal) = reducedSystem(eliminated)
    let firstDamping = dampings(of: diagonal, damping)
    for u in firstDamping.indices { system[u, u] += firstDamping[u] }

    // (F^T R) v_k, a column for each node.
    let pulls = LinearAlgebra.product(lastPull, fanOut, transposingSecond: true)
    var right = Matrix(rowCount: 1, columnCount: count * width)
    for a in 0..<count {
      for f in 0..<width {
        var sum = pull[a, f]
        for e in 0..<mixed.columnCount { sum -= eliminated[a * width + f, e] * pulls[e, a] }
        right[0, a * width + f] = sum
      }
    }
    guard system.isFinite, right.isFinite, LinearAlgebra.factorCholesky(&system) else { return nil }
    LinearAlgebra.solveCholesky(system, rightSides: &right)
    let first = Matrix(rowCount: count, columnCount: width, values: right.values)
    let last = outputStep(for: first, gram)

    var fall = 0.0
    for (u, move) in first.values.enumerated() { fall += move * (pull.values[u] + firstDamping[u] * move) }
    for e in 0..<last.columnCount {
      for c in 0..<last.rowCount { fall += last[c, e] * (lastPull[e, c] + lastDamping[e] * last[c, e]) }
    }
    let step = ParameterVector(layers: [first, last])
    return step.isFinite ? GaussNewtonStep(step: step, predictedFall: fall / 2) : nil
  }

  /// S without damping (lower triangle), and the diagonal of the system that it comes from.
  ///
  /// - Parameter eliminated: `P_k G'^-1`, one under the other.
  private func reducedSystem(_ eliminated: Matrix) -> (system: Matrix, diagonal: [Double]) {
    let (width, count) = (problem.inputs.columnCount, nodeCount)
    let unknowns = count * width
    var system = LinearAlgebra.product(eliminated, mixed, transposingSecond: true)
    var diagonal = [Double](repeating: 0, count: unknowns)
    for a in 0..<count {
      for b in 0...a {
        let block = firstBlock(a, b)
        let strength = strengths[a, b]
        for f in 0..<width {
          let start = (a * width + f) * unknowns + b * width
          for g in 0..<width {
            system.values[start + g] = strength * (block.values[f * width + g] - system.values[start + g])
          }
        }
        if a == b {
          for f in 0..<width { diagonal[a * width + f] = strength * block[f, f] }
        }
      }
    }
    return (system, diagonal)
  }

  /// The output layer's best step beside a step of the first layer: `G'^-1 (F^T R - sum_k (P_k^T delta_k) v_k^T)`.
  private func outputStep(for first: Matrix, _ gram: Matrix) -> Matrix {
    let width = first.columnCount
    var carried = Matrix(rowCount: nodeCount, columnCount: mixed.columnCount)
    for a in 0..<nodeCount {
      for f in 0..<width {
        let move = first[a, f]
        for e in 0..<mixed.columnCount { carried[a, e] += mixed[a * width + f, e] * move }
      }
    }
    var sides = lastPull
    LinearAlgebra.multiply(carried.negated, transposingFirst: true, fanOut, into: &sides, scale: 1)
    var result = sides.transposed
    LinearAlgebra.solveCholesky(gram, rightSides: &result)
    return result
  }

  /// A_kk', both triangles.
  func firstBlock(_ a: Int, _ b: Int) -> Matrix {
    var block = jointGrams[index(a, b)]
    let width = block.rowCount
    if let fullGram {
      let c = problem.activation.negativeSlope
      let (first, second) = (jointGrams[index(a, a)], jointGrams[index(b, b)])
      for i in block.values.indices {
        block.values[i] =
          c * c * fullGram.values[i] + c * (1 - c) * (first.values[i] + second.values[i])
          + (1 - c) * (1 - c) * block.values[i]
      }
    }
    for f in 0..<width {
      for g in 0..<f { block.values[g * width + f] = block.values[f * width + g] }
    }
    return block
  }

  private func index(_ a: Int, _ b: Int) -> Int { max(a, b) * (max(a, b) + 1) / 2 + min(a, b) }

  /// Adds the samples that became active at both nodes of a pair, subtracts those that no longer are.
  private mutating func updateJointGrams(_ slopes: Matrix) {
    let n = nodeCount
    let current = (0..<n).map { k in
      var words = [UInt64](repeating: 0, count: (problem.sampleCount + 63) / 64)
      for i in 0..<problem.sampleCount where slopes.values[i * n + k] == 1 { words[i / 64] |= 1 << UInt64(i % 64) }
      return words
    }
    for a in 0..<n {
      for b in 0...a where gates[a] != current[a] || gates[b] != current[b] {
        var (joining, leaving, joint): ([Int], [Int], [Int]) = ([], [], [])
        for w in current[a].indices {
          let new = current[a][w] & current[b][w]
          let old = gates[a][w] & gates[b][w]
          appendBits(of: new & ~old, word: w, to: &joining)
          appendBits(of: old & ~new, word: w, to: &leaving)
          appendBits(of: new, word: w, to: &joint)
        }
        let pair = index(a, b)
        if joining.count + leaving.count < joint.count {
          LinearAlgebra.addGram(ofRows: joining, of: problem.inputs, factor: 1, to: &jointGrams[pair])
          LinearAlgebra.addGram(ofRows: leaving, of: problem.inputs, factor: -1, to: &jointGrams[pair])
        } else {
          let width = problem.inputs.columnCount
          jointGrams[pair] = Matrix(rowCount: width, columnCount: width)
          LinearAlgebra.addGram(ofRows: joint, of: problem.inputs, factor: 1, to: &jointGrams[pair])
        }
      }
    }
    gates = current
  }
}

private func appendBits(of word: UInt64, word index: Int, to samples: inout [Int]) {
  var rest = word
  while rest != 0 {
    samples.append(index * 64 + rest.trailingZeroBitCount)
    rest &= rest - 1
  }
}

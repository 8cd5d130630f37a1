import UnderstudyNumerics

/// How inputs are drawn.
public struct InputDesign: Sendable, Hashable {
  /// How inputs are distributed.
  public enum Distribution: Sendable, Hashable {
    case gaussian
    /// Every coordinate uniform around 0.
    case uniform
    /// In equal parts for each node of the teacher's lowest layer: on its boundary, and on either side of it at a
    /// distance uniform in this range.
    case teacherBoundaries(offsets: ClosedRange<Double>)
  }

  public var count: Int
  /// Of every coordinate; with `teacherBoundaries`, of the coordinates within the boundary.
  public var standardDeviation: Double
  public var distribution: Distribution
  /// Draw the inputs in a random subspace of this dimension; nil: in all of the input space. For `gaussian`
  /// and `uniform`, which then hold for the coordinates within the subspace.
  public var rank: Int?

  public init(count: Int, standardDeviation: Double, distribution: Distribution, rank: Int? = nil) {
    self.count = count
    self.standardDeviation = standardDeviation
    self.distribution = distribution
    self.rank = rank
  }

  /// Draws the inputs, `[sample, feature]`.
  ///
  /// - Parameters:
  ///   - purpose: `trainingInputs` or `evaluationInputs`.
  ///   - index: the number of this data set, for studies that draw a new one each epoch.
  /// - Complexity: O(samples x features), times the teacher's nodes at most.
  public func draw(for teacher: Teacher, key: UInt64, purpose: RandomPurpose, index: Int = 0) -> Matrix {
    var stream = RandomStream(key: key, purpose: purpose, index: index)
    let d = teacher.network.inputCount
    if let rank, rank < d {
      let coordinates = coordinates(width: rank, from: &stream)
      // The subspace belongs to the run, not to the data set: sets drawn anew each epoch lie in the same one.
      var subspaceStream = RandomStream(key: key, purpose: .inputSubspace)
      let basis = orthonormalRows(count: rank, width: d, from: &subspaceStream)
      var inputs = Matrix(rowCount: count, columnCount: d)
      multiply(coordinates, basis, into: &inputs)
      return inputs
    }
    var inputs = coordinates(width: d, from: &stream)
    guard case .teacherBoundaries(let offsets) = distribution else { return inputs }

    let layer = teacher.network.layers[0]
    var offsetStream = RandomStream(key: key, purpose: .boundaryOffsets, index: index)
    let fractions = offsetStream.uniforms(count)
    for i in 0..<count {
      // Sample i belongs to node i mod m; of a node's samples every third is on the boundary, above it, below it.
      // Moving along the normal to the boundary is exact for any bias. (Rescaling to a common norm afterwards, as the
      // peer does, would move the samples off it.)
      let j = i % layer.nodeCount
      let weights = layer.weights.row(j)
      let norm = euclideanNorm(weights)
      guard norm > 0 else { continue }
      let offset = offsets.lowerBound + (offsets.upperBound - offsets.lowerBound) * fractions[i]
      let wanted = [0, offset, -offset][i / layer.nodeCount % 3]
      let preactivation = zip(inputs.row(i), weights).reduce(layer.biases?[j] ?? 0) { $0 + $1.0 * $1.1 }
      let step = (wanted - preactivation / norm) / norm
      for (f, weight) in weights.enumerated() { inputs[i, f] += step * weight }
    }
    return inputs
  }

  /// Independent coordinates, `[sample, coordinate]`.
  private func coordinates(width: Int, from stream: inout RandomStream) -> Matrix {
    guard distribution == .uniform else {
      return stream.normalMatrix(rowCount: count, columnCount: width, standardDeviation: standardDeviation)
    }
    // Uniform in (-a, a) has the variance a^2 / 3.
    let bound = 3.0.squareRoot() * standardDeviation
    return Matrix(
      rowCount: count, columnCount: width, values: stream.uniforms(count * width).map { (2 * $0 - 1) * bound })
  }
}

/// Normal noise of a standard deviation on every output of every sample, in place.
///
/// - Shape: `outputs` is `[sample, output]`.
public func addOutputNoise(to outputs: inout Matrix, standardDeviation: Double, key: UInt64, index: Int = 0) {
  guard standardDeviation > 0 else { return }
  var stream = RandomStream(key: key, purpose: .outputNoise, index: index)
  let noise = stream.normals(outputs.values.count, standardDeviation: standardDeviation)
  for i in outputs.values.indices { outputs.values[i] += noise[i] }
}

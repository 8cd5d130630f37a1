import UnderstudyNumerics

/// A convex set of inputs around which everything is symmetric, R_0 of the zero-gradient statements. Affine functions have their
/// extremes over it, and over a hyperplane's part within it, in closed form.
public enum InputRegion: Sendable, Equatable {
  /// ||x|| <= radius, radius > 0.
  case ball(radius: Double)
  /// lowest <= x_f <= highest for every feature f, lowest < highest.
  case box(lowest: Double, highest: Double)

  /// Every feature of its centre.
  public var center: Double {
    switch self {
    case .ball: 0
    case .box(let lowest, let highest): lowest + (highest - lowest) / 2
    }
  }

  /// The distance of its farthest inputs from the centre, for inputs of so many features, in units of the input.
  public func radius(featureCount: Int) -> Double {
    switch self {
    case .ball(let radius): radius
    case .box(let lowest, let highest): (highest - lowest) / 2 * Double(featureCount).squareRoot()
    }
  }

  /// The root of the mean variance of a feature of inputs that fill it evenly: what ``inputSpread(of:)`` is of samples.
  public func spread(featureCount: Int) -> Double {
    switch self {
    case .ball(let radius): radius / Double(featureCount + 2).squareRoot()
    case .box(let lowest, let highest): (highest - lowest) / 12.0.squareRoot()
    }
  }

  /// Half of its length along `direction`, times the direction's: how much `direction . x` is above that of the centre at most.
  /// O(features).
  func reach(along direction: some Collection<Double>) -> Double {
    switch self {
    case .ball(let radius): radius * euclideanNorm(direction)
    case .box(let lowest, let highest): (highest - lowest) / 2 * direction.reduce(0) { $0 + abs($1) }
    }
  }

  /// The input at which `direction . x` is largest; the centre for a direction of zeros. O(features).
  func top(along direction: some Collection<Double>) -> [Double] {
    switch self {
    case .ball(let radius):
      let norm = euclideanNorm(direction)
      return direction.map { norm > 0 ? radius * ($0 / norm) : 0 }
    case .box(let lowest, let highest):
      return direction.map { $0 > 0 ? highest : $0 < 0 ? lowest : center }
    }
  }

  /// The value of `weights . x + bias` at the centre.
  func valueAtCenter(_ weights: some Collection<Double>, bias: Double) -> Double {
    bias + center * weights.reduce(0, +)
  }

  /// The largest value of `weights . x + bias` on the part of the hyperplane `normal . x + offset = 0` within the region; nil if
  /// it misses the region.
  ///
  /// - Parameter normal: a unit vector.
  /// - Complexity: O(features) for a ball, O(features log features) for a box.
  /// - Source: derived, see the derivation of observers.
  func largest(
    _ weights: some Collection<Double>, bias: Double, onNormal normal: some Collection<Double>, offset: Double
  ) -> Double? {
    switch self {
    case .ball(let radius):
      // x0 = -offset u is the hyperplane's point that is nearest to the origin.
      let reach = radius * radius - offset * offset
      guard reach >= 0 else { return nil }
      let along = dotProduct(weights, normal)
      let across = euclideanNorm(zip(weights, normal).map { $0 - along * $1 })
      return -offset * along + bias + across * reach.squareRoot()
    case .box(let lowest, let highest):
      // With y = x - centre, |y_f| <= half: a linear program with one equation, solved by passing from the corner that is
      // farthest along the normal to the other side, the cheapest features first, until the equation holds.
      let half = (highest - lowest) / 2
      var excess = half * normal.reduce(0) { $0 + abs($1) } + valueAtCenter(normal, bias: offset)
      guard excess >= 0 else { return nil }
      let free = zip(weights, normal).filter { $0.1 == 0 }.reduce(0) { $0 + half * abs($1.0) }
      var value = valueAtCenter(weights, bias: bias) + free
      var turning: [(ratio: Double, normal: Double)] = []
      for (w, u) in zip(weights, normal) where u != 0 {
        value += u > 0 ? half * w : -half * w
        turning.append((w / u, abs(u)))
      }
      for (ratio, size) in turning.sorted(by: { $0.ratio < $1.ratio }) where excess > 0 {
        let turned = min(excess, 2 * half * size)
        value -= ratio * turned
        excess -= turned
        if turned < 2 * half * size { return value }
      }
      // All have turned: the corner on the other side, which the hyperplane touches if nothing is left over.
      return excess <= 1e-14 * half ? value : nil
    }
  }

  /// Inputs that fill the region evenly, `[count, features]`.
  func evenInputs(_ count: Int, featureCount: Int, key: UInt64) -> Matrix {
    var stream = RandomStream(key: key, purpose: .regionInputs)
    switch self {
    case .ball(let radius):
      var inputs = stream.normalMatrix(rowCount: count, columnCount: featureCount, standardDeviation: 1)
      for (i, share) in stream.uniforms(count).enumerated() {
        let scale =
          radius * power(share, 1 / Double(featureCount))
          / max(euclideanNorm(inputs.row(i)), .leastNormalMagnitude)
        for f in 0..<featureCount { inputs[i, f] *= scale }
      }
      return inputs
    case .box(let lowest, let highest):
      return Matrix(
        rowCount: count, columnCount: featureCount,
        values: stream.uniforms(count * featureCount).map { lowest + (highest - lowest) * $0 })
    }
  }
}

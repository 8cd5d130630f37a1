import Testing

@testable import UnderstudyNumerics

/// Batch normalisation and the update rules of networks of any depth against plain loops in double precision, for both
/// precisions and every instruction set of this machine.
///
/// Epsilon is two roundings: tolerances that count each rounding of the kernel once cover the twin's own error, too.
@Suite("Kernels of normalisation and update rules") struct DeepNormalizationTests {
  /// Odd numbers of nodes, every number of samples, and those around multiples of the partial sums.
  @Test("normalisation and its way back", arguments: Array(2...33) + [63, 64, 65, 100])
  func normalization(count: Int) {
    for (isLearnt, slope) in [(true, 0.0), (false, 0.25), (true, 1)] {
      for rows in count <= 33 ? [1, 5, count] : [5] {
        normalize(rows, count, isLearnt, slope, Double.self)
        normalize(rows, count, isLearnt, slope, Float.self)
        goBack(rows, count, isLearnt, Double.self)
        goBack(rows, count, isLearnt, Float.self)
      }
    }
  }

  private func normalize<Scalar: KernelScalar>(
    _ rows: Int, _ count: Int, _ isLearnt: Bool, _ slope: Double, _: Scalar.Type
  ) {
    let (columns, n) = (padded(count, to: Scalar.lanePad), Double(count))
    // Two groups of samples, so that no variance is small; what stands behind the samples is not used.
    let z = exactNormals(rows * columns, key: 11, deviation: 0.25).enumerated().map { i, x in
      i % columns < count ? x + (i % 2 == 0 ? 2 : 0) : .nan
    }
    let (scales, shifts) = (exactNormals(rows, key: 12), exactNormals(rows, key: 13))
    var (hats, values, means, variances, inverses): ([Bounded], [Bounded], [Bounded], [Bounded], [Bounded]) =
      ([], [], [], [], [])
    for row in 0..<rows {
      let x = z[row * columns..<row * columns + count]
      let size = x.reduce(0) { max($0, abs($1)) }
      let mean = x.reduce(0, +) / n
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
      let inverse = 1 / (variance + normalizationEpsilon).squareRoot()
      // In epsilons: count additions and a division; a subtraction of numbers up to `size`; squares of numbers up to twice
      // that, each off by twice the factor's error, and again count additions and a division; and, with 1 / sqrt(y)
      // changing by half the relative change of y, three roundings.
      let meanError = (n + 1) * size
      let centredError = meanError + 2 * size
      let varianceError = 4 * size * centredError + (n + 2) * 4 * size * size
      let inverseError = (varianceError * inverse * inverse / 2 + 3) * inverse
      #expect(varianceError * Double(Scalar.ulpOfOne) < 0.1 * variance, "the bounds are of first order")
      means.append(Bounded(mean, within: meanError))
      // A tenth more for what is of second order.
      variances.append(Bounded(variance, within: 1.1 * varianceError))
      inverses.append(Bounded(inverse, within: 1.1 * inverseError))
      let (scale, shift) = isLearnt ? (scales[row], shifts[row]) : (1, 0)
      for element in x {
        let centred = element - mean
        let hat = centred * inverse
        let hatError = 1.1 * (abs(centred) * inverseError + centredError * inverse + abs(hat))
        hats.append(Bounded(hat, within: hatError))
        let y = hat * scale + shift
        // phi moves no two values apart; product, sum and slope are roundings.
        let error = abs(scale) * hatError + abs(hat * scale) + 2 * abs(y)
        values.append(Bounded(y > 0 ? y : slope * y, within: error))
      }
    }
    let note = "normalize \(rows) x \(count), learnt \(isLearnt), slope \(slope)"
    compare(Scalar.self, note, hats + values + means + variances + inverses) { kernels in
      let (x, y) = (AlignedBuffer<Scalar>(z), AlignedBuffer<Scalar>(count: rows * columns))
      let (gamma, beta) = (AlignedBuffer<Scalar>(scales), AlignedBuffer<Scalar>(shifts))
      let statistics = (0..<3).map { _ in AlignedBuffer<Scalar>(count: rows) }
      kernels.normalize(
        Int64(rows), Int64(columns), Int64(count), x.start, y.start, isLearnt ? UnsafePointer(gamma.start) : nil,
        isLearnt ? UnsafePointer(beta.start) : nil, statistics[0].start, statistics[1].start, statistics[2].start,
        normalizationEpsilon, slope)
      return samples(x, columns, count) + samples(y, columns, count) + statistics.flatMap(\.values)
    }
  }

  private func samples(_ buffer: AlignedBuffer<some KernelScalar>, _ columns: Int, _ count: Int) -> [Double] {
    buffer.values.enumerated().filter { $0.offset % columns < count }.map(\.element)
  }

  private func goBack<Scalar: KernelScalar>(_ rows: Int, _ count: Int, _ isLearnt: Bool, _: Scalar.Type) {
    let (columns, n) = (padded(count, to: Scalar.lanePad), Double(count))
    func drawn(key: Int) -> [Double] {
      exactNormals(rows * columns, key: key).enumerated().map { $0 % columns < count ? $1 : .nan }
    }
    let (gradients, hats) = (drawn(key: 14), drawn(key: 15))
    let (scales, inverses) = (exactNormals(rows, key: 16), exactNormals(rows, key: 17).map { abs($0) + 0.5 })
    let (oldScales, oldShifts) = (exactNormals(rows, key: 18), exactNormals(rows, key: 19))
    var (results, scaleSlopes, shiftSlopes): ([Bounded], [Bounded], [Bounded]) = ([], [], [])
    let exactInverses = inverses.map { Double(Float($0)) }
    for row in 0..<rows {
      let range = row * columns..<row * columns + count
      let (g, h) = (Array(gradients[range]), Array(hats[range]))
      let sum = summed(g)
      let product = summed(zip(g, h).map { $0 * $1 })
      shiftSlopes.append(Bounded(oldShifts[row] + sum.value, within: (n + 1) * (sum.size + abs(oldShifts[row]))))
      scaleSlopes.append(
        Bounded(oldScales[row] + product.value, within: (n + 2) * (product.size + abs(oldScales[row]))))
      let factor = (isLearnt ? scales[row] : 1) * exactInverses[row]
      for column in 0..<columns {
        guard column < count else {
          results.append(Bounded(0, within: 0))
          continue
        }
        let value = g[column] - sum.value / n - h[column] * product.value / n
        // Sums of `count` terms, and at most six roundings of each of the three.
        let size = abs(g[column]) + sum.size / n + abs(h[column]) * product.size / n
        results.append(Bounded(factor * value, within: abs(factor) * (n + 6) * size))
      }
    }
    let expected = results + (isLearnt ? scaleSlopes + shiftSlopes : [])
    compare(Scalar.self, "normalize backward \(rows) x \(count), learnt \(isLearnt)", expected) { kernels in
      let (g, h) = (AlignedBuffer<Scalar>(gradients), AlignedBuffer<Scalar>(hats))
      let (gamma, inverse) = (AlignedBuffer<Scalar>(scales), AlignedBuffer<Scalar>(exactInverses))
      let (dScales, dShifts) = (AlignedBuffer<Scalar>(oldScales), AlignedBuffer<Scalar>(oldShifts))
      kernels.normalizeBackward(
        Int64(rows), Int64(columns), Int64(count), g.start, h.start, isLearnt ? UnsafePointer(gamma.start) : nil,
        inverse.start, isLearnt ? dScales.start : nil, isLearnt ? dShifts.start : nil)
      return g.values + (isLearnt ? dScales.values + dShifts.values : [])
    }
  }

  @Test("momentum", arguments: 1...33)
  func momentum(count: Int) {
    momentum(count, Double.self)
    momentum(count, Float.self)
  }

  private func momentum<Scalar: KernelScalar>(_ count: Int, _: Scalar.Type) {
    let (weights, velocities, slopes) = (
      exactNormals(count, key: 21), exactNormals(count, key: 22), exactNormals(count, key: 23)
    )
    for (momentum, decay) in [(0, 0), (0.9, 0), (0, 0.1), (0.9, 0.1)] {
      let rate = 0.3
      var (after, moved): ([Bounded], [Bounded]) = ([], [])
      for i in 0..<count {
        let velocity = summed([momentum * velocities[i], slopes[i], -decay * weights[i]])
        // Constants, two products, two sums; then the rate, a product and a sum.
        after.append(Bounded(velocity.value, within: 4 * velocity.size))
        moved.append(
          Bounded(weights[i] + rate * velocity.value, within: 7 * rate * velocity.size + abs(weights[i])))
      }
      compare(Scalar.self, "momentum \(momentum), decay \(decay), \(count)", moved + after) { kernels in
        let (w, v, g) = (
          AlignedBuffer<Scalar>(weights), AlignedBuffer<Scalar>(velocities), AlignedBuffer<Scalar>(slopes)
        )
        kernels.momentum(Int64(count), w.start, v.start, g.start, momentum, decay, rate)
        return w.values + v.values
      }
    }
  }

  @Test("Adam", arguments: 1...33)
  func adam(count: Int) {
    adam(count, Double.self)
    adam(count, Float.self)
  }

  private func adam<Scalar: KernelScalar>(_ count: Int, _: Scalar.Type) {
    let (weights, slopes) = (exactNormals(count, key: 24), exactNormals(count, key: 25))
    // Second moments far from 0: their roots are well conditioned.
    let (first, second) = (exactNormals(count, key: 26), exactNormals(count, key: 27).map { $0 * $0 + 0.5 })
    let squares = second.map { Double(Float($0)) }
    for (decay, steps) in [(0, 1.0), (0.1, 10)] {
      let (rate, corrections) = (0.01, (1 - power(0.9, steps), 1 - power(0.999, steps)))
      var (moved, means, roots): ([Bounded], [Bounded], [Bounded]) = ([], [], [])
      for i in 0..<count {
        let slope = summed([slopes[i], -decay * weights[i]])
        let mean = summed([0.9 * first[i], 0.1 * slope.value])
        let square = 0.999 * squares[i] + 0.001 * slope.value * slope.value
        let root = (square / corrections.1).squareRoot() + 1e-8
        let step = rate / corrections.0 * mean.value / root
        // Errors in epsilons: constants, products and sums, three of the slope.
        let meanError = 3 * mean.size + 0.1 * 3 * slope.size
        let squareError = 4 * square + 0.001 * 2 * abs(slope.value) * 3 * slope.size
        // Relative errors: a root halves them; division, root, epsilon and its sum; rate, product and division.
        let rootError = squareError / square / 2 + 4
        let stepError = rate / corrections.0 * meanError / root + abs(step) * (rootError + 4)
        means.append(Bounded(mean.value, within: meanError))
        roots.append(Bounded(square, within: squareError))
        moved.append(Bounded(weights[i] + step, within: 1.1 * stepError + abs(weights[i]) + abs(step)))
      }
      compare(Scalar.self, "Adam, decay \(decay), step \(steps), \(count)", moved + means + roots) { kernels in
        let (w, g) = (AlignedBuffer<Scalar>(weights), AlignedBuffer<Scalar>(slopes))
        let (m, v) = (AlignedBuffer<Scalar>(first), AlignedBuffer<Scalar>(squares))
        kernels.adam(
          Int64(count), w.start, m.start, v.start, g.start, decay, rate, 0.9, 0.999, corrections.0, corrections.1, 1e-8)
        return w.values + m.values + v.values
      }
    }
  }
}

import CUnderstudyKernels
import Testing

@testable import UnderstudyNumerics

/// Each kernel of networks of any depth against plain loops in double precision, at every size from 1 to 33, for both
/// precisions and every instruction set of this machine.
///
/// Tolerances count roundings: a sum of L products, in any order, is off by at most L epsilon times the sum of their absolute
/// values to first order (epsilon is two roundings, so that this covers the twin's own error, too).
@Suite("Kernels of any depth") struct DeepKernelTests {
  static let sizes = Array(1...33)
  /// Around the 256 rows of W that go through a backward product together, and around the panels of an update.
  static let edges = [47, 48, 49, 95, 96, 97, 200, 255, 256, 257, 520]

  @Test("products", arguments: sizes + edges)
  func products(size: Int) {
    products(size, Double.self)
    products(size, Float.self)
  }

  private func products<Scalar: KernelScalar>(_ size: Int, _: Scalar.Type) {
    let shapes =
      size <= 33 ? [(size, 5, 7), (6, size, 13), (7, 9, size), (size, size, size)] : [(size, 5, 7), (7, size, 5)]
    for (rows, depth, batch) in shapes {
      for slope in [0, 0.25, 1] {
        let columns = padded(batch, to: Scalar.lanePad)
        let input = exactNormals(depth * columns, key: 1)
        forward(rows, depth, columns, input: input, slope: slope, Scalar.self)
        // Rows of W may be further apart than their columns ask for.
        for gap in [0, Scalar.lanePad] {
          backward(rows, depth, columns, gap: gap, input: input, slope: slope, Scalar.self)
        }
      }
    }
  }

  private func forward<Scalar: KernelScalar>(
    _ rows: Int, _ depth: Int, _ columns: Int, input: [Double], slope: Double, _: Scalar.Type
  ) {
    let stride = padded(depth, to: Scalar.lanePad)
    // What is behind the last weight of a row is not read.
    var weights = [Double](repeating: .nan, count: rows * stride)
    for row in 0..<rows {
      weights.replaceSubrange(row * stride..<row * stride + depth, with: exactNormals(depth, key: row))
    }
    for activates in [false, true] {
      var expected: [Bounded] = []
      for row in 0..<rows {
        for column in 0..<columns {
          let sum = summed((0..<depth).map { weights[row * stride + $0] * input[$0 * columns + column] })
          // phi moves no two values apart; its slope is one rounding more.
          let value = activates && sum.value <= 0 ? sum.value * slope : sum.value
          expected.append(Bounded(value, within: Double(depth + 1) * sum.size))
        }
      }
      compare(Scalar.self, "forward \(rows) x \(depth) x \(columns), slope \(slope), \(activates)", expected) {
        kernels in
        let (w, b) = (AlignedBuffer<Scalar>(weights), AlignedBuffer<Scalar>(input))
        let c = AlignedBuffer<Scalar>(count: rows * columns)
        kernels.deepForward(
          Int64(rows), Int64(depth), Int64(columns), w.start, Int64(stride), b.start, c.start, activates ? 1 : 0, slope)
        return c.values
      }
    }
  }

  /// Here `depth` counts rows of W, and `rows` its columns.
  private func backward<Scalar: KernelScalar>(
    _ rows: Int, _ depth: Int, _ columns: Int, gap: Int, input: [Double], slope: Double, _: Scalar.Type
  ) {
    let stride = padded(rows, to: Scalar.lanePad) + gap
    var weights = [Double](repeating: .nan, count: depth * stride)
    for k in 0..<depth { weights.replaceSubrange(k * stride..<k * stride + rows, with: exactNormals(rows, key: k)) }
    // The gate is f > 0: a zero is closed.
    let gates = exactNormals(rows * columns, key: 3).enumerated().map { $0 % 5 == 0 ? 0 : $1 }
    for isGated in [false, true] {
      var expected: [Bounded] = []
      for row in 0..<rows {
        for column in 0..<columns {
          let sum = summed((0..<depth).map { weights[$0 * stride + row] * input[$0 * columns + column] })
          let gate = isGated && gates[row * columns + column] <= 0 ? slope : 1
          expected.append(Bounded(sum.value * gate, within: Double(depth + 1) * sum.size * gate))
        }
      }
      compare(Scalar.self, "backward \(rows) x \(depth) x \(columns), slope \(slope), \(isGated)", expected) {
        kernels in
        let (w, b) = (AlignedBuffer<Scalar>(weights), AlignedBuffer<Scalar>(input))
        let (c, f) = (AlignedBuffer<Scalar>(count: rows * columns), AlignedBuffer<Scalar>(gates))
        kernels.deepBackward(
          Int64(rows), Int64(depth), Int64(columns), w.start, Int64(stride), b.start, c.start,
          isGated ? UnsafePointer(f.start) : nil, slope)
        return c.values
      }
    }
  }

  @Test("updates and transposes", arguments: sizes + edges)
  func updates(size: Int) {
    updates(size, Double.self)
    updates(size, Float.self)
  }

  private func updates<Scalar: KernelScalar>(_ size: Int, _: Scalar.Type) {
    let shapes =
      size <= 33 ? [(size, 5, 7), (6, size, 13), (7, 9, size), (size, size, size)] : [(size, 5, 7), (5, size, 7)]
    for (rows, width, count) in shapes {
      let (columns, lanes) = (padded(width, to: Scalar.lanePad), padded(count, to: Scalar.lanePad))
      let (gradient, old) = (exactNormals(rows * lanes, key: 4), exactNormals(rows * columns, key: 5))
      let input = exactNormals(lanes * columns, key: 6)
      var expected: [Bounded] = []
      for row in 0..<rows {
        for column in 0..<columns {
          let sum = summed(
            [old[row * columns + column]]
              + (0..<count).map { gradient[row * lanes + $0] * input[$0 * columns + column] })
          expected.append(Bounded(sum.value, within: Double(count + 1) * sum.size))
        }
      }
      compare(Scalar.self, "update \(rows) x \(columns), \(count) samples", expected) { kernels in
        let (g, x, w) = (AlignedBuffer<Scalar>(gradient), AlignedBuffer<Scalar>(input), AlignedBuffer<Scalar>(old))
        let pointers = RowPointers(x, rowCount: count, stride: columns)
        kernels.deepUpdate(
          Int64(rows), Int64(columns), Int64(count), g.start, Int64(lanes), pointers.start, w.start, Int64(columns))
        return w.values
      }
      let transposed = (0..<columns).flatMap { column in
        (0..<lanes).map { Bounded(0.5 * input[$0 * columns + column], within: 0) }
      }
      compare(Scalar.self, "transpose \(lanes) x \(columns)", transposed) { kernels in
        let (x, out) = (AlignedBuffer<Scalar>(input), AlignedBuffer<Scalar>(count: columns * lanes))
        let pointers = RowPointers(x, rowCount: lanes, stride: columns)
        kernels.deepTranspose(pointers.start, Int64(lanes), Int64(columns), out.start, Int64(lanes), 0.5)
        return out.values
      }
    }
  }

  @Test("residuals and cross-entropy", arguments: sizes)
  func losses(size: Int) {
    losses(size, Double.self)
    losses(size, Float.self)
  }

  private func losses<Scalar: KernelScalar>(_ size: Int, _: Scalar.Type) {
    for (rows, batch) in [(size, 7), (5, size), (size, size)] {
      let (columns, scale) = (padded(batch, to: Scalar.lanePad), 0.125)
      let (targets, outputs) = (
        exactNormals(rows * columns, key: 7), exactNormals(rows * columns, key: 8, deviation: 3)
      )
      func run(
        _ kernel: @escaping (KernelTable<Scalar>, AlignedBuffer<Scalar>, AlignedBuffer<Scalar>) -> Void
      ) -> (KernelTable<Scalar>) -> [Double] {
        { kernels in
          let (t, y) = (AlignedBuffer<Scalar>(targets), AlignedBuffer<Scalar>(outputs))
          kernel(kernels, t, y)
          return t.values
        }
      }
      let residuals = zip(targets, outputs).map {
        Bounded(scale * ($0 - $1), within: 2 * scale * (abs($0) + abs($1)))
      }
      compare(
        Scalar.self, "residual \(rows) x \(columns)", residuals,
        run { $0.deepResidual(Int64(rows * columns), $1.start, $2.start, scale) })

      var expected = [Bounded](repeating: Bounded(0, within: 0), count: rows * columns)
      for column in 0..<columns {
        let (target, y) = (
          (0..<rows).map { targets[$0 * columns + column] }, (0..<rows).map { outputs[$0 * columns + column] }
        )
        let label = target.firstIndex(of: target.max() ?? 0)
        let total = y.reduce(0) { $0 + exponential($1) }
        for row in 0..<rows {
          let value = scale * ((row == label ? 1 : 0) - exponential(y[row]) / total)
          // Both softmaxes are taken in double precision: exponents of at most 30 are rounded, two exponentials, `rows`
          // additions and a division; numbers below 1. The result is rounded to the kernel's precision.
          let roundings = Double(rows + 70) * Double.ulpOfOne / Double(Scalar.ulpOfOne) + 1
          expected[row * columns + column] = Bounded(value, within: roundings * scale)
        }
      }
      compare(
        Scalar.self, "cross-entropy \(rows) x \(columns)", expected,
        run { $0.deepCrossEntropy(Int64(rows), Int64(columns), $1.start, $2.start, scale) })
    }
  }

  @Test("activation, gate and scale are single roundings", arguments: sizes)
  func elementwise(count: Int) {
    elementwise(count, Double.self)
    elementwise(count, Float.self)
  }

  private func elementwise<Scalar: KernelScalar>(_ count: Int, _: Scalar.Type) {
    let slope = 0.01
    let (a, b) = (exactNormals(count, key: 9), exactNormals(count, key: 10).enumerated().map { $0 % 4 == 0 ? 0 : $1 })
    func times(_ x: Double, _ y: Double) -> Bounded { Bounded(Double(Scalar(x) * Scalar(y)), within: 0) }
    compare(Scalar.self, "activate \(count)", b.map { times($0, $0 > 0 ? 1 : slope) }) { kernels in
      let (z, out) = (AlignedBuffer<Scalar>(b), AlignedBuffer<Scalar>(count: count))
      kernels.activate(Int64(count), z.start, out.start, slope)
      return out.values
    }
    compare(Scalar.self, "gate \(count)", zip(a, b).map { times($0, $1 > 0 ? 1 : slope) }) { kernels in
      let (g, f) = (AlignedBuffer<Scalar>(a), AlignedBuffer<Scalar>(b))
      kernels.gate(Int64(count), g.start, f.start, slope)
      return g.values
    }
  }
}

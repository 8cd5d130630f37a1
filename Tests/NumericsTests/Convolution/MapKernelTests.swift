import CUnderstudyKernels
import Testing

@testable import UnderstudyNumerics

/// Each kernel of maps against plain loops in double precision, for every instruction set of this machine: lanes that have code of
/// their own (8, 16) and others, and every number of positions from 1 to 33.
///
/// Tolerances count roundings: a sum of L terms is off by at most L epsilon times the sum of their absolute values to first
/// order, plus the roundings of each term (epsilon is two roundings).
@Suite("Kernels of maps") struct MapKernelTests {
  private static let epsilon = Double(Float.ulpOfOne)

  /// A map of two blocks, channel c of place p at `(c / lanes * positions + p) * lanes + c % lanes`.
  private struct Case {
    let lanes: Int
    let positions: Int
    let x: [Double]
    let g: [Double]
    let means: [Double]
    let factors: [Double]
    let offsets: [Double]

    init(lanes: Int, positions: Int) {
      (self.lanes, self.positions) = (lanes, positions)
      let channels = 2 * lanes
      x = exactNormals(channels * positions, key: 1)
      g = exactNormals(channels * positions, key: 2)
      means = exactNormals(channels, key: 3)
      factors = exactNormals(channels, key: 4)
      // Far from the kinks of x * factor + offset, which rounding would decide.
      offsets = exactNormals(channels, key: 5).map { $0 < 0 ? $0 - 8 : $0 + 8 }
    }

    var channels: Int { 2 * lanes }
    var map: us_map { us_map(blocks: 2, positions: Int64(positions), lanes: Int64(lanes)) }
    func index(_ channel: Int, _ place: Int) -> Int {
      (channel / lanes * positions + place) * lanes + channel % lanes
    }
  }

  @Test("statistics, results and both passes back", arguments: [1, 5, 8, 16, 33])
  func kernels(lanes: Int) throws {
    for positions in 1...33 {
      let test = Case(lanes: lanes, positions: positions)
      for set in supportedSets {
        let kernels = try #require(us_map_kernels_of(set.code)).pointee
        moments(test, kernels, set)
        for (before, after) in [(1.0, 0.25), (0, 1), (1, 1)] {
          passes(test, kernels, set, before: before, after: after)
        }
      }
    }
  }

  private func moments(_ test: Case, _ kernels: us_map_kernels, _ set: InstructionSet) {
    let (x, shifts) = (AlignedBuffer<Float>(test.x), AlignedBuffer<Float>(test.means))
    let (sums, squares) = (AlignedBuffer<Float>(count: test.channels), AlignedBuffer<Float>(count: test.channels))
    var map = test.map
    kernels.moments(&map, x.start, shifts.start, sums.start, squares.start)
    for channel in 0..<test.channels {
      let terms = (0..<test.positions).map { test.x[test.index(channel, $0)] - test.means[channel] }
      expect(sums, channel, summed(terms), test, set)
      expect(squares, channel, summed(terms.map { $0 * $0 }), test, set)
    }
  }

  private func passes(_ test: Case, _ kernels: us_map_kernels, _ set: InstructionSet, before: Double, after: Double) {
    let (x, g, y) = (
      AlignedBuffer<Float>(test.x), AlignedBuffer<Float>(test.g), AlignedBuffer<Float>(count: test.x.count)
    )
    let (means, factors, offsets) = (
      AlignedBuffer<Float>(test.means), AlignedBuffer<Float>(test.factors), AlignedBuffer<Float>(test.offsets)
    )
    let (sums, products) = (AlignedBuffer<Float>(count: test.channels), AlignedBuffer<Float>(count: test.channels))
    var map = test.map
    var normalization = us_map_normalization(
      means: means.start, factors: factors.start, offsets: offsets.start, slope_after: Float(after),
      slope_before: Float(before))
    kernels.affine(&map, x.start, y.start, factors.start, offsets.start, after)
    kernels.backward_sums(&map, g.start, x.start, &normalization, sums.start, products.start)
    kernels.backward(&map, g.start, x.start, &normalization, means.start, factors.start)
    for channel in 0..<test.channels {
      let (mean, factor, offset) = (test.means[channel], test.factors[channel], test.offsets[channel])
      let places = (0..<test.positions).map { test.index(channel, $0) }
      func gated(_ place: Int) -> Double { test.g[place] * (test.x[place] * factor + offset > 0 ? 1 : after) }
      expect(sums, channel, summed(places.map(gated)), test, set)
      expect(products, channel, summed(places.map { gated($0) * (test.x[$0] - mean) }), test, set)
      for place in places {
        let value = test.x[place] * factor + offset
        expect(y, place, (value > 0 ? value : value * after, abs(test.x[place] * factor) + abs(offset)), test, set)
        let terms = [gated(place), -mean, -(test.x[place] - mean) * factor]
        let (sum, size) = summed(terms)
        let gate = test.x[place] > 0 ? 1 : before
        expect(g, place, (factor * sum * gate, abs(factor) * (size + abs(mean * factor))), test, set)
      }
    }
  }

  private func expect(
    _ buffer: AlignedBuffer<Float>, _ index: Int, _ expected: (value: Double, size: Double), _ test: Case,
    _ set: InstructionSet, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = abs(Double(buffer.start[index]) - expected.value)
    let tolerance = Double(test.positions + 4) * Self.epsilon * (expected.size + abs(expected.value))
    if error > tolerance || error.isNaN {
      Issue.record(
        "\(set), \(test.lanes) lanes, \(test.positions) positions: element \(index)", sourceLocation: sourceLocation)
    }
  }
}

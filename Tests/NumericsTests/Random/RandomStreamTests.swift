import CUnderstudyKernels
import Testing

@testable import UnderstudyNumerics

@Suite struct RandomStreamTests {
  /// The known answers for philox4x32-10 of Random123 (`kat_vectors`, D. E. Shaw Research).
  @Test func knownAnswers() {
    let pi: [UInt32] = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]
    let ones = [UInt32](repeating: .max, count: 4)
    let vectors: [(counter: [UInt32], key: UInt64, answer: [UInt32])] = [
      ([0, 0, 0, 0], 0, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (ones, .max, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
      // The key's first word, a4093822, is the low one.
      (pi, 0x299f_31d0_a409_3822, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
    ]
    for vector in vectors {
      var out = [UInt32](repeating: 0, count: 4)
      us_philox(vector.counter, vector.key, &out)
      #expect(out == vector.answer)
    }
  }

  /// Word p is word p mod 4 of the block whose counter is (p / 4, index, purpose): for ever, as stored studies rest on it.
  @Test func wordsAreThoseOfTheirCounters() {
    var stream = RandomStream(key: 0x0123_4567_89AB_CDEF, purpose: .batches, index: 5)
    let words = stream.words(23)
    for (position, word) in words.enumerated() {
      var out = [UInt32](repeating: 0, count: 4)
      us_philox([UInt32(position / 4), 0, 5, RandomPurpose.batches.rawValue], 0x0123_4567_89AB_CDEF, &out)
      #expect(word == out[position % 4])
    }
  }

  /// Past 2^32 blocks the counter carries into its second word.
  @Test func countersCarry() {
    var words = [UInt32](repeating: 0, count: 8)
    us_philox_words(3, 1, 2, (1 << 34) - 4, 8, &words)
    var (last, first) = ([UInt32](repeating: 0, count: 4), [UInt32](repeating: 0, count: 4))
    us_philox([UInt32.max, 0, 2, 1], 3, &last)
    us_philox([0, 1, 2, 1], 3, &first)
    #expect(words == last + first)
  }

  @Test func skippingIsDrawing() {
    for skipped in 0...9 {
      var (whole, rest) = (RandomStream(key: 1, purpose: .test), RandomStream(key: 1, purpose: .test))
      rest.skip(skipped)
      #expect(rest.words(5) == Array(whole.words(skipped + 5).suffix(5)))
    }
  }

  @Test func streamsDoNotDependOnHowTheyAreCut() {
    for first in 0...9 {
      for second in 0...9 {
        var (whole, parts) = (RandomStream(key: 1, purpose: .test), RandomStream(key: 1, purpose: .test))
        #expect(parts.words(first) + parts.words(second) == whole.words(first + second))
        #expect(
          parts.integers(first, below: 77) + parts.integers(second, below: 77)
            == whole.integers(first + second, below: 77))
        #expect(parts.uniforms(first) + parts.uniforms(second) == whole.uniforms(first + second))
        // Normal numbers come in pairs that begin with a block; a cut within a pair leaves its second half unused.
        #expect(
          parts.normals(2 * first, standardDeviation: 2) + parts.normals(second, standardDeviation: 2)
            == whole.normals(2 * first + second, standardDeviation: 2))
        #expect(parts.words(1) == whole.words(1))
      }
    }
  }

  @Test func streamsOfOtherKeysPurposesAndIndicesDiffer() {
    var streams: [RandomStream] = []
    for key in [0, 1, 1 << 32, .max] as [UInt64] {
      for purpose in [RandomPurpose.trainingInputs, .batches, .test] {
        for index in [0, 1, 2] { streams.append(RandomStream(key: key, purpose: purpose, index: index)) }
      }
    }
    let words = streams.indices.map { streams[$0].words(4) }
    #expect(Set(words).count == streams.count)
    var again = streams[0]
    var same = RandomStream(key: 0, purpose: .trainingInputs, index: 0)
    _ = same.words(4)
    #expect(again.words(8) == same.words(8))
  }

  /// Sample moments of N independent numbers lie within 5 of their standard errors, but once in 1.7 million.
  @Test(arguments: [1.0, 0.05])
  func momentsOfNormals(deviation: Double) {
    let count = 200_000
    var stream = RandomStream(key: 4, purpose: .test)
    let x = stream.normals(count, standardDeviation: deviation).map { $0 / deviation }
    // Powers of a standard normal number have these means, and these variances: m_2p - m_p^2.
    for (power, mean, variance) in [(1, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
      let moment = x.reduce(0) { $0 + raised($1, power) }
      #expect(abs(moment / Double(count) - mean) < 5 * (variance / Double(count)).squareRoot(), "power \(power)")
    }
    // Neither within a Box-Muller pair nor from one pair to the next are numbers correlated.
    for lag in [1, 2] {
      let sum = zip(x, x.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(sum / Double(count)) < 5 / Double(count).squareRoot(), "lag \(lag)")
    }
    // P(|x| > 1.959964) is 0.05.
    let tail = Double(x.count { abs($0) > 1.959964 }) / Double(count)
    #expect(abs(tail - 0.05) < 5 * (0.05 * 0.95 / Double(count)).squareRoot())
  }

  private func raised(_ x: Double, _ power: Int) -> Double {
    var product = 1.0
    for _ in 0..<power { product *= x }
    return product
  }

  @Test(arguments: [1, 2, 3, 10, 1000])
  func integersAreUniform(bound: Int) {
    let count = 200_000
    var stream = RandomStream(key: 5, purpose: .test, index: bound)
    let numbers = stream.integers(count, below: bound)
    #expect(numbers.allSatisfy { $0 < bound })
    var counts = [Int](repeating: 0, count: bound)
    for number in numbers where number < bound { counts[Int(number)] += 1 }
    expectUniform(counts, total: count)
  }

  @Test(arguments: Array(1...33) + [1000])
  func permutationsHoldEveryNumberOnce(count: Int) {
    var stream = RandomStream(key: 8, purpose: .test, index: count)
    let (first, second) = (stream.permutation(count), stream.permutation(count))
    #expect(first.sorted() == Array(0..<UInt32(count)) && second.sorted() == Array(0..<UInt32(count)))
    #expect(count < 8 || first != second, "the stream goes on")
    var again = RandomStream(key: 8, purpose: .test, index: count)
    #expect(again.permutation(count) == first)
  }

  @Test func permutationsAreUniform() {
    var counts = [Int](repeating: 0, count: 24)
    let total = 48_000
    var stream = RandomStream(key: 9, purpose: .test)
    for _ in 0..<total {
      let order = stream.permutation(4)
      // Lehmer's code: how many later numbers are smaller, place by place.
      let code = (0..<4).reduce(0) { code, place in
        code * (4 - place) + order[(place + 1)...].count { $0 < order[place] }
      }
      counts[code] += 1
    }
    expectUniform(counts, total: total)
  }

  @Test func uniformsAreUniformAndInside() {
    let count = 200_000
    var stream = RandomStream(key: 6, purpose: .test)
    let numbers = stream.uniforms(count)
    #expect(numbers.allSatisfy { $0 > 0 && $0 < 1 })
    var counts = [Int](repeating: 0, count: 64)
    for number in numbers { counts[Int(number * 64)] += 1 }
    expectUniform(counts, total: count)
  }

  /// Chi-square of the counts within 5 standard deviations, by Wilson and Hilferty's cube root.
  private func expectUniform(_ counts: [Int], total: Int) {
    let freedom = Double(counts.count - 1)
    let expected = Double(total) / Double(counts.count)
    let statistic = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    guard freedom > 0 else {
      #expect(statistic == 0)
      return
    }
    func quantile(_ z: Double) -> Double {
      let root = 1 - 2 / (9 * freedom) + z * (2 / (9 * freedom)).squareRoot()
      return freedom * max(0, root) * max(0, root) * max(0, root)
    }
    #expect(statistic >= quantile(-5) && statistic <= quantile(5), "\(statistic) of \(counts.count) cells")
  }

  @Test func normalMatricesAreFilledRowByRow() {
    var (a, b) = (RandomStream(key: 7, purpose: .test), RandomStream(key: 7, purpose: .test))
    let matrix = a.normalMatrix(rowCount: 3, columnCount: 5, standardDeviation: 0.5)
    #expect(matrix.values == b.normals(15, standardDeviation: 0.5))
    #expect(matrix.rowCount == 3 && matrix.columnCount == 5)
  }
}

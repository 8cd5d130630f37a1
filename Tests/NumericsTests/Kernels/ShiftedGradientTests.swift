import Testing

@testable import UnderstudyNumerics

/// The kernel of gradients at shifted samples against plain loops, for every instruction set of this machine.
@Suite struct ShiftedGradientTests {
  struct Case: CustomTestStringConvertible {
    var teacherCount: Int
    var studentCount: Int
    var outputCount: Int
    var blockCount: Int
    var slope: Double
    var testDescription: String { "m \(teacherCount), n \(studentCount), C \(outputCount), slope \(slope)" }
  }

  /// Every size from 1 to 33 in each dimension, so that every tail of every block occurs.
  static let cases: [Case] = (1...33).flatMap { size in
    [
      Case(teacherCount: size, studentCount: 3, outputCount: 2, blockCount: 1, slope: 0),
      Case(teacherCount: 2, studentCount: size, outputCount: 3, blockCount: 2, slope: 0.1),
      Case(teacherCount: 2, studentCount: 3, outputCount: size, blockCount: 1, slope: 0),
    ]
  }

  @Test("agrees with plain loops", arguments: cases) func plainLoops(test: Case) {
    var stream = RandomStream(key: UInt64(test.teacherCount * 40 + test.studentCount), purpose: .test, index: 3)
    let (m, n, outputs) = (test.teacherCount, test.studentCount, test.outputCount)
    let teacher = stream.normalMatrix(rowCount: m, columnCount: outputs, standardDeviation: 1)
    let student = stream.normalMatrix(rowCount: n, columnCount: outputs, standardDeviation: 1)
    let bias = stream.normals(outputs, standardDeviation: 1)
    let width = 8 * test.blockCount
    let z = stream.normalMatrix(rowCount: m + n, columnCount: width, standardDeviation: 1)
    let shifts = stream.normalMatrix(rowCount: 4, columnCount: m + n, standardDeviation: 0.5)

    var nodeMaxima = [Double](repeating: 0, count: n)
    var sampleMaxima = [Double](repeating: 0, count: width)
    for shift in 0..<4 {
      for i in 0..<width {
        let moved = (0..<m + n).map { z[$0, i] + shifts[shift, $0] }
        let activations = moved.map { $0 > 0 ? $0 : test.slope * $0 }
        let residual = (0..<outputs).map { c in
          bias[c] + (0..<m).reduce(0) { $0 + teacher[$1, c] * activations[$1] }
            - (0..<n).reduce(0) { $0 + student[$1, c] * activations[m + $1] }
        }
        for k in 0..<n {
          let g = abs(
            (moved[m + k] > 0 ? 1 : test.slope) * (0..<outputs).reduce(0) { $0 + student[k, $1] * residual[$1] })
          nodeMaxima[k] = max(nodeMaxima[k], g)
          sampleMaxima[i] = max(sampleMaxima[i], g)
        }
      }
    }
    // Sums of up to 33 + 36 terms of size about 1, whose product is summed again: 100 x 100 rounding errors at most.
    let tolerance = 1e4 * Double.ulpOfOne * (1 + (sampleMaxima.max() ?? 0))
    for set in supportedSets {
      var kernel = ShiftedGradients(
        teacherFanOut: teacher, studentFanOut: student, biasDifference: bias, negativeSlope: test.slope,
        instructions: set)
      let found = kernel.add(z, shifts: shifts)
      #expect(zip(found, sampleMaxima).allSatisfy { abs($0 - $1) <= tolerance }, "\(set)")
      #expect(zip(kernel.nodeMaxima, nodeMaxima).allSatisfy { abs($0 - $1) <= tolerance }, "\(set)")
    }
  }
}

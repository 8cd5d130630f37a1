import Testing
import UnderstudyNetworks

/// The widths of a teacher and a student of the same depth, inputs and outputs included, and what their layers are like.
struct DeepPair: Sendable, CustomTestStringConvertible {
  var teacher: [Int]
  var student: [Int]
  var slope = 0.0
  var hasBiases = true
  var testDescription: String { "\(teacher) and \(student), slope \(slope), biases \(hasBiases)" }

  /// Random ones, drawn from two keys.
  func networks(keys: (teacher: UInt64, student: UInt64)) throws -> (teacher: Network, student: Network) {
    (
      try Draw.network(teacher, key: keys.teacher, slope: slope, hasBiases: hasBiases),
      try Draw.network(student, key: keys.student, slope: slope, hasBiases: hasBiases)
    )
  }
}

import ArgumentParser
import Foundation
import Understudy

/// What a network file does not say: its activation.
struct ActivationOptions: ParsableArguments {
  @Option(help: "The networks' activation: relu, leakyRelu or linear.")
  var activation: NetworkSetting.Activation = .relu

  @Option(help: "Slope on the negative side, for leakyRelu (default: 0.01).")
  var leakySlope: Double?

  func validate() throws {
    if leakySlope != nil, activation != .leakyRelu {
      throw ValidationError("--leaky-slope is for --activation leakyRelu; give both, or neither")
    }
    guard (0..<1).contains(leakySlope ?? 0) else {
      throw ValidationError("--leaky-slope \(leakySlope ?? 0): give a number from 0 to below 1")
    }
  }

  /// Of commands that look at boundaries.
  func checkHasBoundaries() throws {
    guard activation == .linear else { return }
    throw ValidationError("--activation linear: a linear network has no boundaries to look at; give relu or leakyRelu")
  }

  /// Whether either differs from what it is by default.
  var isGiven: Bool { activation != .relu || leakySlope != nil }

  var value: Activation {
    switch activation {
    case .relu: .relu
    case .leakyRelu: Activation(negativeSlope: leakySlope ?? 0.01)
    case .linear: .linear
    }
  }
}

extension NetworkSetting.Activation: ExpressibleByArgument {}

/// Writes the network that was made of a student; `maker` is the key in the file that names the student's.
func write(_ network: Network, to path: String, maker: String, of student: String) throws {
  try write(network, to: path, metadata: [maker: student])
}

/// Writes a network with the program's version, and what else is known of it; keys get the prefix `understudy.`.
func write(
  _ network: Network, to path: String, metadata: [String: String], precision: NetworkFile.Precision = .float64
) throws {
  let prefixed = metadata.merging(["version": understudyVersion]) { $1 }.map { ("understudy.\($0)", $1) }
  try write(
    NetworkFile.encode(network, precision: precision, metadata: Dictionary(uniqueKeysWithValues: prefixed)), to: path)
}
